//! Verification: what is accepted, and what Centrifugo would answer to the rest.

mod jwks;
mod keys;
mod refused;
mod rules;

use centrifugo_token::{Refusal, RefusalCode, Verifier};

use crate::support::{self, key};

pub(super) fn verifier() -> Verifier {
    Verifier::new(&key())
}

/// Returns a token of claims that our own types would not write.
pub(super) fn forged(claims: &str) -> String {
    forged_with(r#"{"alg":"HS256","typ":"JWT"}"#, claims)
}

pub(super) fn forged_with(header: &str, claims: &str) -> String {
    let header = support::base64url(header.as_bytes());
    let message = format!("{header}.{}", support::base64url(claims.as_bytes()));
    let signature = key().sign(message.as_bytes()).unwrap();
    format!("{message}.{}", support::base64url(&signature))
}

#[track_caller]
pub(super) fn assert_refused<T: std::fmt::Debug>(
    outcome: Result<T, Refusal>,
    code: RefusalCode,
    reason: &str,
) {
    let refusal = outcome.unwrap_err();
    assert_eq!(refusal.code(), code, "{refusal}");
    assert!(refusal.reason().contains(reason), "{refusal}");
}
