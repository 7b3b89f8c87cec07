//! `multiaddr.*`: addresses as people write them, in text and in binary.

use crate::failure::Failure;
use crate::request::Request;
use ockam_multiaddr::MultiAddr;
use serde_json::{Value, json};
use std::str::FromStr;

pub fn run(request: &Request) -> Result<Value, Failure> {
    let address = match request.command.as_str() {
        "multiaddr.parse" => parse(request.text("text")?)?,
        "multiaddr.decode" => decode(&request.bytes("binary")?)?,
        _ => return Err(crate::unknown(request)),
    };
    Ok(json!({ "text": address.to_string(), "binary": hex::encode(address.as_ref()) }))
}

pub fn parse(text: &str) -> Result<MultiAddr, Failure> {
    MultiAddr::from_str(text).map_err(|error| Failure::new(error.to_string()))
}

pub fn decode(bytes: &[u8]) -> Result<MultiAddr, Failure> {
    MultiAddr::try_from(bytes).map_err(|error| Failure::new(error.to_string()))
}
