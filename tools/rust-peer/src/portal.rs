//! `portal.*`: TCP inlets and outlets.

use crate::certificate::GivenCertificate;
use crate::failure::Failure;
use crate::peer::{Peer, lock};
use crate::request::{Request, show_address};
use ockam::tcp::{TcpInletOptions, TcpOutletOptions};
use ockam::transport::HostnamePort;
use ockam_transport_tcp::TcpInlet;
use serde_json::{Value, json};
use std::str::FromStr;

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let tcp = peer.tcp()?;
    match request.command.as_str() {
        "portal.inlet" => {
            let mut options = TcpInletOptions::new().set_skip_handshake(request.flag("skipHandshake")?);
            if let Some(certificate) = GivenCertificate::of(request)? {
                options = options.with_tls_certificate_provider(certificate);
            }
            let inlet = tcp.create_inlet(request.text_or("from", "127.0.0.1:0")?, request.route("route")?, options).await?;
            let worker = inlet.processor_address().cloned().ok_or_else(|| Failure::new("the inlet has no worker"))?;
            lock(&peer.inlets).insert(worker.clone(), inlet.clone());
            Ok(json!({ "address": inlet.socket_address().to_string(), "worker": show_address(&worker) }))
        }
        "portal.outlet" => {
            let mut options = TcpOutletOptions::new().set_skip_handshake(request.flag("skipHandshake")?);
            for id in request.flow_control_ids("consumerOf")? {
                options = options.as_consumer(&id);
            }
            tcp.create_outlet(request.address("address")?, HostnamePort::from_str(request.text("to")?)?, options)?;
            Ok(json!({}))
        }
        "portal.pause_inlet" => {
            find(peer, request)?.pause();
            Ok(json!({}))
        }
        "portal.resume_inlet" => {
            find(peer, request)?.unpause(&peer.context, request.route("route")?)?;
            Ok(json!({}))
        }
        "portal.stop_inlet" => {
            let worker = request.address("worker")?;
            lock(&peer.inlets).remove(&worker);
            tcp.stop_inlet(&worker)?;
            Ok(json!({}))
        }
        "portal.stop_outlet" => {
            tcp.stop_outlet(&request.address("address")?)?;
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}

fn find(peer: &Peer, request: &Request) -> Result<TcpInlet, Failure> {
    let inlet = lock(&peer.inlets).get(&request.address("worker")?).cloned();
    inlet.ok_or_else(|| Failure::new("there is no such inlet"))
}
