//! `decode`: what the crates' decoders and verifiers say about many byte strings at once, for comparing two implementations.
//! Per item: what it was decoded to, encoded again (or the identifier, for identities), or the refusal.

use crate::failure::Failure;
use crate::identity::encode;
use crate::multiaddr;
use crate::peer::Peer;
use crate::request::Request;
use ockam::abac::{Env, Expr, PolicyExpression, eval, parse};
use ockam::identity::models::{ChangeHistory, CredentialAndPurposeKey, PurposeKeyAttestation};
use ockam::identity::{Identity, SecureChannelPaddedMessage, Vault};
use ockam_core::api;
use ockam_core::{Address, CowBytes, Decodable, Encodable, NeutralMessage, Route};
use ockam_transport_tcp::PortalMessage;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The message of TCP and UDP. The transports keep theirs to themselves; this is the same structure, made of the same crate's parts.
#[derive(minicbor::Encode, minicbor::Decode)]
struct RoutingMessage<'a> {
    #[n(0)]
    onward_route: Route,
    #[n(1)]
    return_route: Route,
    #[b(2)]
    payload: CowBytes<'a>,
    #[n(3)]
    tracing_context: Option<String>,
}

/// One datagram of UDP, likewise.
#[derive(minicbor::Encode, minicbor::Decode)]
struct Datagram<'a> {
    #[n(0)]
    version: u8,
    #[n(1)]
    routing_number: u16,
    #[n(2)]
    offset: u16,
    #[n(3)]
    total: u16,
    #[b(4)]
    payload: CowBytes<'a>,
}

/// What both sides show in messages 2 and 3 of a handshake; the crate keeps its own structure of it to itself.
#[derive(minicbor::Encode, minicbor::Decode)]
struct HandshakePayload {
    #[n(0)]
    change_history: ChangeHistory,
    #[n(1)]
    attestation: PurposeKeyAttestation,
    #[n(2)]
    credentials: Vec<CredentialAndPurposeKey>,
}

/// An expression and the names it is evaluated with; a structure of this program, because the crate has none.
#[derive(minicbor::Decode)]
struct Evaluation {
    #[n(0)]
    expression: Expr,
    #[n(1)]
    environment: BTreeMap<String, Expr>,
}

/// What the crate reads in a portal message; its own encoder leaves the counter out.
#[derive(minicbor::Encode)]
struct ReadPortalMessage<'a> {
    #[n(0)]
    kind: u8,
    #[b(1)]
    payload: Option<CowBytes<'a>>,
    #[n(2)]
    counter: Option<u16>,
}

impl<'a> From<PortalMessage<'a>> for ReadPortalMessage<'a> {
    fn from(message: PortalMessage<'a>) -> Self {
        let (kind, payload, counter) = match message {
            PortalMessage::Ping => (0, None, None),
            PortalMessage::Pong => (1, None, None),
            PortalMessage::Disconnect => (2, None, None),
            PortalMessage::Payload(payload, counter) => (3, Some(CowBytes::from(payload)), counter),
        };
        Self { kind, payload, counter }
    }
}

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    if request.command != "decode" {
        return Err(crate::unknown(request));
    }
    let mut results = vec![];
    for item in request.byte_strings("items")? {
        results.push(match one(peer, request, &item).await {
            Ok(decoded) => json!({ "ok": decoded }),
            Err(failure) => json!({ "error": failure.to_json() }),
        });
    }
    Ok(json!({ "results": results }))
}

async fn one(peer: &Peer, request: &Request, bytes: &[u8]) -> Result<String, Failure> {
    let again = match request.text("kind")? {
        "identity" => return Ok(Identity::import(None, bytes, Vault::create_verifying_vault()).await?.identifier().to_string()),
        "verified-attestation" => {
            let attestation: PurposeKeyAttestation = minicbor::decode(bytes)?;
            let verification = peer.identities.purpose_keys().purpose_keys_verification();
            let subject = request.optional_identifier("subject")?;
            let data = verification.verify_purpose_key_attestation(subject.as_ref(), &attestation).await?;
            encode(&data)?
        }
        "verified-credential" => {
            let credential = CredentialAndPurposeKey::decode_from_cbor_bytes(bytes)?;
            let verification = peer.identities.credentials().credentials_verification();
            let (subject, authorities) = (request.optional_identifier("subject")?, request.identifiers("authorities")?);
            encode(&verification.verify_credential(subject.as_ref(), &authorities, &credential).await?.credential_data)?
        }
        "address" => encode(&minicbor::decode::<Address>(bytes)?)?,
        "route" => encode(&minicbor::decode::<Route>(bytes)?)?,
        "routing-message" => encode(&minicbor::decode::<RoutingMessage>(bytes)?)?,
        "datagram" => encode(&minicbor::decode::<Datagram>(bytes)?)?,
        "channel-message" => encode(&minicbor::decode::<SecureChannelPaddedMessage>(bytes)?)?,
        "handshake-payload" => encode(&minicbor::decode::<HandshakePayload>(bytes)?)?,
        "change-history" => encode(&minicbor::decode::<ChangeHistory>(bytes)?)?,
        "attestation" => encode(&minicbor::decode::<PurposeKeyAttestation>(bytes)?)?,
        "credential" => encode(&minicbor::decode::<CredentialAndPurposeKey>(bytes)?)?,
        "expression" => encode(&minicbor::decode::<Expr>(bytes)?)?,
        "bare-string" => <String as Decodable>::decode(bytes)?.encode()?,
        "portal-message" => encode(&ReadPortalMessage::from(PortalMessage::decode(bytes)?))?,
        "api-request" => api::Request::<NeutralMessage>::decode(bytes)?.encode()?,
        "api-response" => api::Response::<NeutralMessage>::decode(bytes)?.encode()?,
        "multiaddr" => multiaddr::decode(bytes)?.as_ref().to_vec(),
        "multiaddr-text" => multiaddr::parse(text(bytes)?)?.as_ref().to_vec(),
        "policy-text" => encode(&policy(bytes)?)?,
        "expression-text" => encode(&expression(bytes)?)?,
        "policy" => encode(&minicbor::decode::<PolicyExpression>(bytes)?)?,
        "printed-policy" => minicbor::decode::<PolicyExpression>(bytes)?.to_string().into_bytes(),
        "evaluation" => encode(&evaluate(minicbor::decode(bytes)?)?)?,
        other => return Err(Failure::new(format!("nothing is known of \"{other}\""))),
    };
    Ok(hex::encode(again))
}

fn text(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|_| Failure::new("not UTF-8"))
}

fn evaluate(Evaluation { expression, environment }: Evaluation) -> Result<Expr, Failure> {
    let mut names = Env::new();
    for (name, value) in environment {
        names.put(name, value);
    }
    eval(&expression, &names).map_err(|error| Failure::new(error.to_string()))
}

fn policy(bytes: &[u8]) -> Result<Expr, Failure> {
    let policy = PolicyExpression::from_str(text(bytes)?).map_err(|error| Failure::new(error.to_string()))?;
    Ok(policy.to_expression())
}

fn expression(bytes: &[u8]) -> Result<Expr, Failure> {
    let parsed = parse(text(bytes)?).map_err(|error| Failure::new(error.to_string()))?;
    parsed.ok_or_else(|| Failure::new("the expression is empty"))
}
