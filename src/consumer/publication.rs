//! Publications for consumers in publication-data mode.

use std::mem::take;

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::check_repetition;
use super::command::ConsumerMethod;
use super::consumer_type::ConsumerType;
use super::headers::{Header, headers};
use super::limits::Limits;
use super::message::ConsumerMessage;
use crate::api::messages::{BroadcastRequest, PublishRequest};
use crate::api::method::InvalidRequest;
use crate::api::payload::check_json;
use crate::error::Error;
use crate::request::check::{check, not_json};

/// A request that can be a [`PublicationMessage`]: publish or broadcast.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a publication",
    label = "not a publication",
    note = "a `PublicationMessage` is made from a `PublishRequest` or a `BroadcastRequest`; other requests are a \
            `ConsumerCommand`"
)]
pub trait PublicationMethod: ConsumerMethod + Clone {
    /// Takes the data and its base64 twin out of the request.
    #[doc(hidden)]
    fn take_data(&mut self) -> (Bytes, String);
}

impl PublicationMethod for PublishRequest {
    fn take_data(&mut self) -> (Bytes, String) {
        (take(&mut self.data), take(&mut self.b64data))
    }
}

impl PublicationMethod for BroadcastRequest {
    fn take_data(&mut self) -> (Bytes, String) {
        (take(&mut self.data), take(&mut self.b64data))
    }
}

/// A publication for a consumer in publication-data mode: its data is the body of the message, and the rest is in
/// headers.
///
/// The consumer's configuration has `publication_data_mode` with `enabled`. Every consumer but `postgresql` has that mode,
/// and then reads no commands. It suits queues that other services read too, and data that is not JSON: [`binary`] data
/// is sent as its bytes.
///
/// | field | header |
/// |---|---|
/// | `channel`, `channels` | `centrifugo-channels`, separated by commas |
/// | `idempotency_key` | `centrifugo-idempotency-key` |
/// | `delta` | `centrifugo-delta`, which is `true` |
/// | `version` | `centrifugo-version` |
/// | `version_epoch` | `centrifugo-version-epoch` |
/// | `tags` | a header per tag: `centrifugo-tag-` and the tag's name |
///
/// A field that is not set has no header. What this mode cannot carry is an error, so that nothing is lost:
///
/// - `skip_history`;
/// - a comma in a channel's name, or an empty name;
/// - tags, names and data that the queue does not take, such as a tag's name with a space in NATS.
///
/// A [`ConsumerCommand`](crate::ConsumerCommand) has none of these limits.
///
/// ```
/// use centrifugo_api::{ConsumerType, PublicationMessage, PublishRequest};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let request = PublishRequest::new("prices:btc", r#"{"usd":1}"#).version(7_u64).tags([("exchange", "main")]);
/// let message = PublicationMessage::new(&request)?.message(ConsumerType::Kafka)?;
/// assert_eq!(message.key(), Some("prices:btc"));
/// let headers: Vec<_> = message.headers().collect();
/// assert_eq!(
///     headers,
///     [
///         ("centrifugo-channels", "prices:btc"),
///         ("centrifugo-version", "7"),
///         ("centrifugo-tag-exchange", "main"),
///     ]
/// );
/// assert_eq!(message.body(), &r#"{"usd":1}"#);
///
/// let error = PublicationMessage::new(&PublishRequest::new("a,b", "1")).unwrap_err();
/// assert!(error.to_string().starts_with("publish: `channel` has a comma"), "{error}");
/// # Ok(())
/// # }
/// ```
///
/// [`binary`]: crate::binary
#[derive(Clone, Debug)]
pub struct PublicationMessage {
    method: &'static str,
    key: String,
    headers: Vec<Header>,
    body: Bytes,
}

