//! Tokens.

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
