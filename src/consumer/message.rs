//! Messages of queues.

use bytes::Bytes;

/// A message of a queue that Centrifugo reads, for any client of that queue.
///
/// [`ConsumerCommand::message`](crate::ConsumerCommand::message) and
/// [`PublicationMessage::message`](crate::PublicationMessage::message) make it. The [module](crate::consumer) says where
/// its parts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerMessage {
    pub(super) key: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl ConsumerMessage {
    /// Returns the key, whose messages keep their order: the channel, or else the user; `None` for anonymous users.
    ///
    /// A name that the queue does not take as a key, such as one with a space in SQS, is replaced by its CRC-32, as in
    /// `crc32-1dd39950`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the headers (attributes, properties, fields): their names and values. No name occurs twice.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as text, for queues that take no other: SQS and SNS. A message for these has a text.
    ///
    /// `None` if the body is not UTF-8, which only binary data in [`PublicationMessage`](crate::PublicationMessage) is
    /// not.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// Returns the fields of an entry in a stream of Redis: the headers, and the body as `payload`.
    ///
    /// ```
    /// use centrifugo_api::{ConsumerCommand, ConsumerType, PublishRequest};
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let command = ConsumerCommand::new(&PublishRequest::new("news", "1"))?;
    /// let message = command.message(ConsumerType::RedisStream);
    /// let fields: Vec<(&str, &[u8])> = message.redis_fields().collect(); // for XADD
    /// assert_eq!(fields, [("method", &b"publish"[..]), ("payload", br#"{"channel":"news","data":1}"#)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn redis_fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.headers().map(|(name, value)| (name, value.as_bytes()));
        headers.chain([("payload", &self.body[..])])
    }
}
