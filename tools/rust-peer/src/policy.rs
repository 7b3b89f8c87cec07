//! `policy.*`: the crate's policy language, and its judgement of identities whose attributes this node knows. It has no CBOR form of environments, so
//! they are given as JSON.

use crate::failure::Failure;
use crate::identity::encode;
use crate::peer::Peer;
use crate::request::Request;
use ockam::abac::{Abac, Env, Expr, PolicyExpression, eval, parse};
use serde_json::{Value, json};
use std::str::FromStr;

pub async fn run(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    match request.command.as_str() {
        "policy.parse" => {
            let expression = parse_policy(request)?;
            Ok(json!({ "text": expression.to_string(), "cbor": hex::encode(encode(&expression)?) }))
        }
        "policy.decode" => {
            let expression: Expr = minicbor::decode(&request.bytes("cbor")?)?;
            Ok(json!({ "text": expression.to_string() }))
        }
        "policy.evaluate" => evaluate(request),
        "policy.authorize" => authorize(peer, request).await,
        _ => Err(crate::unknown(request)),
    }
}

/// With `form: "expression"` only the full grammar is tried, otherwise the boolean shorthand first.
fn parse_policy(request: &Request) -> Result<Expr, Failure> {
    let text = request.text("text")?;
    if request.text_or("form", "policy")? == "expression" {
        let parsed = parse(text).map_err(|error| Failure::new(error.to_string()))?;
        return parsed.ok_or_else(|| Failure::new("the expression is empty"));
    }
    let policy = PolicyExpression::from_str(text).map_err(|error| Failure::new(error.to_string()))?;
    Ok(policy.to_expression())
}

/// `environment` maps names to strings, numbers, booleans and arrays of those. `allowed` is true only for the boolean true.
fn evaluate(request: &Request) -> Result<Value, Failure> {
    let (expression, environment) = (parse_policy(request)?, environment(request)?);
    Ok(match eval(&expression, &environment) {
        Ok(result) => json!({ "allowed": matches!(result, Expr::Bool(true)), "result": result.to_string() }),
        Err(error) => json!({ "allowed": false, "failed": error.to_string() }),
    })
}

fn environment(request: &Request) -> Result<Env, Failure> {
    let mut environment = Env::new();
    for (name, value) in request.object("environment")? {
        environment.put(name, to_expression(&value)?);
    }
    Ok(environment)
}

/// What the crate's access control says of `subject` with what `authority` was heard to attest, on top of `environment`.
async fn authorize(peer: &Peer, request: &Request) -> Result<Value, Failure> {
    let attributes = peer.identities.identities_attributes();
    let abac = Abac::new(attributes, request.optional_identifier("authority")?, environment(request)?);
    let is_allowed = abac.is_identity_authorized(&request.identifier("subject")?, &parse_policy(request)?).await?;
    Ok(json!({ "allowed": is_allowed }))
}

fn to_expression(value: &Value) -> Result<Expr, Failure> {
    Ok(match value {
        Value::String(text) => Expr::Str(text.clone()),
        Value::Bool(flag) => Expr::Bool(*flag),
        Value::Number(number) if number.is_i64() => Expr::Int(number.as_i64().unwrap_or_default()),
        Value::Number(number) => Expr::Float(number.as_f64().unwrap_or_default()),
        Value::Array(items) => Expr::Seq(items.iter().map(to_expression).collect::<Result<_, _>>()?),
        _ => return Err(Failure::new("an environment holds strings, numbers, booleans and arrays")),
    })
}
