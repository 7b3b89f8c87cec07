//! `credential.*` and `attributes.*`: issuing, verifying, and what the node remembers of presented credentials.

use crate::failure::Failure;
use crate::identity::encode;
use crate::peer::Peer;
use crate::request::Request;
use ockam::identity::Attributes;
use ockam::identity::models::{CredentialAndPurposeKey, CredentialSchemaIdentifier};
use ockam::identity::utils::AttributesBuilder;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "credential.issue" => issue(peer, request).await,
        "credential.verify" => verify(peer, request).await,
        "attributes.get" => attributes(peer, request).await,
        _ => Err(crate::unknown(request)),
    }
}

async fn issue(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let schema = request.optional_number("schema")?.unwrap_or(1);
    let mut builder = AttributesBuilder::with_schema(CredentialSchemaIdentifier(schema));
    for (key, value) in request.object("attributes")? {
        let Value::String(value) = value else { return Err(Failure::new("attributes are strings")) };
        builder = builder.with_attribute(key.into_bytes(), value.into_bytes());
    }
    let ttl = Duration::from_secs(request.optional_number("ttlSeconds")?.unwrap_or(3600));
    let creation = peer.identities.credentials().credentials_creation();
    let credential = creation.issue_credential(&request.identifier("issuer")?, &request.identifier("subject")?, builder.build(), ttl).await?;
    Ok(json!({ "credential": hex::encode(encode(&credential)?) }))
}

pub fn decode(bytes: &[u8]) -> Result<CredentialAndPurposeKey, Failure> {
    Ok(CredentialAndPurposeKey::decode_from_cbor_bytes(bytes)?)
}

async fn verify(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let credential = decode(&request.bytes("credential")?)?;
    let subject = request.optional_identifier("subject")?;
    let authorities = request.identifiers("authorities")?;
    let verification = peer.identities.credentials().credentials_verification();
    let data = verification.verify_credential(subject.as_ref(), &authorities, &credential).await?.credential_data;
    Ok(json!({
        "subject": data.subject.map(|subject| subject.to_string()),
        "schema": data.subject_attributes.schema.0,
        "attributes": show(&data.subject_attributes),
        "createdAt": data.created_at.0,
        "expiresAt": data.expires_at.0,
    }))
}

fn show(attributes: &Attributes) -> Map<String, Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    attributes.map.iter().map(|(key, value)| (text(key), json!(text(value)))).collect()
}

/// What was learned about `subject` from credentials of `authority`, in handshakes and refreshes; null when nothing is.
async fn attributes(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let (subject, authority) = (request.identifier("subject")?, request.identifier("authority")?);
    let entry = peer.identities.identities_attributes().get_attributes(&subject, &authority).await?;
    let Some(entry) = entry else { return Ok(Value::Null) };
    Ok(json!({
        "entry": hex::encode(encode(&entry)?),
        "expiresAt": entry.expires_at().map(|time| time.0),
        "attributes": entry.string_attributes(),
    }))
}
