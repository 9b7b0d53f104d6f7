//! Tokens: what is signed, and what is refused.

#![allow(clippy::unwrap_used)]

mod claims;
mod claims_refused;
mod keys;
mod keys_refused;
mod signers;
mod support;
