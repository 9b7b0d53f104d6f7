//! Payloads in claims: `info` and `data`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use centrifugo_api::{IntoPayload, Payload};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::object::Object;

/// The payload of a claim, and of its `b64…` twin.
#[derive(Clone, Default)]
pub(super) struct ClaimPayload(Option<Payload>);

impl ClaimPayload {
    pub(super) fn set(&mut self, payload: impl IntoPayload) {
        self.0 = Some(payload.into_payload());
    }

    /// Writes the payload as JSON into its claim, or as base64 into the twin.
    pub(super) fn write(&self, object: &mut Object, claim: &str) -> Result<(), Error> {
        let Some(payload) = &self.0 else {
            return Ok(());
        };
        let is_binary = payload.is_binary();
        let bytes = payload.clone().into_bytes();
        if bytes.is_empty() {
            return Err(Error::claim(claim, "it is empty: omit it, or give `null`"));
        }
        if is_binary {
            return object.put(&format!("b64{claim}"), &STANDARD.encode(&bytes));
        }
        let json: &RawValue = serde_json::from_slice(&bytes).map_err(|error| {
            Error::claim(
                claim,
                format!(
                    "it is not JSON (line {}, column {}): make JSON with json(&value), or give other bytes with binary(bytes)",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        object.put(claim, json)
    }
}
