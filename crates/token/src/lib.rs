//! Tokens for the clients of [Centrifugo](https://centrifugal.dev): connection and subscription tokens (JWT), key sets (JWKS),
//! and signatures of shared polls.
//!
//! ```
//! use std::time::Duration;
//!
//! use centrifugo_token::{ConnectionClaims, Expiry, Key, SubscriptionClaims};
//!
//! # fn run() -> Result<(), centrifugo_token::Error> {
//! let key = Key::hs256("secret")?; // Centrifugo's client.token.hmac_secret_key
//! let soon = Expiry::after(Duration::from_secs(600));
//! let connection = ConnectionClaims::new("42", soon).channel("news").sign(&key)?;
//! let subscription = SubscriptionClaims::user("42").channel("$chat", soon).sign(&key)?;
//! # Ok(()) }
//! # run().unwrap();
//! ```
//!
//! # Which key?
//!
//! | key | Centrifugo has | for |
//! |---|---|---|
//! | HMAC secret: [`Key::hs256`] | the secret, in its configuration | one backend, which Centrifugo trusts with the secret |
//! | RSA, ECDSA, Ed25519: [`Key::from_pem`] | the public half, in its configuration | a secret that only the backend has |
//! | the same in a [`KeySet`] | the URL of the set | keys that rotate, and Ed25519 before Centrifugo 6.10.2 |
//! | a [`Signer`] | the public half, or the URL of a set | keys that never leave a KMS, Vault or a device |
//!
//! [`TokenConfiguration`] prints what Centrifugo needs for the keys at hand.
//!
//! # Claims
//!
//! [`ConnectionClaims`] and [`SubscriptionClaims`] have a method per claim. The expiry must be chosen; the time and a random ID
//! are written by default; [`claim`](ConnectionClaims::claim) adds claims of your own. Whatever Centrifugo would refuse or
//! ignore, such as an expiry in the past, or `channels` beside `subs`, is an [`enum@Error`] that names the claim, before anything
//! is signed. Whoever holds a token can read its claims.
//!
//! # Expiry
//!
//! A token that expires makes the client SDK ask your backend for a new one, so that you can end a session: give it minutes, and
//! let your endpoint refuse users who have logged out. A connection may outlive its token: see
//! [`expire_at`](ConnectionClaims::expire_at).
//!
//! # Verification
//!
//! [`Verifier`] checks tokens by Centrifugo's rules: in tests of your claims, and in services that get the same tokens. Its error
//! is what Centrifugo would answer.
//!
//! # Features
//!
//! - `aws-lc-rs` (default): cryptography by AWS-LC, as with the `tls` of `centrifugo-api`.
//! - `ring`: cryptography by ring, as with its `tls-ring`. ring does not have ES512. With both features, AWS-LC is used.
//! - `endpoints`: the module `endpoints`, services of tower for the requests of client SDKs.
//! - `credentials`: `ApiTokens::provider`, for the client of `centrifugo-api`.
//!
//! The crate uses the libraries of cryptography directly, because `jsonwebtoken` has neither ES512 nor the public halves of keys
//! as PEM, and does not check the size of a key when it is read.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stderr, clippy::print_stdout)]

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!(
    "centrifugo-token needs a provider of cryptography: enable its feature `aws-lc-rs` (the default) or `ring`"
);

mod algorithm;
mod api_token;
mod claims;
mod configuration;
#[cfg(feature = "endpoints")]
#[cfg_attr(docsrs, doc(cfg(feature = "endpoints")))]
pub mod endpoints;
mod error;
mod expiry;
mod jwt;
mod key;
mod key_set;
mod object;
mod provider;
mod shared_poll;
mod signer;
mod verify;

pub use algorithm::Algorithm;
pub use api_token::{ApiToken, ApiTokens};
pub use claims::{
    Capability, ConnectionClaims, Permission, SubscriptionClaims, SubscriptionOptions,
    SubscriptionUser,
};
pub use configuration::TokenConfiguration;
pub use error::{Error, SignerError};
pub use expiry::Expiry;
pub use key::{Key, PublicKey};
pub use key_set::{KeySet, ScheduledKey};
pub use shared_poll::{SharedPollNotification, SharedPollSecret, TrackedKeys, TrackingUser};
pub use signer::Signer;
pub use verify::{
    ConnectionToken, Refusal, RefusalCode, Subscriber, SubscriptionToken, TokenSubscription,
    Verifier,
};

/// The examples of the README are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
