//! Events about channels and connections that open and close. The crate tells nobody, so its registries are looked at fifty times a second.

use crate::output;
use crate::peer::Peer;
use crate::{channel, request::show_address};
use ockam::compat::tokio;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const PERIOD: Duration = Duration::from_millis(20);

pub fn start(peer: Arc<Peer>) {
    tokio::spawn(async move {
        let mut channels = BTreeMap::new();
        let mut connections = BTreeMap::new();
        loop {
            tokio::time::sleep(PERIOD).await;
            channels = compare("channel", channels, open_channels(&peer));
            connections = compare("connection", connections, open_connections(&peer));
        }
    });
}

fn open_channels(peer: &Peer) -> BTreeMap<String, Value> {
    let keyed = |entry: Value| (entry["encryptor"].as_str().unwrap_or_default().to_string(), entry);
    channel::list(peer).into_iter().map(keyed).collect()
}

fn open_connections(peer: &Peer) -> BTreeMap<String, Value> {
    let Ok(tcp) = peer.tcp() else { return BTreeMap::new() };
    let senders = tcp.registry().get_all_sender_workers();
    let show = |info: &ockam::tcp::TcpSenderInfo| {
        let worker = show_address(info.address());
        let details = json!({ "worker": worker, "peer": info.socket_address().to_string(), "flowControlId": info.flow_control_id().to_string() });
        (worker, details)
    };
    senders.iter().map(show).collect()
}

fn compare(what: &str, before: BTreeMap<String, Value>, now: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    for (_, details) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
        output::event(&format!("{what}-closed"), details.clone());
    }
    for (_, details) in now.iter().filter(|(key, _)| !before.contains_key(*key)) {
        output::event(&format!("{what}-opened"), details.clone());
    }
    now
}
