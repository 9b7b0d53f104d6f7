//! What a backend answers.

use serde_json::{Value, json};

/// An answer of the backend to one event.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status 200 and this body.
    Text(String),
    Status(u16),
    /// What the function returns when the server asks, for times.
    Then(fn() -> Value),
    /// Nothing, until Centrifugo gives up.
    Late,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        Self::Text(body.to_string())
    }
}

/// Accepts, with these fields of the result.
pub(crate) fn result(fields: Value) -> Answer {
    json!({"result": fields}).into()
}

/// Returns an empty answer.
pub(crate) fn empty() -> Answer {
    json!({}).into()
}

pub(crate) fn error(code: u32, message: &str) -> Answer {
    json!({"error": {"code": code, "message": message}}).into()
}

pub(crate) fn disconnect(code: u32, reason: &str) -> Answer {
    json!({"disconnect": {"code": code, "reason": reason}}).into()
}

/// Returns an answer that is no JSON.
pub(crate) fn garbage() -> Answer {
    Answer::Text("{\"result\":".to_owned())
}

/// Returns the Unix time in this many seconds.
pub(crate) fn soon(seconds: i64) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("the clock is set").as_secs();
    i64::try_from(now).expect("the clock is right") + seconds
}
