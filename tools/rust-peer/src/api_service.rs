//! The request and response API of the crates, which command-line nodes use for everything they are asked: a service, and the crate's own client.
//! The service answers `/body` with the request's body, `/unit` with the empty body, `/none` without one, and everything else with an error.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::Request;
use ockam::Context;
use ockam_core::api;
use ockam_core::api::{Method, Reply, Response};
use ockam_core::{NeutralMessage, Result, Routed, Worker, async_trait};
use ockam_node::api::Client;
use serde_json::{Value, json};

pub struct ApiService;

#[async_trait]
impl Worker for ApiService {
    type Context = Context;
    type Message = api::Request<NeutralMessage>;

    async fn handle_message(&mut self, context: &mut Context, message: Routed<Self::Message>) -> Result<()> {
        let route = message.return_route().clone();
        let (header, body) = message.into_body()?.into_parts();
        let body = body.unwrap_or_else(|| NeutralMessage::from(vec![]));
        match header.path() {
            "/body" => context.send(route, Response::ok().with_headers(&header).body(body)).await,
            "/unit" => context.send(route, Response::ok().with_headers(&header).body(())).await,
            "/none" => context.send(route, Response::ok().with_headers(&header)).await,
            "/forbidden" => context.send(route, Response::forbidden(&header, "you may not")).await,
            _ => context.send(route, Response::unknown_path(&header)).await,
        }
    }
}

/// Asks a service of anybody's with the crate's client. `ask` demands a body in the answer, `tell` does not.
pub async fn call(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    let timeout = request.duration_ms("timeoutMs", 10_000)?;
    let client = Client::new(&request.route("route")?, Some(timeout));
    let method = match request.text_or("method", "GET")? {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        other => return Err(Failure::new(format!("there is no method \"{other}\""))),
    };
    let question = api::Request::build(method, request.text("path")?);
    let wants_body = !request.flag("tell")?;
    match (request.optional_bytes("body")?, wants_body) {
        (Some(body), true) => show(client.ask(&peer.context, question.body(NeutralMessage::from(body))).await?),
        (None, true) => show(client.ask(&peer.context, question).await?),
        (Some(body), false) => show_empty(client.tell(&peer.context, question.body(NeutralMessage::from(body))).await?),
        (None, false) => show_empty(client.tell(&peer.context, question).await?),
    }
}

fn show(reply: Reply<NeutralMessage>) -> std::result::Result<Value, Failure> {
    Ok(match reply {
        Reply::Successful(body) => json!({ "body": hex::encode(body.into_vec()) }),
        Reply::Failed(error, status) => show_failure(&error, status),
    })
}

fn show_empty(reply: Reply<()>) -> std::result::Result<Value, Failure> {
    Ok(match reply {
        Reply::Successful(()) => json!({}),
        Reply::Failed(error, status) => show_failure(&error, status),
    })
}

fn show_failure(error: &api::Error, status: Option<api::Status>) -> Value {
    json!({ "status": status.and_then(|status| number(&status)), "message": error.message(), "path": error.path() })
}

/// A status as it stands on the wire.
fn number(status: &api::Status) -> Option<u32> {
    minicbor::decode(&minicbor::to_vec(status).ok()?).ok()
}
