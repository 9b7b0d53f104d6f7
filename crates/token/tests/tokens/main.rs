//! Tokens: what is signed, and what is refused.

#![allow(clippy::unwrap_used)]

mod api_token;
mod claims;
mod claims_refused;
mod configuration;
#[cfg(feature = "endpoints")]
mod endpoints;
mod jsonwebtoken;
mod key_set;
mod keys;
mod keys_refused;
mod shared_poll;
mod signers;
mod support;
mod verify;
