//! A client that shows the messages of Centrifugo's protocol as they are.

use serde_json::{Value, json};

use crate::websocket::{self, Message, Protocol, Reader, Writer};
use crate::{DEADLINE, Problem};

pub(crate) struct Subscriber {
    reader: Reader,
    _writer: Writer,
    unread: Vec<Value>,
}

impl Subscriber {
    /// Connects a client, and subscribes it for differences between publications.
    pub(crate) async fn of(address: &str, channel: &str) -> Result<Self, Problem> {
        let (reader, mut writer) = websocket::connect(address, Protocol::Json).await?;
        let subscribe = json!({"channel": channel, "delta": "fossil", "positioned": true});
        let commands = [
            json!({"id": 1, "connect": {}}),
            json!({"id": 2, "subscribe": subscribe}),
        ];
        for command in commands {
            writer.send(command.to_string().as_bytes()).await?;
        }
        let mut subscriber = Self {
            reader,
            _writer: writer,
            unread: Vec::new(),
        };
        subscriber.find("/subscribe").await?;
        Ok(subscriber)
    }

    /// Returns the next publication.
    pub(crate) async fn publication(&mut self) -> Result<Value, Problem> {
        self.find("/push/pub").await
    }

    /// Returns a part of the next message that has it.
    async fn find(&mut self, pointer: &str) -> Result<Value, Problem> {
        let find = async {
            loop {
                for message in std::mem::take(&mut self.unread) {
                    if let Some(found) = message.pointer(pointer) {
                        return Ok(found.clone());
                    }
                }
                match self.reader.next().await {
                    Some(Message::Data(lines)) => {
                        for line in lines.split(|byte| *byte == b'\n') {
                            self.unread.push(serde_json::from_slice(line)?);
                        }
                    }
                    _ => return Err("the connection has ended".into()),
                }
            }
        };
        tokio::time::timeout(DEADLINE, find).await?
    }
}
