//! `flow.*`: who may be reached from where. Every command that makes something reachable also takes `consumerOf`.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::Request;
use ockam_core::Address;
use serde_json::{Value, json};

pub fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "flow.add_consumer" => {
            add_consumers(peer, request, &request.address("address")?)?;
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}

/// Lets messages of the flows named in `consumerOf` reach `address`.
pub fn add_consumers(peer: &Peer, request: &Request, address: &Address) -> Result<(), Failure> {
    for id in request.flow_control_ids("consumerOf")? {
        peer.context.flow_controls().add_consumer(address, &id);
    }
    Ok(())
}
