//! Streams of Redis.

use centrifugo_api::ConsumerType;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

use crate::broker::{Broker, Message, Promises};
use crate::redis::Redis;
use crate::{Outcome, Problem};

pub(crate) struct Streams {
    address: String,
    connection: MultiplexedConnection,
}

impl Streams {
    pub(crate) async fn start() -> Result<Self, Problem> {
        let address = Redis::shared().await.address();
        let client = redis::Client::open(address.as_str())?;
        let connection = client.get_multiplexed_async_connection().await?;
        Ok(Self {
            address,
            connection,
        })
    }
}

impl Broker for Streams {
    fn name(&self) -> &'static str {
        "Redis Streams"
    }

    fn consumer(&self) -> &'static str {
        "redis_stream"
    }

    fn queue(&self) -> Option<ConsumerType> {
        Some(ConsumerType::RedisStream)
    }

    fn promises(&self) -> Promises {
        Promises {
            order: true,
            order_after_kill: false,
            waits: false,
            skips_invalid_headers: false,
        }
    }

    /// A stream begins with its first entry.
    async fn create(&self, _source: &str) -> Outcome {
        Ok(())
    }

    fn options(&self, source: &str) -> Value {
        json!({
            "address": [self.address],
            "streams": [source],
            "consumer_group": "centrifugo",
            "visibility_timeout": "1s",
        })
    }

    async fn send(&self, source: &str, messages: &[Message]) -> Outcome {
        let mut entries = redis::pipe();
        for message in messages {
            let entry = entries.cmd("XADD").arg(source).arg("*");
            for (name, value) in &message.headers {
                entry.arg(name).arg(value);
            }
            entry.arg("payload").arg(&message.body[..]).ignore();
        }
        let () = entries.query_async(&mut self.connection.clone()).await?;
        Ok(())
    }

    async fn unacknowledged(&self, source: &str) -> Result<usize, Problem> {
        let mut groups = redis::cmd("XINFO");
        groups.arg("GROUPS").arg(source);
        let groups: Vec<std::collections::HashMap<String, redis::Value>> =
            groups.query_async(&mut self.connection.clone()).await?;
        let group = groups.first().ok_or("there is no group")?;
        let count = |name| -> Result<usize, Problem> {
            let count = group.get(name).ok_or("the group has no such count")?;
            Ok(redis::from_redis_value_ref(count)?)
        };
        Ok(count("pending")? + count("lag")?)
    }

    async fn read_all(&self, source: &str) -> Result<Option<(&'static str, Value)>, Problem> {
        let mut group = redis::cmd("XGROUP");
        group
            .arg("CREATE")
            .arg(source)
            .arg("centrifugo")
            .arg("0")
            .arg("MKSTREAM");
        let () = group.query_async(&mut self.connection.clone()).await?;
        Ok(Some(("with a group created at 0", json!({}))))
    }
}
