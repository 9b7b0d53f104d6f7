//! Requests for Centrifugo's asynchronous consumers, which read them from PostgreSQL or from a queue.
//!
//! A request in a table of PostgreSQL (an outbox) is executed if and only if the transaction that wrote it commits. A queue
//! suits applications that send their events through one. Centrifugo's option `consumers` names the tables and queues.
//! This module makes rows and messages; any driver or client of the database or the queue can send them.
//!
//! - [`ConsumerCommand`] is a request of one of seven methods. Every consumer reads commands by default.
//! - [`PublicationMessage`] is the data of a publication, with the rest in headers, for queues whose consumer has
//!   `publication_data_mode`.
//!
//! # Where the parts go
//!
//! Both become a [`ConsumerMessage`] for a queue. Its headers have the names that the consumer expects by default.
//!
//! | consumer | [`ConsumerType`] | key | headers | body |
//! |---|---|---|---|---|
//! | `kafka` | `Kafka` | key of the record | headers | value |
//! | `nats_jetstream` | `NatsJetStream` | the subject is yours | headers | data |
//! | `redis_stream` | `RedisStream` | the stream is yours | fields, such as `method` | field `payload`: see [`redis_fields`](ConsumerMessage::redis_fields) |
//! | `google_pub_sub` | `GooglePubSub` | ordering key | attributes | data |
//! | `aws_sqs` | `AwsSqs` | message group ID | message attributes of type String | body |
//! | `aws_sqs` with `sns_envelope` | `AwsSns` | message group ID | none | message |
//! | `azure_service_bus` | `AzureServiceBus` | session ID | application properties of type string | body |
//!
//! A FIFO queue of SQS also needs a deduplication ID: give each message one of its own. Deduplication by content compares
//! bodies alone, so in publication-data mode it drops data that was just sent to another channel.
//!
//! A table of PostgreSQL takes a command only: [`method`](ConsumerCommand::method), [`payload`](ConsumerCommand::payload)
//! and [`partition`](ConsumerCommand::partition) are the columns of those names. The crate `centrifugo-postgres` creates the
//! table and writes it, by `tokio-postgres` and `sqlx`.
//!
//! ```
//! use std::num::NonZeroU16;
//!
//! use centrifugo_api::{ConsumerCommand, ConsumerType, PublishRequest};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let request = PublishRequest::new("news", r#"{"n":1}"#).idempotency_key("news-1");
//! let command = ConsumerCommand::new(&request)?;
//!
//! // A row of PostgreSQL:
//! let num_partitions = NonZeroU16::new(8).ok_or("no partitions")?; // as in the consumer's configuration
//! let row = (command.method(), command.payload(), command.partition(num_partitions));
//! assert_eq!(row.2, 0);
//!
//! // A record of Kafka:
//! let message = command.message(ConsumerType::Kafka);
//! assert_eq!(message.key(), Some("news"));
//! assert_eq!(message.headers().collect::<Vec<_>>(), [("centrifugo-method", "publish")]);
//! assert_eq!(message.body(), &r#"{"channel":"news","data":{"n":1},"idempotency_key":"news-1"}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # Order and repetition
//!
//! The key is the channel, or else the user, of a request. Requests with the same key keep their order, as far as the
//! consumer keeps it. The key of a broadcast is its first channel, so it keeps its order with requests for that
//! channel alone.
//!
//! There is no reply: Centrifugo logs a request that it refuses, and skips it. After error 100, which is temporary, it
//! tries again, and so it does after error 111 since Centrifugo 6.10. After it was killed, it reads again the messages
//! that it had not acknowledged. Some consumers lose the order then:
//!
//! | consumer | keeps the order of | after a temporary error | when Centrifugo starts again after it was killed |
//! |---|---|---|---|
//! | `postgresql` | a partition | tries again until the request succeeds; the partition waits | reads on at once, in order |
//! | `kafka` | a partition, and so a key | tries again until the request succeeds; the partition waits | reads on in order: at once with an `instance_id`, or else after 45 s |
//! | `nats_jetstream` | the stream, if one node of Centrifugo reads it | is given the message again, within 5 s at most; later messages overtake it | is given the messages again, at most `max_ack_pending`, after 30 s; later messages overtake them |
//! | `redis_stream` | the stream, if one node of Centrifugo reads it, with one worker (`num_workers`) | reads the message again after `visibility_timeout`, which it checks every 5 s; later messages overtake it | the same |
//! | `google_pub_sub` | an ordering key, if the subscription orders messages | is given the message again, as the subscription says | the same |
//! | `aws_sqs` | a message group of a FIFO queue | tries 3 times more, then again after `visibility_timeout`; the group waits | reads the messages again after `visibility_timeout`; the group waits |
//! | `azure_service_bus` | a session, with `use_sessions` | tries 5 times more, then abandons the message; later messages overtake it | is given the messages again when their locks have expired |
//!
//! A consumer may execute a request twice: if Centrifugo is killed after it has executed the request and before it has
//! acknowledged it, or if one channel of a broadcast gets a temporary error, which repeats the whole broadcast. An
//! `idempotency_key` prevents a second publication, within 5 minutes and with the engines that remember keys. When it is
//! killed, Centrifugo may have executed up to `partition_select_limit` rows per partition of PostgreSQL, or 5 s of
//! Kafka's records, without an acknowledgement.
//!
//! Two consumers do not read what was written before Centrifugo started for the first time: `redis_stream` reads what is
//! added after Centrifugo has created the consumer group, unless you create it before, at ID 0; and so does
//! `nats_jetstream`, unless `deliver_policy` is `all`.
//!
//! Messages of other programs can be invalid in ways that these types exclude. Centrifugo skips them, but for one: in
//! publication-data mode, `redis_stream` reads a message with an invalid version or delta again after each
//! `visibility_timeout`, for ever.
//!
//! The tests in `tests/brokers` of the repository show this on PostgreSQL, Kafka, NATS JetStream and Redis, and on
//! ElasticMQ for SQS and SNS. What is said of Google Pub/Sub and Azure Service Bus was read in the code of Centrifugo.
//!
//! All this describes Centrifugo 6.9.1. Centrifugo 5 has the consumers `postgresql` and `kafka`, and reads no headers: for
//! its `kafka`, [serialize](ConsumerCommand#impl-Serialize-for-ConsumerCommand) the command.

mod command;
mod consumer_type;
#[cfg(test)]
mod fuzz;
mod generated;
mod headers;
mod limits;
mod message;
mod partition;
mod publication;
#[cfg(test)]
mod tests;

pub use command::{ConsumerCommand, ConsumerMethod};
pub use consumer_type::ConsumerType;
pub use message::ConsumerMessage;
pub use partition::partition;
pub use publication::{PublicationMessage, PublicationMethod};

use crate::api::method::{InvalidRequest, Method, key_of};
use crate::error::Error;

/// Refuses a broadcast without an idempotency key.
fn check_repetition<M: Method>(request: &M) -> Result<(), Error> {
    let has_parts = M::GENERATED.parts.is_some();
    if !has_parts || key_of(request).is_some() {
        return Ok(());
    }
    let problem = "is not set: if one channel gets a temporary error, Centrifugo runs the whole broadcast again, and \
                   the other channels get the publication twice. Set a key, or accept that with `may_repeat` in place \
                   of `new`";
    let problem = InvalidRequest::wrong("idempotency_key", problem);
    Err(Error::InvalidRequest(problem.of(M::NAME)))
}
