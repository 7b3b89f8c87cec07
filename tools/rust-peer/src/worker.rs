//! `worker.*`: the standard services, and workers that report what reaches them. Raw echo, hop and uppercase are not in the library crates but in the
//! command-line program; they are written here to do what those do.

use crate::api_service::ApiService;
use crate::failure::Failure;
use crate::measure::Sink;
use crate::output;
use crate::peer::Peer;
use crate::request::{Request, show_address};
use crate::{flow, message};
use ockam::Context;
use ockam::workers::Echoer;
use ockam_core::{Any, NeutralMessage, Result, Routed, Worker, async_trait};
use serde_json::{Value, json};

pub async fn run(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    match request.command.as_str() {
        "worker.start" => start(peer, request),
        "worker.stop" => {
            peer.context.stop_address(&request.address("address")?)?;
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}

fn start(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    let address = request.address("address")?;
    let name = show_address(&address);
    let context = &peer.context;
    match request.text("kind")? {
        "echo" => context.start_worker(address.clone(), RawEcho)?,
        "string-echo" => context.start_worker(address.clone(), Echoer)?,
        "uppercase" => context.start_worker(address.clone(), Uppercase)?,
        "hop" => context.start_worker(address.clone(), Hop)?,
        "api" => context.start_worker(address.clone(), ApiService)?,
        "inbox" => context.start_worker(address.clone(), Inbox { name })?,
        "sink" => context.start_worker(address.clone(), Sink::new(name, request.number("expected")?))?,
        other => return Err(Failure::new(format!("there is no worker of kind \"{other}\""))),
    }
    flow::add_consumers(peer, request, &address)?;
    Ok(json!({}))
}

/// Returns the bytes it gets.
struct RawEcho;

#[async_trait]
impl Worker for RawEcho {
    type Context = Context;
    type Message = NeutralMessage;

    async fn handle_message(&mut self, context: &mut Context, message: Routed<NeutralMessage>) -> Result<()> {
        let route = message.return_route().clone();
        context.send(route, NeutralMessage::from(message.into_payload())).await
    }
}

/// Returns a BARE string in upper case.
struct Uppercase;

#[async_trait]
impl Worker for Uppercase {
    type Context = Context;
    type Message = String;

    async fn handle_message(&mut self, context: &mut Context, message: Routed<String>) -> Result<()> {
        let route = message.return_route().clone();
        context.send(route, message.into_body()?.to_uppercase()).await
    }
}

/// Takes itself from the front of the onward route and puts itself in front of the return route.
struct Hop;

#[async_trait]
impl Worker for Hop {
    type Context = Context;
    type Message = Any;

    async fn handle_message(&mut self, context: &mut Context, message: Routed<Any>) -> Result<()> {
        let own = context.primary_address().clone();
        context.forward(message.into_local_message().step_forward(own)?).await
    }
}

/// Reports every message as an event.
struct Inbox {
    name: String,
}

#[async_trait]
impl Worker for Inbox {
    type Context = Context;
    type Message = Any;

    async fn handle_message(&mut self, _context: &mut Context, message: Routed<Any>) -> Result<()> {
        let mut details = message::show(message.local_message());
        details["inbox"] = json!(self.name);
        output::event("message", details);
        Ok(())
    }
}
