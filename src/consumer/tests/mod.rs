//! Tests of messages, read as Centrifugo 6.9.1 reads them.

mod commands;
mod limits;
mod partitions;
mod publications;
pub(super) mod reader;

use super::ConsumerType;
use crate::error::Error;

pub(super) const QUEUES: [ConsumerType; 7] = [
    ConsumerType::Kafka,
    ConsumerType::NatsJetStream,
    ConsumerType::RedisStream,
    ConsumerType::GooglePubSub,
    ConsumerType::AwsSqs,
    ConsumerType::AwsSns,
    ConsumerType::AzureServiceBus,
];

/// Checks that a request was refused because of that field, with a text that has this part.
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>, field: Option<&str>, part: &str) {
    let error = result.expect_err("it is refused");
    let Error::InvalidRequest(problem) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(problem.field(), field, "{error}");
    assert!(error.to_string().contains(part), "{error}");
    assert!(error.is_unsent());
}
