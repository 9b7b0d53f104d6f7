//! A client of the embedded server, with commands and pushes as the JSON protocol has them.

use std::sync::Arc;
use std::time::Duration;

use centrifugo_api::Error;
use centrifugo_api_testing::{
    ConnectingClient, Event as Received, ProxiedConnection, Server, SubscribeOptions,
};
use serde_json::{Value, json};

use crate::harness::DEADLINE;
use crate::harness::embedded::{FIRST_END, api_error, refused};
use crate::harness::event::{Ended, Event};

/// The types of subscriptions, as the protocol numbers them.
const MAP: u64 = 1;
const SHARED_POLL: u64 = 4;

pub(crate) struct Translating {
    server: Arc<Server>,
    connection: ProxiedConnection,
    /// The shared poll whose keys the client tracks.
    tracked: Option<String>,
    /// The end of the connection, once it is known.
    ended: Option<Ended>,
}

impl Translating {
    /// Connects, and returns the reply.
    pub(in crate::harness) async fn open(server: Arc<Server>, connect: &Value) -> (Self, Value) {
        let channels = connect["subs"].as_object();
        let channels = channels.into_iter().flatten().map(|(channel, _)| channel);
        let client = ConnectingClient::new()
            .name(text(connect, "name"))
            .token(text(connect, "token"))
            .channels(channels);
        let connection = server.connect_client(client).await;
        let connection = connection.expect("the server accepts the client");
        let mut reply = json!({"client": connection.id()});
        add_expiry(&mut reply, connection.expires_in());
        let client = Self {
            server,
            connection,
            tracked: None,
            ended: None,
        };
        (client, reply)
    }

    pub(super) async fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, Event> {
        let channel = text(parameters, "channel");
        let result = match method {
            "subscribe" => self.subscribe(channel, parameters).await,
            "publish" => self.publish(channel, parameters).await,
            "sub_refresh" => self.track(channel, parameters).await,
            other => panic!("no scene sends {other}"),
        };
        result.map_err(|error| {
            let error = api_error(error);
            if error.code < FIRST_END {
                return refused(error);
            }
            let ended = Ended {
                code: error.code,
                reason: error.message,
            };
            self.ended = Some(ended.clone());
            Event::Disconnected(ended)
        })
    }

    async fn subscribe(&self, channel: &str, parameters: &Value) -> Result<Value, Error> {
        let options = SubscribeOptions::new();
        let options = match parameters["type"].as_u64() {
            Some(MAP) => options.map(),
            Some(SHARED_POLL) => options.shared_poll(),
            _ => options,
        };
        let subscribed = self.connection.subscribe_with(channel, options).await?;
        let mut reply = json!({});
        add_expiry(&mut reply, subscribed.expires_in);
        Ok(reply)
    }

    async fn publish(&self, channel: &str, parameters: &Value) -> Result<Value, Error> {
        let key = text(parameters, "key");
        if parameters["removed"] == true {
            self.connection.map_remove(channel, key).await?;
        } else {
            let data = parameters["data"].to_string();
            self.connection.map_publish(channel, key, data).await?;
        }
        Ok(json!({}))
    }

    async fn track(&mut self, channel: &str, parameters: &Value) -> Result<Value, Error> {
        let batches = parameters["track"].as_array().into_iter().flatten();
        let items = batches.flat_map(|batch| batch["items"].as_array().into_iter().flatten());
        let keys: Vec<_> = items.map(|item| text(item, "key")).collect();
        self.connection.track(channel, keys).await?;
        self.tracked = Some(channel.to_owned());
        Ok(json!({}))
    }

    pub(super) async fn push(&mut self) -> Result<Value, Event> {
        let event = loop {
            let Some(channel) = &self.tracked else {
                break self.next().await;
            };
            // A real server polls by itself.
            match self.connection.try_next() {
                Some(event) => break event,
                None => self.server.poll(channel).await.expect("there is a poll"),
            }
        };
        match event {
            Received::Disconnected { code, reason, .. } => {
                let ended = Ended { code, reason };
                self.ended = Some(ended.clone());
                Err(Event::Disconnected(ended))
            }
            event => Ok(as_push(event)),
        }
    }

    async fn next(&mut self) -> Received {
        let event = tokio::time::timeout(DEADLINE, self.connection.next()).await;
        let event = event.expect("an event comes in time");
        event.expect("the connection has not ended")
    }

    pub(super) fn is_connected(&self) -> bool {
        self.ended.is_none()
    }
}

/// Tells when a client must refresh what it has.
fn add_expiry(reply: &mut Value, expires_in: Option<Duration>) {
    if let Some(ttl) = expires_in {
        reply["expires"] = true.into();
        reply["ttl"] = ttl.as_secs().into();
    }
}

fn as_push(event: Received) -> Value {
    match event {
        Received::Changed {
            key,
            removed,
            publication,
            ..
        } => {
            let mut push =
                json!({"key": key, "removed": removed, "data": as_json(&publication.data)});
            if !publication.tags.is_empty() {
                push["tags"] = json!(publication.tags);
            }
            if let Some(info) = publication.info {
                push["info"] = json!({"user": info.user});
            }
            json!({"pub": push})
        }
        Received::Polled {
            key,
            removed,
            data,
            version,
            ..
        } => {
            let mut push = json!({"key": key, "removed": removed, "data": as_json(&data)});
            if version > 0 {
                push["version"] = version.into();
            }
            json!({"pub": push})
        }
        Received::Unsubscribed { code, reason, .. } => {
            json!({"unsubscribe": {"code": code, "reason": reason}})
        }
        other => panic!("no scene knows {other:?}"),
    }
}

fn as_json(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).unwrap_or_default()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
