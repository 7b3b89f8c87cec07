//! `channel.*`: secure channels, as initiator and as listener, with each trust policy of the crate.

use crate::credential;
use crate::failure::Failure;
use crate::flow;
use crate::held_credential::{HeldCredential, HeldCredentialCreator};
use crate::peer::{Peer, lock};
use crate::request::{Request, show_address};
use ockam::identity::{
    AllTrustPolicy, AnyTrustPolicy, DecryptionRequest, DecryptionResponse, EncryptionRequest, EncryptionResponse, Identifier,
    SecureChannelListenerOptions, SecureChannelOptions, TrustEveryonePolicy, TrustIdentifierPolicy, TrustMultiIdentifiersPolicy, TrustPolicy,
};
use ockam_core::{Address, route};
use serde_json::{Value, json};
use std::sync::Arc;

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "channel.listen" => listen(peer, request),
        "channel.create" => create(peer, request).await,
        "channel.close" => {
            let encryptor = request.address("encryptor")?;
            lock(&peer.opened).remove(&encryptor);
            peer.channels.stop_secure_channel(&peer.context, &encryptor)?;
            Ok(json!({}))
        }
        "channel.move" => {
            let opened = lock(&peer.opened).get(&request.address("encryptor")?).cloned();
            let channel = opened.ok_or_else(|| Failure::new("no such channel was opened here"))?;
            channel.update_remote_node_route(request.route("route")?)?;
            Ok(json!({}))
        }
        "channel.present" => present(peer, request).await,
        "channel.list" => Ok(json!({ "channels": list(peer) })),
        "channel.encrypt" => encrypt(peer, request).await,
        "channel.decrypt" => decrypt(peer, request).await,
        _ => Err(crate::unknown(request)),
    }
}

/// `everyone` (the default), or `identifier`, `identifiers`, `both` (a conjunction) and `either` (a disjunction) over `trusted`.
fn trust(request: &Request) -> Result<Arc<dyn TrustPolicy>, Failure> {
    let trusted = request.identifiers("trusted")?;
    let at = |index: usize| -> Result<TrustIdentifierPolicy, Failure> {
        let identifier: Option<&Identifier> = trusted.get(index);
        let missing = || Failure::new("this trust policy needs more identifiers in \"trusted\"");
        Ok(TrustIdentifierPolicy::new(identifier.cloned().ok_or_else(missing)?))
    };
    Ok(match request.text_or("trust", "everyone")? {
        "everyone" => Arc::new(TrustEveryonePolicy),
        "identifier" => Arc::new(at(0)?),
        "identifiers" => Arc::new(TrustMultiIdentifiersPolicy::new(trusted)),
        "both" => Arc::new(AllTrustPolicy::new(at(0)?, at(1)?)),
        "either" => Arc::new(AnyTrustPolicy::new(at(0)?, at(1)?)),
        other => return Err(Failure::new(format!("there is no trust policy \"{other}\""))),
    })
}

/// What shows the credential of the request, if there is one.
fn hold(peer: &Peer, request: &Request) -> Result<Option<Arc<HeldCredentialCreator>>, Failure> {
    let Some(bytes) = request.optional_bytes("credential")? else { return Ok(None) };
    let held = HeldCredential::new(credential::decode(&bytes)?, request.duration_ms("credentialDelayMs", 0)?);
    lock(&peer.held).push(held.clone());
    Ok(Some(Arc::new(HeldCredentialCreator(held))))
}

/// Every channel that shows a credential shows this one from now on, the open ones at once.
async fn present(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let credential = credential::decode(&request.bytes("credential")?)?;
    let held = lock(&peer.held).clone();
    let mut channels = 0;
    for one in held {
        channels += one.replace(&peer.context, credential.clone()).await?;
    }
    Ok(json!({ "channels": channels }))
}

fn listen(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let mut options = SecureChannelListenerOptions::new().with_trust_policy(trust(request)?);
    for id in request.flow_control_ids("consumerOf")? {
        options = options.as_consumer(&id);
    }
    if let Some(authority) = request.optional_identifier("authority")? {
        options = options.with_authority(authority);
    }
    if let Some(held) = hold(peer, request)? {
        options = options.with_credential_retriever_creator(held)?;
    }
    if request.flag("keyExchangeOnly")? {
        options = options.key_exchange_only();
    }
    let identifier = request.identifier("identifier")?;
    let listener = peer.channels.create_secure_channel_listener(&peer.context, &identifier, request.text_or("address", "api")?, options)?;
    Ok(json!({ "address": show_address(listener.address()), "flowControlId": listener.flow_control_id().to_string() }))
}

async fn create(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let timeout = request.duration_ms("timeoutMs", 30_000)?;
    let mut options = SecureChannelOptions::new().with_trust_policy(trust(request)?).with_timeout(timeout);
    if let Some(authority) = request.optional_identifier("authority")? {
        options = options.with_authority(authority);
    }
    if let Some(held) = hold(peer, request)? {
        options = options.with_credential_retriever_creator(held)?;
    }
    if request.flag("keyExchangeOnly")? {
        options = options.key_exchange_only();
    }
    let route = request.route("route")?;
    let channel = peer.channels.create_secure_channel(&peer.context, &request.identifier("identifier")?, route, options).await?;
    flow::add_consumers(peer, request, channel.encryptor_address())?;
    lock(&peer.opened).insert(channel.encryptor_address().clone(), channel.clone());
    Ok(json!({
        "encryptor": show_address(channel.encryptor_address()),
        "encryptorApi": show_address(channel.encryptor_api_address()),
        "decryptorApi": show_address(channel.decryptor_api_address()),
        "peer": channel.their_identifier().to_string(),
        "flowControlId": channel.flow_control_id().to_string(),
    }))
}

/// All channels that are open, in either role.
pub fn list(peer: &Peer) -> Vec<Value> {
    let show = |entry: &ockam::identity::SecureChannelRegistryEntry| {
        let encryptor = entry.encryptor_messaging_address();
        let flow = peer.context.flow_controls().find_flow_control_with_producer_address(encryptor);
        json!({
            "encryptor": show_address(encryptor),
            "encryptorApi": show_address(entry.encryptor_api_address()),
            "decryptor": show_address(entry.decryptor_messaging_address()),
            "decryptorApi": show_address(entry.decryptor_api_address()),
            "isInitiator": entry.is_initiator(),
            "identifier": entry.my_id().to_string(),
            "peer": entry.their_id().to_string(),
            "flowControlId": flow.map(|info| info.flow_control_id().to_string()),
        })
    };
    peer.channels.secure_channel_registry().get_channel_list().iter().map(show).collect()
}

/// The ciphertext a channel makes of `plaintext`, through its API address; for key-exchange-only channels.
async fn encrypt(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let to: Address = request.address("encryptorApi")?;
    let plaintext = request.bytes("plaintext")?;
    match peer.scratch()?.send_and_receive(route![to], EncryptionRequest(plaintext)).await? {
        EncryptionResponse::Ok(ciphertext) => Ok(json!({ "ciphertext": hex::encode(ciphertext) })),
        EncryptionResponse::Err(error) => Err(error.into()),
    }
}

async fn decrypt(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let to: Address = request.address("decryptorApi")?;
    let ciphertext = request.bytes("ciphertext")?;
    match peer.scratch()?.send_and_receive(route![to], DecryptionRequest(ciphertext)).await? {
        DecryptionResponse::Ok(plaintext) => Ok(json!({ "plaintext": hex::encode(plaintext) })),
        DecryptionResponse::Err(error) => Err(error.into()),
    }
}
