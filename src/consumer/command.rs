//! Commands for Centrifugo's asynchronous consumers.

use std::num::NonZeroU16;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::check_repetition;
use super::consumer_type::ConsumerType;
use super::message::ConsumerMessage;
use super::partition::partition;
use crate::api::method::Method;
use crate::error::Error;
use crate::request::check::{check, not_json};

/// A request that Centrifugo's asynchronous consumers execute: publish, broadcast, subscribe, unsubscribe,
/// disconnect, history_remove or refresh.
#[diagnostic::on_unimplemented(
    message = "Centrifugo's consumers do not execute `{Self}`",
    label = "not a command for consumers",
    note = "consumers execute publish, broadcast, subscribe, unsubscribe, disconnect, history_remove and refresh; \
            they would drop any other command with a line in the server's log"
)]
pub trait ConsumerMethod: Method {
    /// Returns the channel or the user whose requests keep their order, or an empty text.
    #[doc(hidden)]
    fn order_key(&self) -> &str {
        ""
    }
}

/// A command for Centrifugo's asynchronous consumers: a row of a PostgreSQL outbox, a message of Kafka, NATS
/// JetStream, Redis Streams and others.
///
/// If a transaction that changes the application's data also writes the command to a table, the command runs if and
/// only if the transaction commits. Consumers take commands in two forms:
///
/// - [`method`](Self::method) and [`payload`](Self::payload) separately: the columns `method` (text) and `payload`
///   (JSONB or BYTEA) of an outbox, or a [`message`](Self::message) with the method in a header;
/// - together, serialized as `{"method":…,"payload":…}`: the value of a message without a header. Centrifugo 6 reads it
///   from every queue, and in an outbox from the column `payload` of a row with an empty `method`. It is all that
///   Centrifugo 5 reads from Kafka.
///
/// The [module](crate::consumer) says in which order commands run, and what happens to those that fail.
///
/// A JSONB column changes payloads: it orders keys, drops duplicate keys and rewrites numbers. It refuses `\u0000`
/// and lone surrogates, which fails the transaction. A BYTEA column keeps every byte.
///
/// ```
/// use centrifugo_api::{ConsumerCommand, PublishRequest};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let command = ConsumerCommand::new(&PublishRequest::new("news", r#"{"n":1}"#))?;
/// assert_eq!(command.method(), "publish");
/// assert_eq!(command.payload().get(), r#"{"channel":"news","data":{"n":1}}"#);
/// let message = r#"{"method":"publish","payload":{"channel":"news","data":{"n":1}}}"#;
/// assert_eq!(serde_json::to_string(&command)?, message);
/// # Ok(())
/// # }
/// ```
///
/// Only requests that consumers execute can become commands:
///
/// ```compile_fail,E0277
/// centrifugo_api::ConsumerCommand::new(&centrifugo_api::PresenceRequest::new("news"))?;
/// # Ok::<(), centrifugo_api::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConsumerCommand {
    method: &'static str,
    key: String,
    payload: Box<RawValue>,
}

impl ConsumerCommand {
    /// Creates the command for a request.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], which names the field:
    ///
    /// - if Centrifugo would refuse the request;
    /// - if a payload is not JSON (consumers take other bytes only as base64, from [`binary`](crate::binary)) or is set
    ///   twice;
    /// - if the request is a broadcast without an idempotency key, see [`may_repeat`](Self::may_repeat).
    pub fn new<M: ConsumerMethod>(request: &M) -> Result<Self, Error> {
        let command = Self::may_repeat(request)?;
        check_repetition(request)?;
        Ok(command)
    }

    /// Creates the command for a request, which may be a broadcast without an idempotency key.
    ///
    /// If one channel of a broadcast gets a temporary error, Centrifugo runs the whole broadcast again. Without a key,
    /// the other channels get the publication each time.
    ///
    /// ```
    /// use centrifugo_api::{BroadcastRequest, ConsumerCommand};
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let request = BroadcastRequest::new(["news", "sports"], r#"{"score":[2,1]}"#);
    /// assert!(ConsumerCommand::new(&request).is_err());
    ///
    /// // Subscribers may see the score twice.
    /// let command = ConsumerCommand::may_repeat(&request)?;
    /// // Subscribers see the goal once.
    /// let command = ConsumerCommand::new(&request.idempotency_key("match-7-goal-3"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), but for the last one.
    pub fn may_repeat<M: ConsumerMethod>(request: &M) -> Result<Self, Error> {
        check(request)?;
        let payload = to_raw_value(request).map_err(|error| not_json(request, &error))?;
        Ok(Self {
            method: M::NAME,
            key: request.order_key().to_owned(),
            payload,
        })
    }

    /// Returns the method's name, such as `publish`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Returns the request as JSON, for any serializer; [`RawValue::get`] returns its text.
    #[must_use]
    pub fn payload(&self) -> &RawValue {
        &self.payload
    }

    /// Returns the partition of the command in an outbox: that of its channel, or else of its user, as
    /// [`partition`] computes it.
    ///
    /// `partitions` is `num_partitions` of the consumer.
    #[must_use]
    pub fn partition(&self, partitions: NonZeroU16) -> i32 {
        partition(&self.key, partitions)
    }

    /// Returns the command as a message of a queue: the method is its header, and the request as JSON its body.
    ///
    /// For [`ConsumerType::AwsSns`] both are the body.
    #[must_use]
    pub fn message(&self, queue: ConsumerType) -> ConsumerMessage {
        let payload = self.payload.get();
        let (headers, body) = match queue.method_header() {
            Some(header) => {
                let header = (header.to_owned(), self.method.to_owned());
                (vec![header], payload.to_owned())
            }
            None => {
                let both = format!(r#"{{"method":"{}","payload":{payload}}}"#, self.method);
                (Vec::new(), both)
            }
        };
        ConsumerMessage {
            key: queue.limits().key(&self.key),
            headers,
            body: Bytes::from(body),
        }
    }
}

/// Serializes as `{"method":…,"payload":…}`.
impl Serialize for ConsumerCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut command = serializer.serialize_struct("ConsumerCommand", 2)?;
        command.serialize_field("method", self.method)?;
        command.serialize_field("payload", &self.payload)?;
        command.end()
    }
}
