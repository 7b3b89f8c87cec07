//! `message.*`: sending from outside any worker, with or without waiting for an answer. Payloads are raw bytes, nothing is wrapped around them.

use crate::api_service;
use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::{Request, show_route};
use ockam::MessageSendReceiveOptions;
use ockam_core::{LocalMessage, NeutralMessage, SecureChannelLocalInfo};
use serde_json::{Value, json};

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "message.send" => send(peer, request).await,
        "message.request" => ask(peer, request).await,
        "message.api" => api_service::call(peer, request).await,
        _ => Err(crate::unknown(request)),
    }
}

/// With `return` the message carries exactly this return route, otherwise one that leads nowhere.
async fn send(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let context = peer.scratch()?;
    let message = LocalMessage::new()
        .with_onward_route(request.route("route")?)
        .with_return_route(request.route_or_empty("return")?)
        .with_payload(request.bytes("payload")?);
    context.forward(message).await?;
    Ok(json!({}))
}

async fn ask(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let options = MessageSendReceiveOptions::new().with_timeout(request.duration_ms("timeoutMs", 30_000)?);
    let message = NeutralMessage::from(request.bytes("payload")?);
    let answer = peer.context.send_and_receive_extended::<_, NeutralMessage>(request.route("route")?, message, options).await?;
    Ok(show(answer.local_message()))
}

/// A received message as it is shown in replies and events; `peer` is who is at the other end of the channel it came through.
pub fn show(message: &LocalMessage) -> Value {
    let identity = SecureChannelLocalInfo::find_info(message).ok();
    json!({
        "payload": hex::encode(message.payload()),
        "onward": show_route(message.onward_route()),
        "return": show_route(message.return_route()),
        "peer": identity.map(|info| ockam::identity::Identifier::from(info.their_identifier()).to_string()),
    })
}
