//! `tcp.*`: listeners and connections.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::{Request, show_address};
use crate::wire::LOOPBACK;
use ockam::tcp::{TcpConnectionOptions, TcpListenerOptions};
use serde_json::{Value, json};

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let tcp = peer.tcp()?;
    match request.command.as_str() {
        "tcp.listen" => {
            let address = request.text_or("address", "127.0.0.1:0")?;
            let is_tapped = peer.tap.is_open();
            let listener = tcp.listen(if is_tapped { LOOPBACK } else { address }, TcpListenerOptions::new()).await?;
            let mut bound = *listener.socket_address();
            if is_tapped {
                bound = peer.tap.accept_for(listener.processor_address(), bound, address).await?;
            }
            Ok(json!({
                "address": bound.to_string(),
                "worker": show_address(listener.processor_address()),
                "flowControlId": listener.flow_control_id().to_string(),
            }))
        }
        "tcp.connect" => {
            let mut options = TcpConnectionOptions::new();
            for id in request.flow_control_ids("consumerOf")? {
                options = options.as_consumer(&id);
            }
            let to = request.text("to")?;
            let to = if peer.tap.is_open() { peer.tap.dial(to).await? } else { to.to_string() };
            let connection = tcp.connect(to, options).await?;
            Ok(json!({
                "worker": show_address(connection.sender_address()),
                "flowControlId": connection.flow_control_id().to_string(),
            }))
        }
        "tcp.disconnect" => {
            tcp.disconnect(request.address("worker")?)?;
            Ok(json!({}))
        }
        "tcp.stop_listener" => {
            let worker = request.address("worker")?;
            peer.tap.forget(&worker).await;
            tcp.stop_listener(&worker)?;
            Ok(json!({}))
        }
        "tcp.connections" => {
            let show = |info: &ockam::tcp::TcpSenderInfo| {
                json!({
                    "worker": show_address(info.address()),
                    "peer": info.socket_address().to_string(),
                    "flowControlId": info.flow_control_id().to_string(),
                })
            };
            let connections = tcp.registry().get_all_sender_workers();
            Ok(json!({ "connections": connections.iter().map(show).collect::<Vec<_>>() }))
        }
        _ => Err(crate::unknown(request)),
    }
}
