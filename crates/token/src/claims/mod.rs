//! The claims of tokens.

mod capability;
mod connection;
mod methods;
mod own;
mod payload;
mod standard;
mod subscription;
mod subscription_options;

pub use capability::{Capability, Permission};
pub use connection::ConnectionClaims;
pub(crate) use standard::{put_audience, put_text};
pub use subscription::{SubscriptionClaims, SubscriptionUser};
pub use subscription_options::SubscriptionOptions;
