//! `udp.*`: sockets, the rendezvous service, and punctures.

use crate::failure::Failure;
use crate::flow;
use crate::peer::{Peer, lock};
use crate::request::{Request, show_address};
use ockam::udp::{
    RendezvousService, UdpBindArguments, UdpBindOptions, UdpPunctureNegotiation, UdpPunctureNegotiationListener,
    UdpPunctureNegotiationListenerOptions,
};
use serde_json::{Value, json};

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "udp.bind" => bind(peer, request).await,
        "udp.unbind" => {
            peer.udp()?.unbind(&request.address("worker")?)?;
            Ok(json!({}))
        }
        "udp.rendezvous" => {
            let address = request.address("address")?;
            RendezvousService::start(&peer.context, address.clone())?;
            flow::add_consumers(peer, request, &address)?;
            Ok(json!({}))
        }
        "udp.listen_punctures" => listen_punctures(peer, request),
        "udp.puncture" => puncture(peer, request).await,
        "udp.stop_puncture" => {
            let address = request.address("worker")?;
            let known = lock(&peer.punctures).remove(&address);
            known.ok_or_else(|| Failure::new("there is no such puncture"))?.stop(&peer.context)?;
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}

/// Without `peer` the socket talks to anyone, and routes name the peer: `[worker, "2#ip:port", …]`.
async fn bind(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let mut arguments = UdpBindArguments::new().with_bind_address(request.text_or("address", "127.0.0.1:0")?)?;
    let only = request.text_or("peer", "")?;
    if !only.is_empty() {
        arguments = arguments.with_peer_address(only).await?;
    }
    let mut options = UdpBindOptions::new();
    for id in request.flow_control_ids("consumerOf")? {
        options = options.as_consumer(&id);
    }
    let bind = peer.udp()?.bind(arguments, options).await?;
    Ok(json!({
        "worker": show_address(bind.sender_address()),
        "address": bind.bind_address().to_string(),
        "flowControlId": bind.flow_control_id().to_string(),
    }))
}

/// Answers negotiations; its own public address it asks at `rendezvous`, a route from a fresh socket: `["2#ip:port", "rendezvous"]`.
fn listen_punctures(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let mut options = UdpPunctureNegotiationListenerOptions::new();
    for id in request.flow_control_ids("consumerOf")? {
        options = options.as_consumer(&id);
    }
    let flow_control_id = options.flow_control_id();
    let udp = peer.udp()?;
    UdpPunctureNegotiationListener::create(&peer.context, request.address("address")?, &udp, request.route("rendezvous")?, options)?;
    Ok(json!({ "flowControlId": flow_control_id.to_string() }))
}

/// Negotiates over `route` with a listener and waits until the puncture is open. What is sent to `[worker, …]` then goes through it.
async fn puncture(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let timeout = request.duration_ms("timeoutMs", 10_000)?;
    let (route, rendezvous) = (request.route("route")?, request.route("rendezvous")?);
    let udp = peer.udp()?;
    let mut puncture = UdpPunctureNegotiation::start_negotiation(&peer.context, route, &udp, rendezvous, timeout).await?;
    puncture.wait_for_puncture(timeout).await?;
    let address = puncture.sender_address();
    let flow_control_id = puncture.flow_control_id().to_string();
    lock(&peer.punctures).insert(address.clone(), puncture);
    Ok(json!({ "worker": show_address(&address), "flowControlId": flow_control_id }))
}
