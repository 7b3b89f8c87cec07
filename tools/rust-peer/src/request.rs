//! The arguments of one request, read with checks. A wrong argument is an error reply, never a panic.

use crate::failure::Failure;
use ockam::identity::{Identifier, TimestampInSeconds};
use ockam_core::flow_control::FlowControlId;
use ockam_core::{Address, Route};
use serde_json::{Map, Value};
use std::str::FromStr;
use std::time::Duration;

type Parsed<T> = Result<T, Failure>;

pub struct Request {
    pub command: String,
    arguments: Map<String, Value>,
}

impl Request {
    pub fn new(command: String, arguments: Map<String, Value>) -> Self {
        Self { command, arguments }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.arguments.get(name).filter(|value| !value.is_null())
    }

    fn required(&self, name: &str) -> Parsed<&Value> {
        self.get(name).ok_or_else(|| Failure::new(format!("{} needs \"{name}\"", self.command)))
    }

    fn wrong(&self, name: &str, expected: &str) -> Failure {
        Failure::new(format!("{}: \"{name}\" is {expected}", self.command))
    }

    pub fn text(&self, name: &str) -> Parsed<&str> {
        self.required(name)?.as_str().ok_or_else(|| self.wrong(name, "a string"))
    }

    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Parsed<&'a str> {
        if self.get(name).is_none() { Ok(default) } else { self.text(name) }
    }

    pub fn flag(&self, name: &str) -> Parsed<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "true or false")),
        }
    }

    pub fn optional_number(&self, name: &str) -> Parsed<Option<u64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| self.wrong(name, "a natural number")),
        }
    }

    pub fn number(&self, name: &str) -> Parsed<u64> {
        self.required(name)?;
        self.optional_number(name)?.ok_or_else(|| self.wrong(name, "a natural number"))
    }

    pub fn duration_ms(&self, name: &str, default_ms: u64) -> Parsed<Duration> {
        Ok(Duration::from_millis(self.optional_number(name)?.unwrap_or(default_ms)))
    }

    pub fn optional_time(&self, name: &str) -> Parsed<Option<TimestampInSeconds>> {
        Ok(self.optional_number(name)?.map(TimestampInSeconds))
    }

    pub fn texts(&self, name: &str) -> Parsed<Vec<&str>> {
        let Some(value) = self.get(name) else { return Ok(vec![]) };
        let items = value.as_array().ok_or_else(|| self.wrong(name, "an array of strings"))?;
        items.iter().map(|item| item.as_str().ok_or_else(|| self.wrong(name, "an array of strings"))).collect()
    }

    pub fn object(&self, name: &str) -> Parsed<Map<String, Value>> {
        self.required(name)?.as_object().cloned().ok_or_else(|| self.wrong(name, "an object"))
    }

    pub fn optional_bytes(&self, name: &str) -> Parsed<Option<Vec<u8>>> {
        if self.get(name).is_none() {
            return Ok(None);
        }
        hex::decode(self.text(name)?).map(Some).map_err(|_| self.wrong(name, "hexadecimal"))
    }

    pub fn bytes(&self, name: &str) -> Parsed<Vec<u8>> {
        self.required(name)?;
        Ok(self.optional_bytes(name)?.unwrap_or_default())
    }

    pub fn secret(&self, name: &str) -> Parsed<Option<[u8; 32]>> {
        let Some(bytes) = self.optional_bytes(name)? else { return Ok(None) };
        bytes.try_into().map(Some).map_err(|_| self.wrong(name, "32 bytes in hexadecimal"))
    }

    pub fn byte_strings(&self, name: &str) -> Parsed<Vec<Vec<u8>>> {
        let texts = self.texts(name)?;
        texts.into_iter().map(|text| hex::decode(text).map_err(|_| self.wrong(name, "hexadecimal strings"))).collect()
    }

    pub fn identifier(&self, name: &str) -> Parsed<Identifier> {
        Ok(Identifier::from_str(self.text(name)?)?)
    }

    pub fn optional_identifier(&self, name: &str) -> Parsed<Option<Identifier>> {
        if self.get(name).is_none() { Ok(None) } else { self.identifier(name).map(Some) }
    }

    pub fn identifiers(&self, name: &str) -> Parsed<Vec<Identifier>> {
        self.texts(name)?.into_iter().map(|text| Identifier::from_str(text).map_err(Failure::from)).collect()
    }

    pub fn address(&self, name: &str) -> Parsed<Address> {
        parse_address(self.text(name)?).ok_or_else(|| self.wrong(name, "an address"))
    }

    pub fn optional_address(&self, name: &str) -> Parsed<Option<Address>> {
        if self.get(name).is_none() { Ok(None) } else { self.address(name).map(Some) }
    }

    /// A route as an array of addresses: `["7f…", "echo"]`, `["…", "2#127.0.0.1:4000", "echo"]`.
    pub fn route(&self, name: &str) -> Parsed<Route> {
        self.required(name)?;
        self.route_or_empty(name)
    }

    pub fn route_or_empty(&self, name: &str) -> Parsed<Route> {
        let mut route = Route::new();
        for text in self.texts(name)? {
            route = route.append(parse_address(text).ok_or_else(|| self.wrong(name, "a route"))?);
        }
        Ok(route.into())
    }

    /// Flow control ids under which something becomes reachable.
    pub fn flow_control_ids(&self, name: &str) -> Parsed<Vec<FlowControlId>> {
        let parse = |text: &str| serde_json::from_value(Value::from(text)).map_err(|_| self.wrong(name, "flow control ids"));
        self.texts(name)?.into_iter().map(parse).collect()
    }
}

fn parse_address(text: &str) -> Option<Address> {
    Address::from_str(text).ok()
}

/// A route as it is shown in replies and events.
pub fn show_route(route: &Route) -> Vec<String> {
    route.iter().map(show_address).collect()
}

/// Local addresses without their `0#`, so that what is shown can be given back.
pub fn show_address(address: &Address) -> String {
    if address.is_local() { address.address().to_string() } else { address.to_string() }
}
