//! Tokens.

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!(
    "centrifugo-token needs a provider of cryptography: enable its feature `aws-lc-rs` (the default) or `ring`"
);

mod algorithm;
mod claims;
mod error;
mod expiry;
mod jwt;
mod key;
mod object;
mod provider;
mod signer;

pub use algorithm::Algorithm;
pub use claims::{
    Capability, ConnectionClaims, Permission, SubscriptionClaims, SubscriptionOptions,
    SubscriptionUser,
};
pub use error::{Error, SignerError};
pub use expiry::Expiry;
pub use key::{Key, PublicKey};
pub use signer::Signer;
