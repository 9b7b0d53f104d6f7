//! The brokers, one per file.

pub(crate) mod kafka;
pub(crate) mod nats;
pub(crate) mod outbox;
pub(crate) mod sqs;
pub(crate) mod streams;
