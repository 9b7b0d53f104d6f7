//! Amazon SQS, for which ElasticMQ stands: a queue per source.

use std::path::Path;
use std::process::{Child, Stdio};
use std::rc::Rc;

use centrifugo_api::ConsumerType;
use serde_json::{Map, Value, json};

use crate::broker::{Broker, Message, Promises};
use crate::{Outcome, Problem, keeper, server, started};

/// The most messages that a request can send.
const BATCH: usize = 10;

pub(crate) struct ElasticMq {
    url: String,
    http: reqwest::Client,
    _keeper: Child,
}

impl ElasticMq {
    pub(crate) async fn start() -> Result<Rc<Self>, Problem> {
        let jars = format!("{}/*", crate::variable("BROKERS_SQS")?);
        let [port, _] = server::free_ports()?;
        let mut command = keeper::command(Path::new("java"), "KILL");
        command
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg("-Drest-sqs.bind-hostname=127.0.0.1")
            .arg(format!("-Drest-sqs.bind-port={port}"))
            .arg(format!("-Dnode-address.port={port}"))
            .args(["-Drest-stats.enabled=false", "-cp", &jars])
            .arg("org.elasticmq.server.Main")
            .stderr(Stdio::null());
        let keeper = command.spawn()?;
        let server = Self {
            url: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::builder().no_proxy().build()?,
            _keeper: keeper,
        };
        started("ElasticMQ", async || {
            server.call("ListQueues", &json!({})).await
        })
        .await?;
        Ok(Rc::new(server))
    }

    /// Calls a method of SQS.
    async fn call(&self, method: &str, request: &Value) -> Result<Value, Problem> {
        let response = self
            .http
            .post(&self.url)
            .header("X-Amz-Target", format!("AmazonSQS.{method}"))
            .header("Content-Type", "application/x-amz-json-1.0")
            .body(request.to_string())
            .send()
            .await?;
        let is_success = response.status().is_success();
        let text = response.text().await?;
        if is_success {
            Ok(serde_json::from_str(&text)?)
        } else {
            Err(format!("{method}: {text}").into())
        }
    }
}

/// A kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Standard,
    Fifo,
    /// A standard queue that is subscribed to a topic of SNS, without raw delivery.
    Sns,
}

pub(crate) struct Sqs {
    pub(crate) server: Rc<ElasticMq>,
    pub(crate) kind: Kind,
}

impl Sqs {
    fn queue_name(&self, source: &str) -> String {
        match self.kind {
            Kind::Standard => format!("standard-{source}"),
            Kind::Fifo => format!("{source}.fifo"),
            Kind::Sns => format!("sns-{source}"),
        }
    }

    fn queue_url(&self, source: &str) -> String {
        format!(
            "{}/000000000000/{}",
            self.server.url,
            self.queue_name(source)
        )
    }

    fn entry(&self, id: usize, message: &Message) -> Result<Value, Problem> {
        let text = std::str::from_utf8(&message.body)?;
        let attribute = |value: &str| json!({"DataType": "String", "StringValue": value});
        let headers = message.headers.iter();
        let attributes: Map<String, Value> = headers
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect();
        let mut entry = json!({"Id": id.to_string(), "MessageAttributes": attributes});
        match self.kind {
            Kind::Standard => entry["MessageBody"] = text.into(),
            Kind::Fifo => {
                entry["MessageBody"] = text.into();
                entry["MessageGroupId"] = message.key.clone().into();
                entry["MessageDeduplicationId"] = unique().into();
            }
            Kind::Sns => entry["MessageBody"] = envelope(text).to_string().into(),
        }
        Ok(entry)
    }
}

/// Returns what SNS puts into a queue, as far as Centrifugo may read it.
fn envelope(message: &str) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": unique(),
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:topic",
        "Message": message,
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": "1",
    })
}

/// Returns a text that was not returned before.
fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

impl Broker for Sqs {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Standard => "SQS",
            Kind::Fifo => "SQS FIFO",
            Kind::Sns => "SNS",
        }
    }

    fn server(&self) -> &'static str {
        "ElasticMQ"
    }

    fn consumer(&self) -> &'static str {
        "aws_sqs"
    }

    fn queue(&self) -> Option<ConsumerType> {
        Some(match self.kind {
            Kind::Standard | Kind::Fifo => ConsumerType::AwsSqs,
            Kind::Sns => ConsumerType::AwsSns,
        })
    }

    fn promises(&self) -> Promises {
        let is_fifo = self.kind == Kind::Fifo;
        Promises {
            order: is_fifo,
            order_after_kill: is_fifo,
            waits: is_fifo,
            skips_invalid_headers: true,
        }
    }

    async fn create(&self, source: &str) -> Outcome {
        let mut attributes = Map::new();
        if self.kind == Kind::Fifo {
            attributes.insert("FifoQueue".to_owned(), "true".into());
        }
        let request = json!({"QueueName": self.queue_name(source), "Attributes": attributes});
        self.server.call("CreateQueue", &request).await?;
        Ok(())
    }

    fn options(&self, source: &str) -> Value {
        json!({
            "queues": [self.queue_url(source)],
            "sns_envelope": self.kind == Kind::Sns,
            "region": "us-east-1",
            "localstack_endpoint": self.server.url,
            "visibility_timeout": "2s",
        })
    }

    async fn send(&self, source: &str, messages: &[Message]) -> Outcome {
        for batch in messages.chunks(BATCH) {
            let entries: Result<Vec<Value>, Problem> = batch
                .iter()
                .enumerate()
                .map(|(id, message)| self.entry(id, message))
                .collect();
            let request = json!({"QueueUrl": self.queue_url(source), "Entries": entries?});
            let sent = self.server.call("SendMessageBatch", &request).await?;
            let failed = sent["Failed"]
                .as_array()
                .is_some_and(|failed| !failed.is_empty());
            if failed {
                return Err(format!("not sent: {sent}").into());
            }
        }
        Ok(())
    }

    async fn unacknowledged(&self, source: &str) -> Result<usize, Problem> {
        const COUNTS: [&str; 2] = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let request = json!({"QueueUrl": self.queue_url(source), "AttributeNames": COUNTS});
        let counts = self.server.call("GetQueueAttributes", &request).await?;
        let mut sum = 0;
        for name in COUNTS {
            let count = counts["Attributes"][name].as_str();
            sum += count
                .ok_or("the queue has no such count")?
                .parse::<usize>()?;
        }
        Ok(sum)
    }

    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")]
    }
}
