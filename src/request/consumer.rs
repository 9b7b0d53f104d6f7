//! Commands for Centrifugo's asynchronous consumers.

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::check::{check, not_json};
use crate::api::method::Method;
use crate::error::Error;

/// A request that Centrifugo's asynchronous consumers execute: publish, broadcast, subscribe, unsubscribe,
/// disconnect, history_remove or refresh.
#[diagnostic::on_unimplemented(
    message = "Centrifugo's consumers do not execute `{Self}`",
    label = "not a command for consumers",
    note = "consumers execute publish, broadcast, subscribe, unsubscribe, disconnect, history_remove and refresh; \
            they would drop any other command with a line in the server's log"
)]
pub trait ConsumerMethod: Method {}

/// A command for Centrifugo's asynchronous consumers: a row of a PostgreSQL outbox, a message of Kafka, NATS
/// JetStream, Redis Streams and others.
///
/// If a transaction that changes the application's data also writes the command to a table, the command runs if and
/// only if the transaction commits. Consumers take commands in two forms:
///
/// - [`method`](Self::method) and [`payload`](Self::payload) separately: the columns `method` (text) and `payload`
///   (JSONB or BYTEA) of an outbox, or a message with the method in a header;
/// - together, serialized as `{"method":…,"payload":…}`: the value of a message in a queue (Centrifugo v6).
///
/// A JSONB column changes payloads: it orders keys, drops duplicate keys and rewrites numbers. It refuses `\u0000`
/// and lone surrogates, which fails the transaction. A BYTEA column keeps every byte.
///
/// There is no reply: Centrifugo logs a command that it refuses and deletes the row. It retries error 100 forever,
/// which blocks the partition. If one channel of a broadcast fails with error 100, Centrifugo runs the whole
/// broadcast again: set an `idempotency_key`, so that the other channels do not get the publication twice.
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
    payload: Box<RawValue>,
}

impl ConsumerCommand {
    /// Creates the command for a request.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], which names the field, if Centrifugo would refuse the request, or if a payload is
    /// not JSON (consumers take other bytes only as base64, from [`binary`](crate::binary)) or is set twice.
    pub fn new<M: ConsumerMethod>(request: &M) -> Result<Self, Error> {
        check(request)?;
        let payload = to_raw_value(request).map_err(|error| not_json(request, &error))?;
        Ok(Self {
            method: M::NAME,
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
