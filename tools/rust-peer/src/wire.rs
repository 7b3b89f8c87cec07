//! `wire.*`: every message that TCP connections of this node carry, as it stands on the wire. The crate shows none of them, so listeners and connections
//! that are made while the tap is open get a socket of this process in between, which passes on what it reports.

use crate::failure::Failure;
use crate::output;
use crate::peer::{Peer, lock};
use crate::request::Request;
use ockam::compat::tokio;
use ockam_core::Address;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The most that a frame may hold, as the crate has it.
const MAX_FRAME: usize = ockam::tcp::MAX_MESSAGE_SIZE;
/// Where this node listens itself while the tap does so at the address that was asked for.
pub const LOOPBACK: &str = "127.0.0.1:0";

#[derive(Default)]
pub struct Tap {
    is_open: AtomicBool,
    /// What accepts in the place of listeners, by the listener's worker.
    listeners: Mutex<HashMap<Address, JoinHandle<()>>>,
}

impl Tap {
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Accepts at `address` for a listener of this node. Returns where.
    pub async fn accept_for(&self, worker: &Address, inner: SocketAddr, address: &str) -> Result<SocketAddr, Failure> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((outside, peer)) = listener.accept().await {
                tokio::spawn(async move {
                    if let Ok(inside) = TcpStream::connect(inner).await {
                        carry(outside, inside, peer).await;
                    }
                });
            }
        });
        lock(&self.listeners).insert(worker.clone(), accepting);
        Ok(bound)
    }

    /// Accepts no more for that listener; its port is free when this returns.
    pub async fn forget(&self, worker: &Address) {
        let accepting = lock(&self.listeners).remove(worker);
        if let Some(accepting) = accepting {
            accepting.abort();
            let _ = accepting.await;
        }
    }

    /// Connects to `to`. Returns where this node connects to in its place, once.
    pub async fn dial(&self, to: &str) -> Result<String, Failure> {
        let outside = TcpStream::connect(to).await?;
        let peer = outside.peer_addr()?;
        let listener = TcpListener::bind(LOOPBACK).await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move {
            if let Ok((inside, _)) = listener.accept().await {
                drop(listener);
                carry(outside, inside, peer).await;
            }
        });
        Ok(address)
    }
}

pub fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "wire.open" => peer.tap.is_open.store(true, Ordering::Relaxed),
        "wire.close" => peer.tap.is_open.store(false, Ordering::Relaxed),
        _ => return Err(crate::unknown(request)),
    }
    Ok(json!({}))
}

/// Numbers connections, so that events of several can be told apart.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

async fn carry(outside: TcpStream, inside: TcpStream, peer: SocketAddr) {
    let _ = (outside.set_nodelay(true), inside.set_nodelay(true));
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let report = |direction: &'static str| {
        move |bytes: &[u8]| {
            let details = json!({ "direction": direction, "connection": connection, "peer": peer.to_string(), "message": hex::encode(bytes) });
            output::event("wire", details);
        }
    };
    let (from_outside, to_outside) = outside.into_split();
    let (from_inside, to_inside) = inside.into_split();
    // An error on either side cuts both; an end is passed on, and the other direction goes on.
    let _ = tokio::try_join!(pass(from_outside, to_inside, report("received")), pass(from_inside, to_outside, report("sent")));
}

/// Reports a message before its last bytes are passed on: whatever follows from it comes after the event.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, report: impl Fn(&[u8])) -> io::Result<()> {
    let mut pieces = Pieces::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        pieces.take(&buffer[..length], &report);
        to.write_all(&buffer[..length]).await?;
    }
}

/// Cuts one direction of a connection into its version and its frames, each with its length in front.
#[derive(Default)]
struct Pieces {
    waiting: Vec<u8>,
    has_version: bool,
    /// After a frame that is too long nothing more can be cut.
    is_over: bool,
}

impl Pieces {
    fn take(&mut self, bytes: &[u8], report: &impl Fn(&[u8])) {
        if self.is_over {
            return;
        }
        self.waiting.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(length) = self.next_length(at) {
            let end = if length > MAX_FRAME + 4 { self.waiting.len() } else { at + length };
            self.is_over = length > MAX_FRAME + 4;
            let Some(piece) = self.waiting.get(at..end) else { break };
            report(piece);
            self.has_version = true;
            at = end;
        }
        self.waiting.drain(..at);
    }

    /// How long the piece that begins there is, when that can be told.
    fn next_length(&self, at: usize) -> Option<usize> {
        if !self.has_version {
            return (at < self.waiting.len()).then_some(1);
        }
        let head: [u8; 4] = self.waiting.get(at..at + 4)?.try_into().ok()?;
        Some(4 + u32::from_be_bytes(head) as usize)
    }
}
