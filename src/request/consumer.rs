use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::api::method::Method;
use crate::error::Error;

/// The requests that Centrifugo's asynchronous consumers execute: publish, broadcast, subscribe, unsubscribe,
/// disconnect, history_remove and refresh.
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
/// Written to a table in the transaction that changes the application's own data, it is executed if and only if
/// that transaction commits. Consumers take it in several forms, all of which it has:
///
/// - [`method`](Self::method) and [`payload`](Self::payload) apart: the columns `method` (text) and `payload`
///   (JSONB, or BYTEA) of an outbox, or a message with the method in a header;
/// - serialized, as `{"method":…,"payload":…}`: the value of a message of a queue (Centrifugo v6).
///
/// A JSONB column does not keep a payload as it is: it orders keys, drops duplicates, rewrites numbers, and refuses
/// `\u0000` and lone surrogates, which fails the transaction. A BYTEA column keeps every byte.
///
/// Nobody answers it: a command that Centrifugo refuses is a line in its log, and the row is gone. Error 100 is
/// tried again for ever, and holds up the partition. A broadcast of which one channel met error 100 is run again
/// whole: give it an `idempotency_key`, so that the other channels do not get it twice.
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
/// Only what a consumer executes can become one:
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
    /// Makes the command that a request is.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], which names the field, when a payload is not JSON (a consumer takes other bytes
    /// from a `binary_…` setter only) or is set twice, or a field is not set that Centrifugo requires.
    pub fn new<M: ConsumerMethod>(request: &M) -> Result<Self, Error> {
        super::check::check(request)?;
        let payload =
            to_raw_value(request).map_err(|error| super::check::not_json(request, &error))?;
        Ok(Self {
            method: M::NAME,
            payload,
        })
    }

    /// The method's name, such as `publish`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The request: JSON, for any serializer, and as text by [`RawValue::get`].
    #[must_use]
    pub fn payload(&self) -> &RawValue {
        &self.payload
    }
}

/// As `{"method":…,"payload":…}`.
impl Serialize for ConsumerCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut command = serializer.serialize_struct("ConsumerCommand", 2)?;
        command.serialize_field("method", self.method)?;
        command.serialize_field("payload", &self.payload)?;
        command.end()
    }
}
