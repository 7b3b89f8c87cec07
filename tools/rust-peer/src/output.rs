//! One JSON object per line on standard output: replies and events. Nothing else is ever written there.

use serde_json::{Map, Value, json};
use std::io::Write;

/// Writes one line; a reader that went away ends the process.
fn write_line(value: &Value) {
    let mut line = value.to_string();
    line.push('\n');
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Something that happened without being asked for: `{"event": name, …}`.
pub fn event(name: &str, details: Value) {
    let mut object = match details {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    object.insert("event".to_string(), json!(name));
    write_line(&Value::Object(object));
}

/// The one reply to a request: `{"id", "ok"}` or `{"id", "error"}`.
pub fn reply(id: &Value, result: Result<Value, crate::failure::Failure>) {
    write_line(&match result {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(failure) => json!({ "id": id, "error": failure.to_json() }),
    });
}
