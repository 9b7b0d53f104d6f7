//! A broker: what carries messages to Centrifugo.

use bytes::Bytes;
use centrifugo_api::consumer::PublicationMethod;
use centrifugo_api::{
    ConsumerCommand, ConsumerMessage, ConsumerMethod, ConsumerType, PublicationMessage,
};
use serde_json::{Value, json};

use crate::{Outcome, Problem};

/// The forms in which a consumer takes publications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Commands,
    Publications,
}

/// A broker, of which each test uses a topic, stream, queue or table of its own: a source.
pub(crate) trait Broker {
    /// Returns the name of its column in the table.
    fn name(&self) -> &'static str;

    /// Returns what runs in the tests: the broker itself, or what stands for it.
    fn server(&self) -> &'static str {
        "itself"
    }

    /// Returns the type of its consumer in Centrifugo's configuration.
    fn consumer(&self) -> &'static str;

    /// Returns the queue for which messages are made; `None` for a table of PostgreSQL.
    fn queue(&self) -> Option<ConsumerType>;

    fn promises(&self) -> Promises;

    /// Creates an empty source.
    async fn create(&self, source: &str) -> Outcome;

    /// Returns the options of the consumer that reads a source.
    fn options(&self, source: &str) -> Value;

    async fn send(&self, source: &str, messages: &[Message]) -> Outcome;

    /// Returns how many messages Centrifugo has not acknowledged.
    async fn unacknowledged(&self, source: &str) -> Result<usize, Problem>;

    /// Makes Centrifugo read what was written before its first start, where it does not do so by
    /// default. Returns what does that, and options of the consumer.
    async fn read_all(&self, _source: &str) -> Result<Option<(&'static str, Value)>, Problem> {
        Ok(None)
    }

    /// Returns variables that Centrifugo needs.
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Returns whether the broker has a mode.
    fn has(&self, mode: Mode) -> bool {
        let queue = self.queue();
        mode == Mode::Commands || queue.is_some_and(|queue| queue != ConsumerType::AwsSns)
    }

    /// Returns the message of a command.
    fn command(&self, command: &ConsumerCommand) -> Message {
        let queue = self.queue().expect("a broker without a queue has its own");
        command.message(queue).into()
    }
}

/// What the documentation of `centrifugo_api::consumer` says of a broker, where they differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promises {
    /// Messages with the same key arrive in order.
    pub(crate) order: bool,
    /// They do so even if Centrifugo is killed.
    pub(crate) order_after_kill: bool,
    /// After a temporary error, later messages with the key wait.
    pub(crate) waits: bool,
    /// A message with a version or a delta that is not one is skipped; otherwise it stays
    /// unacknowledged.
    pub(crate) skips_invalid_headers: bool,
}

/// A message as a broker carries it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) key: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl From<ConsumerMessage> for Message {
    fn from(message: ConsumerMessage) -> Self {
        let headers = message.headers();
        Self {
            key: message.key().map(str::to_owned),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: message.body().clone(),
        }
    }
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns this message with another value of a header, or without that header.
    pub(crate) fn with_header(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers.retain(|(found, _)| found != name);
        if let Some(value) = value {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(crate) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// Returns the message of a command.
pub(crate) fn command(broker: &impl Broker, request: &impl ConsumerMethod) -> Message {
    let command = ConsumerCommand::may_repeat(request).expect("the command is valid");
    broker.command(&command)
}

/// Returns the message of a publication in this mode.
pub(crate) fn publication(
    broker: &impl Broker,
    mode: Mode,
    request: &impl PublicationMethod,
) -> Message {
    match mode {
        Mode::Commands => command(broker, request),
        Mode::Publications => {
            let message = PublicationMessage::may_repeat(request).expect("it is valid");
            let queue = broker.queue().expect("the broker has this mode");
            let message = message.message(queue).expect("the queue can carry it");
            message.into()
        }
    }
}

/// Returns Centrifugo's option `consumers` for a source. `further` are options of the consumer.
pub(crate) fn consumers(broker: &impl Broker, source: &str, mode: Mode, further: &Value) -> String {
    let kind = broker.consumer();
    let mut options = broker.options(source);
    if mode == Mode::Publications {
        options["publication_data_mode"] = json!({"enabled": true});
    }
    for (name, value) in further.as_object().into_iter().flatten() {
        options[name] = value.clone();
    }
    json!([{"name": source, "enabled": true, "type": kind, kind: options}]).to_string()
}
