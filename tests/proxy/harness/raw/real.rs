//! A client of a real server that speaks the JSON protocol.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::harness::DEADLINE;
use crate::harness::event::{Ended, Event};
use crate::websocket::{self, Message, Protocol, Reader, Writer};

pub(crate) struct Speaking {
    reader: Reader,
    writer: Writer,
    commands: u64,
    /// Replies and pushes that have come and are not read.
    received: VecDeque<Value>,
    /// Pushes that came while the client waited for a reply.
    pushes: VecDeque<Value>,
    ended: Option<Ended>,
}

impl Speaking {
    pub(in crate::harness) async fn open(address: &str) -> Self {
        let connected = websocket::connect(address, Protocol::Json).await;
        let (reader, writer) = connected.expect("the server accepts connections");
        Self {
            reader,
            writer,
            commands: 0,
            received: VecDeque::new(),
            pushes: VecDeque::new(),
            ended: None,
        }
    }

    /// Sends a command, and returns its result.
    pub(super) async fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Event> {
        self.commands += 1;
        let command = json!({"id": self.commands, method: parameters});
        self.send(&command).await;
        loop {
            let mut message = self.message().await.map_err(Event::Disconnected)?;
            if message["id"] == self.commands {
                return match message.get_mut("error") {
                    Some(error) => Err(refused(error)),
                    None => Ok(message[method].take()),
                };
            }
            self.pushes.push_back(message["push"].take());
        }
    }

    /// Waits for the next push. The error is the end of the connection.
    pub(super) async fn push(&mut self) -> Result<Value, Event> {
        if let Some(push) = self.pushes.pop_front() {
            return Ok(push);
        }
        let mut message = self.message().await.map_err(Event::Disconnected)?;
        Ok(message["push"].take())
    }

    pub(super) fn is_connected(&self) -> bool {
        self.ended.is_none()
    }

    async fn send(&mut self, command: &Value) {
        // The server may have closed the connection, which is read afterwards.
        let _ = self.writer.send(command.to_string().as_bytes()).await;
    }

    /// Waits for the next reply or push. The error is the end of the connection.
    async fn message(&mut self) -> Result<Value, Ended> {
        loop {
            if let Some(message) = self.received.pop_front() {
                if message.as_object().is_some_and(serde_json::Map::is_empty) {
                    self.send(&json!({})).await; // a ping wants a pong
                    continue;
                }
                return Ok(message);
            }
            if let Some(ended) = &self.ended {
                return Err(ended.clone());
            }
            self.receive().await;
        }
    }

    async fn receive(&mut self) {
        let message = tokio::time::timeout(DEADLINE, self.reader.next()).await;
        match message.expect("the server says something in time") {
            Some(Message::Data(lines)) => {
                let lines = String::from_utf8(lines).expect("JSON is UTF-8");
                for line in lines.lines() {
                    let message = serde_json::from_str(line).expect("the server sends JSON");
                    self.received.push_back(message);
                }
            }
            Some(Message::Close { code, reason }) => self.ended = Some(Ended { code, reason }),
            None => {
                self.ended = Some(Ended {
                    code: websocket::ABNORMAL,
                    reason: String::new(),
                });
            }
        }
    }
}

fn refused(error: &Value) -> Event {
    let code = error["code"].as_u64().and_then(|code| code.try_into().ok());
    Event::Refused {
        code: code.expect("an error has a code"),
        message: error["message"].as_str().unwrap_or_default().to_owned(),
        temporary: error["temporary"].as_bool().unwrap_or_default(),
    }
}
