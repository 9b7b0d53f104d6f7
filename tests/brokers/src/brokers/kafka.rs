//! Kafka: a topic of four partitions per source.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use centrifugo_api::ConsumerType;
use centrifugo_api::consumer::partition;
use chrono::Utc;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use serde_json::{Value, json};

use crate::broker::{Broker, Message, Promises};
use crate::{Outcome, Problem, keeper, server, started};

const PARTITIONS: NonZeroU16 = NonZeroU16::new(4).unwrap();

/// One node that is broker and controller, and keeps its own topics in one partition.
const PROPERTIES: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
";

/// A virtual machine that starts quickly.
const JAVA: [&str; 4] = [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dlog4j2.level=ERROR",
];

pub(crate) struct Kafka {
    address: String,
    client: Client,
    _keeper: Child,
}

impl Kafka {
    pub(crate) async fn start() -> Result<Self, Problem> {
        let jars = format!("{}/*", crate::variable("BROKERS_KAFKA")?);
        let folder = tempfile::Builder::new().prefix("kafka-").tempdir()?.keep();
        let [port, controller] = server::free_ports()?;
        let address = format!("127.0.0.1:{port}");
        let properties = folder.join("server.properties");
        let text = format!(
            "{PROPERTIES}listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:{controller}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n",
            folder.join("data").display()
        );
        std::fs::write(&properties, text)?;
        let formatted = {
            let (jars, properties) = (jars.clone(), properties.clone());
            tokio::task::spawn_blocking(move || format_storage(&jars, &properties))
        };
        formatted.await??;

        let mut command = keeper::command_with_folder(Path::new("java"), "KILL", &folder);
        command
            .args(JAVA)
            .args(["-cp", &jars, "kafka.Kafka"])
            .arg(&properties)
            .stderr(Stdio::null());
        let keeper = command.spawn()?;
        let client = started("Kafka", async || {
            // Without the first check, the client retries for ever.
            tokio::net::TcpStream::connect(&address).await?;
            Ok(ClientBuilder::new(vec![address.clone()]).build().await?)
        })
        .await?;
        Ok(Self {
            address,
            client,
            _keeper: keeper,
        })
    }
}

fn format_storage(jars: &str, properties: &Path) -> Result<(), String> {
    let output = Command::new("java")
        .args(JAVA)
        .args(["-cp", jars, "kafka.tools.StorageTool", "format"])
        .args(["--cluster-id", "AAAAAAAAAAAAAAAAAAAAAQ", "--config"])
        .arg(properties)
        .output()
        .map_err(|error| format!("java: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(format!(
        "Kafka's storage: {}",
        String::from_utf8_lossy(&text)
    ))
}

impl Broker for Kafka {
    fn name(&self) -> &'static str {
        "Kafka"
    }

    fn consumer(&self) -> &'static str {
        "kafka"
    }

    fn queue(&self) -> Option<ConsumerType> {
        Some(ConsumerType::Kafka)
    }

    fn promises(&self) -> Promises {
        Promises {
            order: true,
            order_after_kill: true,
            waits: true,
            skips_invalid_headers: true,
        }
    }

    async fn create(&self, source: &str) -> Outcome {
        let controller = self.client.controller_client()?;
        let partitions = i32::from(PARTITIONS.get());
        controller
            .create_topic(source, partitions, 1, 10_000)
            .await?;
        Ok(())
    }

    fn options(&self, source: &str) -> Value {
        json!({
            "brokers": [self.address],
            "topics": [source],
            "consumer_group": source,
            // Otherwise a new process waits until the session of the one before has expired.
            "instance_id": "centrifugo",
        })
    }

    async fn send(&self, source: &str, messages: &[Message]) -> Outcome {
        let mut partitions: BTreeMap<i32, Vec<Record>> = BTreeMap::new();
        for message in messages {
            let key = message.key.as_deref().unwrap_or_default();
            let records = partitions.entry(partition(key, PARTITIONS)).or_default();
            let headers = message.headers.iter();
            records.push(Record {
                key: message.key.clone().map(String::into_bytes),
                value: Some(message.body.to_vec()),
                headers: headers
                    .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
                    .collect(),
                timestamp: Utc::now(),
            });
        }
        for (number, records) in partitions {
            let client = self
                .client
                .partition_client(source, number, UnknownTopicHandling::Retry)
                .await?;
            client.produce(records, Compression::NoCompression).await?;
        }
        Ok(())
    }

    /// The client cannot ask for the offsets of a group. A partition is read in order, so a message
    /// that has arrived says that those before it have been read.
    async fn unacknowledged(&self, _source: &str) -> Result<usize, Problem> {
        Ok(0)
    }
}
