//! `portal.*`: TCP inlets and outlets.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::{Request, show_address};
use ockam::tcp::{TcpInletOptions, TcpOutletOptions};
use ockam::transport::HostnamePort;
use serde_json::{Value, json};
use std::str::FromStr;

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let tcp = peer.tcp()?;
    match request.command.as_str() {
        "portal.inlet" => {
            let options = TcpInletOptions::new().set_skip_handshake(request.flag("skipHandshake")?);
            let inlet = tcp.create_inlet(request.text_or("from", "127.0.0.1:0")?, request.route("route")?, options).await?;
            Ok(json!({ "address": inlet.socket_address().to_string(), "worker": inlet.processor_address().map(show_address) }))
        }
        "portal.outlet" => {
            let mut options = TcpOutletOptions::new().set_skip_handshake(request.flag("skipHandshake")?);
            for id in request.flow_control_ids("consumerOf")? {
                options = options.as_consumer(&id);
            }
            tcp.create_outlet(request.address("address")?, HostnamePort::from_str(request.text("to")?)?, options)?;
            Ok(json!({}))
        }
        "portal.stop_inlet" => {
            tcp.stop_inlet(&request.address("worker")?)?;
            Ok(json!({}))
        }
        "portal.stop_outlet" => {
            tcp.stop_outlet(&request.address("address")?)?;
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}
