//! The SQL functions of Centrifugo's PostgreSQL brokers.

mod call;
#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
mod calls;
mod fields;
mod functions;
mod map;
mod published;
mod stream;

pub use map::MapBroker;
pub use published::{CurrentValue, Published, SuppressReason};
pub use stream::StreamBroker;
