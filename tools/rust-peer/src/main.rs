//! An unmodified Rust node, driven by JSON lines: requests on standard input, replies and events on standard output. README.md describes the protocol.
//! It ends when standard input ends. It is a tool of tests: it protects nothing and trusts who starts it.

mod api_service;
mod certificate;
mod channel;
mod credential;
mod decoding;
mod failure;
mod fixed_ephemeral_vault;
mod flow;
mod held_credential;
mod identity;
mod measure;
mod message;
mod multiaddr;
mod output;
mod peer;
mod policy;
mod portal;
mod relay;
mod request;
mod tcp;
mod tracing_context;
mod udp;
#[cfg(unix)]
mod uds;
mod watch;
mod wire;
mod worker;

use failure::Failure;
use ockam::compat::tokio;
use ockam::{Context, Executor};
use peer::Peer;
use request::Request;
use serde_json::Value;
use std::io::BufRead;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (context, mut executor): (Context, Executor) = ockam_node_builder().build();
    executor.execute(async move { serve(context).await })??;
    Ok(())
}

/// A panic inside a request becomes an error reply; the crate's own log stays silent unless OCKAM_LOG_LEVEL asks for it on standard error.
fn ockam_node_builder() -> ockam::NodeBuilder {
    ockam::NodeBuilder::new().no_logging().no_exit_on_panic()
}

async fn serve(context: Context) -> ockam::Result<()> {
    let peer = Arc::new(Peer::create(context).await?);
    watch::start(peer.clone());
    let mut lines = read_lines();
    while let Some(line) = lines.recv().await {
        if !line.trim().is_empty() {
            tokio::spawn(answer(peer.clone(), line));
        }
    }
    // Standard input has ended: whoever drives this process is gone or done.
    std::process::exit(0)
}

/// Standard input is read by a thread of its own; the channel closes at its end.
fn read_lines() -> tokio::sync::mpsc::Receiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn answer(peer: Arc<Peer>, line: String) {
    let Ok(Value::Object(mut object)) = serde_json::from_str::<Value>(&line) else {
        return output::reply(&Value::Null, Err(Failure::new("a request is one JSON object in one line")));
    };
    let id = object.remove("id").unwrap_or(Value::Null);
    let Some(Value::String(command)) = object.remove("command") else {
        return output::reply(&id, Err(Failure::new("a request needs \"command\"")));
    };
    let request = Request::new(command, object);
    // A task of its own, so that a panic ends the request and not the process.
    let done = tokio::spawn(async move { dispatch(&peer, &request).await }).await;
    output::reply(&id, done.unwrap_or_else(|error| Err(Failure::new(format!("the request ended abnormally: {error}")))));
}

async fn dispatch(peer: &Arc<Peer>, request: &Request) -> Result<Value, Failure> {
    let area = request.command.split('.').next().unwrap_or_default();
    match area {
        "peer" => peer.run(request),
        "identity" | "attestation" => identity::run(peer, request).await,
        "credential" | "attributes" => credential::run(peer, request).await,
        "tcp" => tcp::run(peer, request).await,
        "udp" => udp::run(peer, request).await,
        "worker" => worker::run(peer, request).await,
        "channel" => channel::run(peer, request).await,
        "relay" => relay::run(peer, request).await,
        "portal" => portal::run(peer, request).await,
        "message" => message::run(peer, request).await,
        "flow" => flow::run(peer, request),
        "policy" => policy::run(peer, request).await,
        "multiaddr" => multiaddr::run(request),
        "tracing" => tracing_context::run(request),
        "wire" => wire::run(peer, request),
        #[cfg(unix)]
        "uds" => uds::run(peer, request).await,
        "measure" => measure::run(peer, request).await,
        "decode" => decoding::run(peer, request).await,
        _ => Err(unknown(request)),
    }
}

/// The answer to a command that does not exist.
pub fn unknown(request: &Request) -> Failure {
    Failure::new(format!("there is no command \"{}\"", request.command))
}
