//! Keys, and tokens that `centrifugo-token` would not write.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use centrifugo_token::{Expiry, Key};

/// Returns the key of the configuration.
pub(crate) fn key() -> Key {
    secret("token-secret")
}

/// Returns a key for HS256.
pub(crate) fn secret(secret: &str) -> Key {
    Key::hs256(secret).expect("the secret is valid")
}

pub(crate) fn minute() -> Expiry {
    Expiry::after(Duration::from_secs(60))
}

/// Returns a token with any claims, signed with the key of the configuration.
pub(crate) fn forged(claims: &str) -> String {
    forged_with(&key(), r#"{"alg":"HS256","typ":"JWT"}"#, claims)
}

/// Returns a token with any header and claims.
pub(crate) fn forged_with(key: &Key, header: &str, claims: &str) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = key.sign(message.as_bytes()).expect("the key signs");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
