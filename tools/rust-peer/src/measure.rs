//! `measure.*`: floods and echo latencies, timed inside this process, so that JSON is not part of what is measured.
//! A numbered message begins with its number as eight bytes, most significant first.

use crate::failure::Failure;
use crate::output;
use crate::peer::Peer;
use crate::request::Request;
use ockam::Context;
use ockam_core::{Any, LocalMessage, NeutralMessage, Result, Routed, Worker, async_trait};
use serde_json::{Value, json};
use std::time::Instant;

const NUMBER_BYTES: usize = 8;

pub async fn run(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    match request.command.as_str() {
        "measure.flood" => flood(peer, request).await,
        "measure.echo" => echo(peer, request).await,
        "measure.handshakes" => handshakes(peer, request).await,
        _ => Err(crate::unknown(request)),
    }
}

/// `size` bytes: the number, then bytes that depend on it, so that a mix-up shows.
fn numbered(number: u64, size: usize) -> Vec<u8> {
    let mut payload = vec![(number % 251) as u8; size.max(NUMBER_BYTES)];
    payload[..NUMBER_BYTES].copy_from_slice(&number.to_be_bytes());
    payload
}

/// Sends `count` numbered messages as fast as the route takes them.
async fn flood(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    let (route, count, size) = (request.route("route")?, request.number("count")?, request.number("size")? as usize);
    let context = peer.scratch()?;
    let start = Instant::now();
    for number in 0..count {
        let message = LocalMessage::new().with_onward_route(route.clone()).with_payload(numbered(number, size));
        context.forward(message).await?;
    }
    Ok(json!({ "elapsedMs": start.elapsed().as_secs_f64() * 1000.0 }))
}

/// Sends one message after the other to an echo and compares what comes back. `roundTripsMs` is in order of time.
async fn echo(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    let (route, count, size) = (request.route("route")?, request.number("count")?, request.number("size")? as usize);
    let mut round_trips = Vec::with_capacity(count.min(1_000_000) as usize);
    let start = Instant::now();
    for number in 0..count {
        let payload = numbered(number, size);
        let sent = Instant::now();
        let answer: NeutralMessage = peer.context.send_and_receive(route.clone(), NeutralMessage::from(payload.clone())).await?;
        round_trips.push(sent.elapsed().as_secs_f64() * 1000.0);
        if answer.into_vec() != payload {
            return Err(Failure::new(format!("the echo of message {number} differs")));
        }
    }
    Ok(json!({ "elapsedMs": start.elapsed().as_secs_f64() * 1000.0, "roundTripsMs": round_trips }))
}

/// Opens and closes `count` channels, one after the other.
async fn handshakes(peer: &Peer, request: &Request) -> std::result::Result<Value, Failure> {
    let (route, identifier, count) = (request.route("route")?, request.identifier("identifier")?, request.number("count")?);
    let start = Instant::now();
    for _ in 0..count {
        let options = ockam::identity::SecureChannelOptions::new();
        let channel = peer.channels.create_secure_channel(&peer.context, &identifier, route.clone(), options).await?;
        peer.channels.stop_secure_channel(&peer.context, channel.encryptor_address())?;
    }
    Ok(json!({ "elapsedMs": start.elapsed().as_secs_f64() * 1000.0 }))
}

/// Counts numbered messages and reports once, when `expected` have come: how many, and whether each came once, in order, with its own bytes.
pub struct Sink {
    name: String,
    expected: u64,
    messages: u64,
    bytes: u64,
    wrong: u64,
    started: Option<Instant>,
}

impl Sink {
    pub fn new(name: String, expected: u64) -> Self {
        Self { name, expected, messages: 0, bytes: 0, wrong: 0, started: None }
    }

    fn is_right(&self, payload: &[u8]) -> bool {
        let Some((number, filling)) = payload.split_at_checked(NUMBER_BYTES) else { return false };
        number == self.messages.to_be_bytes() && filling.iter().all(|byte| *byte == (self.messages % 251) as u8)
    }
}

#[async_trait]
impl Worker for Sink {
    type Context = Context;
    type Message = Any;

    async fn handle_message(&mut self, _context: &mut Context, message: Routed<Any>) -> Result<()> {
        let payload = message.payload();
        let started = *self.started.get_or_insert_with(Instant::now);
        self.wrong += u64::from(!self.is_right(payload));
        self.messages += 1;
        self.bytes += payload.len() as u64;
        if self.messages == self.expected {
            let elapsed = started.elapsed().as_secs_f64() * 1000.0;
            let details = json!({ "sink": self.name, "messages": self.messages, "bytes": self.bytes, "wrong": self.wrong, "elapsedMs": elapsed });
            output::event("sink-full", details);
            (self.messages, self.bytes, self.wrong, self.started) = (0, 0, 0, None);
        }
        Ok(())
    }
}
