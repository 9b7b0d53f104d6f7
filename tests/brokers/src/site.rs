//! A source of a broker, and a Centrifugo that reads it.

use centrifugo_api::HistoryRequest;
use centrifugo_api::consumer::PublicationMethod;
use serde_json::{Value, json};

use crate::broker::{self, Broker, Message, Mode, consumers};
use crate::redis::Redis;
use crate::server::{Backend, Server, Transport, Version};
use crate::{Outcome, Problem, wait};

/// `kept:` keeps all that is published, so that clients recover it; `bin:` takes any bytes.
const NAMESPACES: &str = r#"[
    {"name": "kept", "history_size": 1000000, "history_ttl": "3600s", "force_recovery": true,
     "publication_data_format": "json",
     "allowed_delta_types": ["fossil"], "allow_subscribe_for_client": true,
     "allow_subscribe_for_anonymous": true},
    {"name": "bin", "history_size": 100, "history_ttl": "3600s", "force_recovery": true,
     "publication_data_format": "binary", "allow_subscribe_for_client": true,
     "allow_subscribe_for_anonymous": true}
]"#;

pub(crate) struct Site<'a, B> {
    pub(crate) broker: &'a B,
    pub(crate) mode: Mode,
    pub(crate) server: Server,
    source: String,
}

impl<'a, B: Broker> Site<'a, B> {
    /// Creates a source, and starts a Centrifugo that keeps everything in its memory.
    pub(crate) async fn open(broker: &'a B, name: &str, mode: Mode) -> Result<Self, Problem> {
        let source = source(name, mode);
        broker.create(&source).await?;
        Self::start(broker, source, mode, &json!({}), None).await
    }

    /// Creates a source, and starts a Centrifugo that keeps everything in a Redis.
    pub(crate) async fn open_with_engine(
        broker: &'a B,
        name: &str,
        mode: Mode,
        engine: &Redis,
    ) -> Result<Self, Problem> {
        let source = source(name, mode);
        broker.create(&source).await?;
        Self::start(broker, source, mode, &json!({}), Some(engine)).await
    }

    /// Starts a Centrifugo for a source that there is. `further` are options of the consumer.
    pub(crate) async fn start(
        broker: &'a B,
        source: String,
        mode: Mode,
        further: &Value,
        engine: Option<&Redis>,
    ) -> Result<Self, Problem> {
        let consumers = consumers(broker, &source, mode, further);
        let mut options = vec![
            ("CENTRIFUGO_CHANNEL_NAMESPACES", NAMESPACES),
            ("CENTRIFUGO_CONSUMERS", &consumers),
            (
                "CENTRIFUGO_CLIENT_RECOVERY_MAX_PUBLICATION_LIMIT",
                "1000000",
            ),
            ("CENTRIFUGO_CLIENT_CHANNEL_POSITION_CHECK_DELAY", "1s"),
            ("CENTRIFUGO_CLIENT_PRESENCE_UPDATE_INTERVAL", "1s"),
        ];
        options.extend(broker.environment());
        let address = engine.map(Redis::address);
        let prefix = format!("{}-{source}", broker.name());
        if let Some(address) = &address {
            options.extend([
                ("CENTRIFUGO_ENGINE_TYPE", "redis"),
                ("CENTRIFUGO_ENGINE_REDIS_ADDRESS", address),
                ("CENTRIFUGO_ENGINE_REDIS_PREFIX", &prefix),
                ("CENTRIFUGO_ENGINE_REDIS_IO_TIMEOUT", "1s"),
            ]);
        }
        let server = Server::start_with(Backend::Real(Version::V6), &options).await;
        Ok(Self {
            broker,
            mode,
            server,
            source,
        })
    }

    pub(crate) async fn send(&self, messages: &[Message]) -> Outcome {
        self.broker.send(&self.source, messages).await
    }

    /// Sends a request to publish or to broadcast, in the mode of this site.
    pub(crate) async fn publish(&self, request: &impl PublicationMethod) -> Outcome {
        self.send(&[self.publication(request)]).await
    }

    pub(crate) fn publication(&self, request: &impl PublicationMethod) -> Message {
        broker::publication(self.broker, self.mode, request)
    }

    /// Waits until that many messages are not acknowledged.
    pub(crate) async fn down_to(&self, count: usize) -> Outcome {
        let what = format!("a source with {count} unacknowledged messages");
        wait(&what, async || {
            let unacknowledged = self.broker.unacknowledged(&self.source).await?;
            Ok((unacknowledged == count).then_some(()))
        })
        .await
    }

    /// Waits until the server has logged a text that many times.
    pub(crate) async fn logged(&self, text: &str, times: usize) -> Outcome {
        wait(&format!("{text} in the log"), async || {
            let count = self.server.log().matches(text).count();
            Ok((count >= times).then_some(()))
        })
        .await
    }

    /// Returns how many publications the channel has had, and what it keeps of them.
    pub(crate) async fn history(&self, channel: &str) -> Result<(usize, Vec<String>), Problem> {
        let client = self.server.client(Transport::Http);
        let history = client
            .history(HistoryRequest::new(channel).limit(-1))
            .await?;
        let publications = history.publications.iter();
        let texts =
            publications.map(|publication| String::from_utf8_lossy(&publication.data).into_owned());
        Ok((usize::try_from(history.offset)?, texts.collect()))
    }
}

/// Returns the name of a source.
pub(crate) fn source(name: &str, mode: Mode) -> String {
    match mode {
        Mode::Commands => format!("{name}_commands"),
        Mode::Publications => format!("{name}_publications"),
    }
}
