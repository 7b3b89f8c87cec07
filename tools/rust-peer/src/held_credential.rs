//! The credential that this node shows in its channels: in handshakes, and again in every open channel when another one takes its place. An event tells
//! when the crate asks for it, and a delay stands for the time that fetching one from elsewhere takes.

use crate::output;
use crate::peer::lock;
use ockam::Context;
use ockam::compat::tokio;
use ockam::identity::models::CredentialAndPurposeKey;
use ockam::identity::{CredentialRetriever, CredentialRetrieverCreator, Identifier};
use ockam_core::{Address, NeutralMessage, Result, async_trait, route};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct HeldCredential {
    current: Mutex<CredentialAndPurposeKey>,
    /// Where the channels that want to know of another credential are told.
    subscribers: Mutex<BTreeSet<Address>>,
    delay: Duration,
}

impl HeldCredential {
    pub fn new(credential: CredentialAndPurposeKey, delay: Duration) -> Arc<Self> {
        Arc::new(Self { current: Mutex::new(credential), subscribers: Mutex::new(BTreeSet::new()), delay })
    }

    async fn wait(&self, step: &str) {
        output::event("credential-asked", json!({ "step": step }));
        tokio::time::sleep(self.delay).await;
    }

    /// Replaces the credential; every open channel shows the new one. Returns how many channels that are.
    pub async fn replace(&self, context: &Context, credential: CredentialAndPurposeKey) -> Result<usize> {
        *lock(&self.current) = credential;
        let subscribers: Vec<Address> = lock(&self.subscribers).iter().cloned().collect();
        for subscriber in &subscribers {
            context.send(route![subscriber.clone()], NeutralMessage::from(vec![])).await?;
        }
        Ok(subscribers.len())
    }
}

#[async_trait]
impl CredentialRetriever for HeldCredential {
    async fn initialize(&self) -> Result<()> {
        self.wait("initialize").await;
        Ok(())
    }

    async fn retrieve(&self) -> Result<CredentialAndPurposeKey> {
        self.wait("retrieve").await;
        Ok(lock(&self.current).clone())
    }

    fn subscribe(&self, address: &Address) -> Result<()> {
        lock(&self.subscribers).insert(address.clone());
        Ok(())
    }

    fn unsubscribe(&self, address: &Address) -> Result<()> {
        lock(&self.subscribers).remove(address);
        Ok(())
    }
}

/// Gives every channel the same retriever.
pub struct HeldCredentialCreator(pub Arc<HeldCredential>);

#[async_trait]
impl CredentialRetrieverCreator for HeldCredentialCreator {
    async fn create(&self, _subject: &Identifier) -> Result<Arc<dyn CredentialRetriever>> {
        Ok(self.0.clone())
    }
}
