//! `identity.*` and `attestation.*`: change histories, rotation, and the attested static key of channels.

use crate::failure::Failure;
use crate::peer::Peer;
use crate::request::Request;
use ockam::identity::models::{PurposeKeyAttestation, PurposePublicKey};
use ockam::identity::utils::now;
use ockam::identity::{Identifier, IdentityOptions, TimestampInSeconds};
use ockam::vault::{
    ECDSASHA256CurveP256SecretKey, EdDSACurve25519SecretKey, SigningKeyType, SigningSecret, SigningSecretKeyHandle, VaultForSigning, X25519SecretKey,
};
use serde_json::{Value, json};

const TEN_YEARS: u64 = 10 * 365 * 24 * 60 * 60;

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "identity.create" => create(peer, request).await,
        "identity.rotate" => rotate(peer, request).await,
        "identity.export" => show(peer, &request.identifier("identifier")?).await,
        "identity.import" => import(peer, request).await,
        "attestation.create" => attest(peer, request).await,
        "attestation.verify" => verify_attestation(peer, request).await,
        "identity.next_ephemeral" => {
            let secret = request.secret("secret")?.ok_or_else(|| Failure::new("identity.next_ephemeral needs \"secret\""))?;
            peer.ephemerals.push(secret);
            Ok(json!({}))
        }
        _ => Err(crate::unknown(request)),
    }
}

async fn options(peer: &Peer, request: &Request) -> Result<IdentityOptions, Failure> {
    let from = request.optional_time("validFrom")?.map_or_else(now, Ok)?;
    let until = request.optional_time("validUntil")?.unwrap_or(TimestampInSeconds(from.0.saturating_add(TEN_YEARS)));
    Ok(IdentityOptions::new(signing_key(peer, request).await?, request.flag("revoke")?, from, until))
}

async fn signing_key(peer: &Peer, request: &Request) -> Result<SigningSecretKeyHandle, Failure> {
    let secret = request.secret("secret")?;
    Ok(match (request.text_or("key", "ed25519")?, secret) {
        ("ed25519", None) => peer.signing.generate_signing_secret_key(SigningKeyType::EdDSACurve25519).await?,
        ("p256", None) => peer.signing.generate_signing_secret_key(SigningKeyType::ECDSASHA256CurveP256).await?,
        ("ed25519", Some(secret)) => peer.signing.import_key(SigningSecret::EdDSACurve25519(EdDSACurve25519SecretKey::new(secret))).await?,
        ("p256", Some(secret)) => peer.signing.import_key(SigningSecret::ECDSASHA256CurveP256(ECDSASHA256CurveP256SecretKey::new(secret))).await?,
        (other, _) => return Err(Failure::new(format!("there is no signing key of type \"{other}\""))),
    })
}

async fn create(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let options = options(peer, request).await?;
    let identifier = peer.identities.identities_creation().create_identity_with_options(options).await?;
    show(peer, &identifier).await
}

async fn rotate(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let identifier = request.identifier("identifier")?;
    let options = options(peer, request).await?;
    peer.identities.identities_creation().rotate_identity_with_options(&identifier, options).await?;
    show(peer, &identifier).await
}

async fn import(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let expected = request.optional_identifier("expected")?;
    let identifier = peer.identities.identities_verification().import(expected.as_ref(), &request.bytes("history")?).await?;
    show(peer, &identifier).await
}

async fn show(peer: &Peer, identifier: &Identifier) -> Result<Value, Failure> {
    let identity = peer.identities.get_identity(identifier).await?;
    Ok(json!({
        "identifier": identifier.to_string(),
        "history": identity.export_as_string()?,
        "changes": identity.changes().len(),
        "latestChangeHash": identity.latest_change_hash()?.to_string(),
    }))
}

/// Makes and stores the static key that channels of this identity use from now on.
async fn attest(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let identifier = request.identifier("identifier")?;
    let creation = peer.identities.purpose_keys().purpose_keys_creation();
    let mut builder = creation.secure_channel_purpose_key_builder(&identifier);
    if let Some(secret) = request.secret("secret")? {
        builder = builder.with_existing_key(peer.statics.import_static_x25519_secret(X25519SecretKey::new(secret)).await?);
    }
    if let (Some(from), Some(until)) = (request.optional_time("createdAt")?, request.optional_time("expiresAt")?) {
        builder = builder.with_timestamps(from, until);
    }
    let key = builder.build().await?;
    Ok(json!({
        "attestation": hex::encode(encode(key.attestation())?),
        "publicKey": hex::encode(key.public_key().0),
    }))
}

async fn verify_attestation(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let attestation: PurposeKeyAttestation = minicbor::decode(&request.bytes("attestation")?)?;
    let subject = request.optional_identifier("subject")?;
    let verification = peer.identities.purpose_keys().purpose_keys_verification();
    let data = verification.verify_purpose_key_attestation(subject.as_ref(), &attestation).await?;
    let (purpose, public_key) = match data.public_key {
        PurposePublicKey::SecureChannelStatic(key) => ("channel", hex::encode(key.0)),
        PurposePublicKey::CredentialSigning(key) => ("credential", hex::encode(encode(&key)?)),
    };
    Ok(json!({
        "subject": data.subject.to_string(),
        "purpose": purpose,
        "publicKey": public_key,
        "createdAt": data.created_at.0,
        "expiresAt": data.expires_at.0,
    }))
}

/// The CBOR of anything the crates encode.
pub fn encode<T: minicbor::Encode<()>>(value: &T) -> Result<Vec<u8>, Failure> {
    minicbor::to_vec(value).map_err(|error| Failure::new(error.to_string()))
}
