//! `relay.*`: the crate's relay service, and its client for static and ephemeral relays.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::{Request, show_address, show_route};
use ockam::RelayServiceOptions;
use ockam::remote::{RemoteRelay, RemoteRelayOptions};
use ockam_core::flow_control::FlowControlId;
use serde_json::{Value, json};

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "relay.serve" => serve(peer, request),
        "relay.create" => create(peer, request).await,
        _ => Err(crate::unknown(request)),
    }
}

/// Both names of the service and the prefix of a command-line node.
fn serve(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let mut options = RelayServiceOptions::new().alias("static_forwarding_service").prefix(request.text_or("prefix", "forward_to_")?);
    for id in request.flow_control_ids("consumerOf")? {
        options = options.service_as_consumer(&id).relay_as_consumer(&id);
    }
    if let Some(authority) = request.optional_identifier("authority")? {
        options = options.authority(authority, peer.identities.identities_attributes());
    }
    ockam::RelayService::create(&peer.context, "forwarding_service", options)?;
    Ok(json!({}))
}

/// Registers with the relay node at the end of `route`; with `alias` a static relay. What it passes on reaches the consumers of the flow of the first hop.
async fn create(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let (route, options) = (request.route("route")?, RemoteRelayOptions::new());
    let info = match request.text_or("alias", "")? {
        "" => RemoteRelay::create(&peer.context, route, options).await?,
        alias => RemoteRelay::create_static(&peer.context, route, alias, options).await?,
    };
    Ok(json!({
        "address": info.remote_address(),
        "worker": show_address(info.worker_address()),
        "route": show_route(info.forwarding_route()),
        "flowControlId": info.flow_control_id().as_ref().map(FlowControlId::to_string),
    }))
}
