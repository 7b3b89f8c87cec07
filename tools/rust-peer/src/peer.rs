//! What one process holds: a context, identities in memory, secure channels, and the transports once they are asked for.

use crate::failure::Failure;
use crate::fixed_ephemeral_vault::FixedEphemeralVault;
use crate::held_credential::HeldCredential;
use crate::request::Request;
use crate::wire::Tap;
use ockam::Context;
use ockam::SqlxDatabase;
use ockam::identity::{Identities, SecureChannel, SecureChannelSqlxDatabase, SecureChannels, Vault};
use ockam::tcp::TcpTransport;
use ockam::udp::{UdpPuncture, UdpTransport};
use ockam::vault::storage::SecretsSqlxDatabase;
use ockam::vault::{SoftwareVaultForSecureChannels, SoftwareVaultForSigning};
use ockam_core::{Address, AllowAll, Result};
use ockam_transport_tcp::TcpInlet;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Peer {
    pub context: Context,
    pub identities: Arc<Identities>,
    pub channels: Arc<SecureChannels>,
    /// Signing keys, for importing known ones.
    pub signing: Arc<SoftwareVaultForSigning>,
    /// Static X25519 keys, for importing known ones.
    pub statics: Arc<SoftwareVaultForSecureChannels>,
    /// What generates ephemeral keys, known ones first.
    pub ephemerals: Arc<FixedEphemeralVault>,
    pub punctures: Mutex<HashMap<Address, UdpPuncture>>,
    /// Channels opened here, by encryptor.
    pub opened: Mutex<HashMap<Address, SecureChannel>>,
    /// Credentials shown by listeners and channels, the latest of each.
    pub held: Mutex<Vec<Arc<HeldCredential>>>,
    /// Inlets, by worker.
    pub inlets: Mutex<HashMap<Address, TcpInlet>>,
    pub tap: Tap,
    #[cfg(unix)]
    pub uds: ockam::compat::tokio::sync::OnceCell<ockam_transport_uds::UdsTransport>,
}

impl Peer {
    pub async fn create(context: Context) -> Result<Self> {
        let database = SqlxDatabase::in_memory("rust-peer").await?;
        let secrets = Arc::new(SecretsSqlxDatabase::new(database.clone()));
        let signing = Arc::new(SoftwareVaultForSigning::new(secrets.clone()));
        let statics = Arc::new(SoftwareVaultForSecureChannels::new(secrets));
        let ephemerals = Arc::new(FixedEphemeralVault::new(statics.clone()));
        let vault = Vault::new(signing.clone(), ephemerals.clone(), signing.clone(), Vault::create_verifying_vault());
        let identities = Identities::create(database.clone()).with_vault(vault).build();
        let repository = Arc::new(SecureChannelSqlxDatabase::new(database));
        let channels = SecureChannels::from_identities(identities.clone(), repository);
        Ok(Self {
            context,
            identities,
            channels,
            signing,
            statics,
            ephemerals,
            punctures: Mutex::new(HashMap::new()),
            opened: Mutex::new(HashMap::new()),
            held: Mutex::new(vec![]),
            inlets: Mutex::new(HashMap::new()),
            tap: Tap::default(),
            #[cfg(unix)]
            uds: Default::default(),
        })
    }

    /// A context of its own for one request, at a random address, which sends to anyone and is reached by anyone whom flow control allows.
    pub fn scratch(&self) -> Result<Context> {
        self.context.new_detached(Address::random_local(), AllowAll, AllowAll)
    }

    pub fn tcp(&self) -> Result<Arc<TcpTransport>> {
        TcpTransport::get_or_create(&self.context)
    }

    pub fn udp(&self) -> Result<Arc<UdpTransport>> {
        UdpTransport::get_or_create(&self.context)
    }

    pub fn run(&self, request: &Request) -> std::result::Result<Value, Failure> {
        match request.command.as_str() {
            "peer.version" => Ok(json!({ "protocol": 1, "sources": env!("RUST_PEER_SOURCES"), "crates": crates() })),
            "peer.workers" => {
                let workers = self.context.list_workers()?;
                Ok(json!({ "workers": workers.iter().map(crate::request::show_address).collect::<Vec<_>>() }))
            }
            "peer.stop" => {
                self.context.stop_address(&request.address("address")?)?;
                Ok(json!({}))
            }
            _ => Err(crate::unknown(request)),
        }
    }
}

/// What a mutex guards, also after a panic elsewhere.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names and versions of the crates that make the node, read from the lock file at build time.
fn crates() -> Value {
    let lock = include_str!("../Cargo.lock");
    let mut found = serde_json::Map::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(value) = quoted(line, "name = ") {
            name = value;
        } else if let Some(version) = quoted(line, "version = ")
            && (name.starts_with("ockam") || name.starts_with("minicbor") || name == "serde_bare")
        {
            found.insert(name.to_string(), json!(version));
        }
    }
    Value::Object(found)
}

fn quoted<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_prefix('"')?.strip_suffix('"')
}
