//! `uds.*`: Unix sockets, on systems that have them. Routes name the peer: `["5#/path/of/its/socket", …]`.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::Request;
use serde_json::{Value, json};

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let uds = peer.uds.get_or_try_init(|| async { ockam_transport_uds::UdsTransport::create(&peer.context) }).await?;
    match request.command.as_str() {
        "uds.listen" => {
            uds.listen(request.text("path")?).await?;
            Ok(json!({}))
        }
        "uds.connect" => {
            uds.connect(request.text("path")?).await?;
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}
