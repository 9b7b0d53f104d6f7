//! A real Centrifugo that reads an outbox, or keeps its channels in PostgreSQL.

#![allow(dead_code)] // of what it shares with the tests of the SDK

#[path = "../../../../tests/support/server/binary.rs"]
mod binary;
#[path = "../../../../tests/support/server/exchange.rs"]
mod exchange;
#[path = "../../../../tests/support/server/process.rs"]
mod process;
#[path = "../../../../tests/support/server/version.rs"]
mod version;

use centrifugo_postgres::ConsumerConfiguration;
use serde_json::Value;

use crate::Problem;
use process::Process;
pub(crate) use version::Version;

/// Returns the folder of the configurations and of the script that builds the servers.
fn folder() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/centrifugo").to_owned()
}

pub(crate) struct Server(Process);

impl Server {
    /// Starts a server that reads outboxes.
    pub(crate) async fn with_consumer(version: Version, consumer: &ConsumerConfiguration) -> Self {
        let options = consumer.to_environment();
        Self::start(version, options).await
    }

    /// Starts a server that keeps its channels and maps in a database.
    pub(crate) async fn with_brokers(url: &str, options: &[(&str, &str)]) -> Self {
        // Few connections: the tests share one PostgreSQL.
        let common = [
            ("BROKER_ENABLED", "true"),
            ("BROKER_TYPE", "postgres"),
            ("BROKER_POSTGRES_DSN", url),
            ("BROKER_POSTGRES_POOL_SIZE", "3"),
            ("BROKER_POSTGRES_NUM_SHARDS", "2"),
            ("MAP_BROKER_TYPE", "postgres"),
            ("MAP_BROKER_POSTGRES_DSN", url),
            ("MAP_BROKER_POSTGRES_POOL_SIZE", "3"),
            ("MAP_BROKER_POSTGRES_NUM_SHARDS", "2"),
        ];
        let all = common.iter().chain(options);
        let all = all.map(|(name, value)| (format!("CENTRIFUGO_{name}"), (*value).to_owned()));
        Self::start(Version::V6, all.collect()).await
    }

    async fn start(version: Version, mut options: Vec<(String, String)>) -> Self {
        let http_stream = match version {
            Version::V6 => "CENTRIFUGO_UNI_HTTP_STREAM_ENABLED",
            Version::V5 | Version::V3 => "CENTRIFUGO_UNI_HTTP_STREAM",
        };
        options.push((http_stream.to_owned(), "true".to_owned()));
        let options: Vec<(&str, &str)> = options
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let configuration = format!("{}/{}.json", folder(), version.number());
        Self(Process::launch(version, &["-c", &configuration], &options).await)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.http_port
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }

    pub(crate) async fn restart(&mut self) {
        self.0.restart().await;
    }

    /// Calls a method of the server API, and returns its result.
    pub(crate) async fn call(&self, method: &str, request: Value) -> Result<Value, Problem> {
        let body = request.to_string();
        let length = body.len();
        let request = format!(
            "POST /api/{method} HTTP/1.0\r\nX-API-Key: http-key\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let response = exchange::exchange(self.port(), &request).await?;
        let (_, body) = response.split_once("\r\n\r\n").ok_or("no HTTP")?;
        let mut reply: Value = serde_json::from_str(body)?;
        match reply.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(format!("{method}: {reply}").into()),
        }
    }
}
