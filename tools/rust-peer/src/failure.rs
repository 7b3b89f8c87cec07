//! What a request is answered with when it cannot be done. `origin` and `kind` are those of the crate's own error, where it made one.

use serde_json::{Value, json};

#[derive(Debug)]
pub struct Failure {
    message: String,
    origin: Option<String>,
    kind: Option<String>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), origin: None, kind: None }
    }

    pub fn to_json(&self) -> Value {
        json!({ "message": self.message, "origin": self.origin, "kind": self.kind })
    }
}

impl From<ockam_core::Error> for Failure {
    fn from(error: ockam_core::Error) -> Self {
        let code = error.code();
        Self { message: error.to_string(), origin: Some(format!("{:?}", code.origin)), kind: Some(format!("{:?}", code.kind)) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<minicbor::decode::Error> for Failure {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::new(error.to_string())
    }
}
