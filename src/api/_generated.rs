//! What the generated code of `centrifugo-proxy` calls, and nothing else: it may change in any release.

/// Centrifugo's JSON where it differs from serde's.
pub mod json {
    pub use crate::api::json::{
        BytesDeserialize, Embedded, IsEmpty, NullAsDefault, base64, from_bytes, message,
        next_payload,
    };
}

/// Payloads.
pub mod payload {
    pub use crate::api::payload::{IntoPayload, binary, twins};
}