impl PublicationMessage {
    /// Creates the publication for a request to publish or to broadcast.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], which names the field:
    ///
    /// - if Centrifugo would refuse the request;
    /// - if this mode cannot carry a field, or a channel's name has a comma or is empty;
    /// - if `version_epoch` is set without `version`, because Centrifugo ignores it then;
    /// - if the data is not JSON and not [`binary`](crate::binary), or is set twice;
    /// - if the request is a broadcast without an idempotency key, see
    ///   [`ConsumerCommand::may_repeat`](crate::ConsumerCommand::may_repeat).
    pub fn new<M: PublicationMethod>(request: &M) -> Result<Self, Error> {
        let message = Self::may_repeat(request)?;
        check_repetition(request)?;
        Ok(message)
    }

    /// Creates the publication for a request, which may be a broadcast without an idempotency key.
    ///
    /// [`ConsumerCommand::may_repeat`](crate::ConsumerCommand::may_repeat) says what may then happen.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), but for the last one.
    pub fn may_repeat<M: PublicationMethod>(request: &M) -> Result<Self, Error> {
        check(request)?;
        let mut rest = request.clone();
        let (data, b64data) = rest.take_data();
        // The fields are read from the JSON, which has those that are set, whatever the schema.
        let fields = match serde_json::to_value(&rest) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => Map::new(),
            Err(error) => return Err(not_json(&rest, &error)),
        };
        let invalid = |problem: InvalidRequest| Error::InvalidRequest(problem.of(M::NAME));
        Ok(Self {
            method: M::NAME,
            key: request.order_key().to_owned(),
            headers: headers(fields).map_err(invalid)?,
            body: body(data, &b64data).map_err(invalid)?,
        })
    }

    /// Returns the publication as a message of a queue.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], which names the field and the fix, if the queue cannot carry a part of the publication
    /// as it is: the name of a tag, the list of channels, data that is not text, too many headers.
    /// [`ConsumerType::AwsSns`] can carry none.
    pub fn message(&self, queue: ConsumerType) -> Result<ConsumerMessage, Error> {
        let limits = queue.limits();
        self.check(queue, limits)
            .map_err(|problem| Error::InvalidRequest(problem.of(self.method)))?;
        let headers = self.headers.iter();
        Ok(ConsumerMessage {
            key: limits.key(&self.key),
            headers: headers
                .map(|header| (header.name.clone(), header.value.clone()))
                .collect(),
            body: self.body.clone(),
        })
    }

    /// Checks that a queue can carry the publication.
    fn check(&self, queue: ConsumerType, limits: &Limits) -> Result<(), InvalidRequest> {
        if queue == ConsumerType::AwsSns {
            let problem = "an envelope of Amazon SNS does not carry publication-data mode, because Centrifugo reads no \
                           attributes from it: enable raw message delivery and use `ConsumerType::AwsSqs`, or send a \
                           `ConsumerCommand`";
            return Err(problem.into());
        }
        let count = self.headers.len();
        if count > limits.max_headers {
            let problem = format!(
                "has so many tags that the message has {count} headers, and {} takes {}: leave out tags, or send a \
                 `ConsumerCommand`",
                limits.queue, limits.max_headers
            );
            return Err(InvalidRequest::wrong("tags", problem));
        }
        for header in &self.headers {
            header.check(limits)?;
        }
        check_body(&self.body, limits)
    }
}

/// Checks that a queue can carry a body.
fn check_body(body: &[u8], limits: &Limits) -> Result<(), InvalidRequest> {
    let Some(texts) = &limits.body else {
        return Ok(());
    };
    if std::str::from_utf8(body).is_ok_and(texts.include) {
        return Ok(());
    }
    let problem = format!(
        "makes a body that {} does not take, where a body {}: publish JSON, or send a `ConsumerCommand`, which carries \
         other bytes as base64",
        limits.queue, texts.description
    );
    Err(InvalidRequest::wrong("data", problem))
}

/// Returns the bytes of the data.
fn body(data: Bytes, b64data: &str) -> Result<Bytes, InvalidRequest> {
    if b64data.is_empty() {
        check_json("data", &data)?;
        return Ok(data);
    }
    match base64::engine::general_purpose::STANDARD.decode(b64data) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            let problem = format!("is not base64 ({error}): set it with `binary_data`");
            Err(InvalidRequest::wrong("b64data", problem))
        }
    }
}
