//! NATS JetStream: a stream per source.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::str::FromStr as _;

use async_nats::jetstream::{self, Context, consumer, stream};
use async_nats::{HeaderMap, HeaderName, HeaderValue};
use centrifugo_api::ConsumerType;
use serde_json::{Value, json};

use crate::broker::{Broker, Message, Promises};
use crate::{Outcome, Problem, keeper, server, started};

/// How many messages are sent before the first is confirmed. The client waits when 5,000 of all tests are
/// not confirmed.
const UNCONFIRMED: usize = 100;

pub(crate) struct Nats {
    url: String,
    jetstream: Context,
    _keeper: Child,
}

impl Nats {
    pub(crate) async fn start() -> Result<Self, Problem> {
        let program = crate::variable("BROKERS_NATS")?;
        let folder = tempfile::Builder::new().prefix("nats-").tempdir()?.keep();
        let [port, _] = server::free_ports()?;
        let mut command = keeper::command_with_folder(&PathBuf::from(program), "KILL", &folder);
        command
            .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
            .args(["--jetstream", "--store_dir"])
            .arg(&folder)
            .stderr(Stdio::null());
        let keeper = command.spawn()?;
        let url = format!("nats://127.0.0.1:{port}");
        let client = started("nats-server", async || Ok(async_nats::connect(&url).await?)).await?;
        Ok(Self {
            jetstream: jetstream::new(client),
            url,
            _keeper: keeper,
        })
    }
}

fn headers(message: &Message) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        let name = HeaderName::from_str(name)?;
        headers.insert(name, HeaderValue::from_str(value)?);
    }
    Ok(headers)
}

impl Broker for Nats {
    fn name(&self) -> &'static str {
        "NATS JetStream"
    }

    fn consumer(&self) -> &'static str {
        "nats_jetstream"
    }

    fn queue(&self) -> Option<ConsumerType> {
        Some(ConsumerType::NatsJetStream)
    }

    fn promises(&self) -> Promises {
        Promises {
            order: true,
            order_after_kill: false,
            waits: false,
            skips_invalid_headers: true,
        }
    }

    async fn create(&self, source: &str) -> Outcome {
        let config = stream::Config {
            name: source.to_owned(),
            subjects: vec![source.to_owned()],
            ..stream::Config::default()
        };
        self.jetstream.create_stream(config).await?;
        Ok(())
    }

    fn options(&self, source: &str) -> Value {
        json!({
            "url": self.url,
            "stream_name": source,
            "subjects": [source],
            "durable_consumer_name": source,
        })
    }

    async fn send(&self, source: &str, messages: &[Message]) -> Outcome {
        for messages in messages.chunks(UNCONFIRMED) {
            let mut confirmations = Vec::new();
            for message in messages {
                let subject = source.to_owned();
                let headers = headers(message)?;
                let body = message.body.clone();
                let sent = self.jetstream.publish_with_headers(subject, headers, body);
                confirmations.push(sent.await?);
            }
            for confirmation in confirmations {
                confirmation.await?;
            }
        }
        Ok(())
    }

    async fn unacknowledged(&self, source: &str) -> Result<usize, Problem> {
        let stream = self.jetstream.get_stream(source).await?;
        let mut consumer = stream
            .get_consumer::<consumer::pull::Config>(source)
            .await
            .map_err(|error| error.to_string())?;
        let info = consumer.info().await?;
        Ok(usize::try_from(info.num_pending)? + info.num_ack_pending)
    }

    async fn read_all(&self, _source: &str) -> Result<Option<(&'static str, Value)>, Problem> {
        let options = json!({"deliver_policy": "all"});
        Ok(Some(("with `deliver_policy: all`", options)))
    }
}
