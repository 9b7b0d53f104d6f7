//! Plays steps on one server.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::bodies::{self, Facts};
use crate::grpc::{Grpc, GrpcReply};
use crate::http::Http;
use crate::id_mapping::{IdMapping, find};
use crate::messages;
use crate::server::HTTP_KEY;
use crate::steps::{Action, Frame, GrpcCall, HttpCall, Shown, Step};
use crate::subject::{Connection, Subject};

/// The time after which a missing reply is compared as such.
const DEADLINE: Duration = Duration::from_secs(5);
/// The time that channels may keep connections that have ended.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) struct Player {
    side: Subject,
    http: Http,
    grpc: Grpc,
    changes: watch::Sender<()>,
    run: u64,
    pub(crate) names: IdMapping,
    facts: HashMap<usize, Facts>,
    pub(crate) connections: BTreeMap<usize, Connection>,
    clients: HashMap<usize, String>,
    /// The number of events in all runs.
    pub(crate) events: usize,
}

impl Player {
    pub(crate) fn new(side: Subject, changes: watch::Sender<()>) -> Self {
        Self {
            http: Http::new(side.http_address()),
            grpc: Grpc::new(side.grpc_address()),
            side,
            changes,
            run: 0,
            names: IdMapping::default(),
            facts: HashMap::new(),
            connections: BTreeMap::new(),
            clients: HashMap::new(),
            events: 0,
        }
    }

    /// Resets the player for the run with this number.
    pub(crate) fn begin(&mut self, run: u64) {
        self.run = run;
        self.names = IdMapping::default();
        self.facts.clear();
        self.clients.clear();
    }

    /// Returns the reply in the form in which it is compared.
    pub(crate) async fn play(&mut self, step: &Step) -> String {
        match tokio::time::timeout(DEADLINE, self.try_play(step)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(failure)) => format!("failed: {failure}"),
            Err(_) => "took too long".to_owned(),
        }
    }

    async fn try_play(
        &mut self,
        step: &Step,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let done =
            |outcome: Result<(), String>| Ok(outcome.err().unwrap_or_else(|| "done".to_owned()));
        match &step.action {
            Action::Http(call) => self.send(step.id, call).await,
            Action::Grpc(call) => self.call(step.id, call).await,
            Action::Connect { user, info } => {
                let user = self.resolved_text(user);
                let connection = self
                    .side
                    .connect(&user, info.as_deref(), self.changes.clone())
                    .await?;
                self.names.add_client(connection.id());
                self.clients.insert(step.id, connection.id().to_owned());
                self.connections.insert(step.id, connection);
                Ok("connected".to_owned())
            }
            Action::Subscribe {
                connection,
                channel,
            } => {
                let channel = self.resolved_text(channel);
                match self.connections.get_mut(connection) {
                    Some(connection) => done(connection.subscribe(&channel).await),
                    None => Ok("no connection".to_owned()),
                }
            }
            Action::Unsubscribe {
                connection,
                channel,
            } => {
                let channel = self.resolved_text(channel);
                match self.connections.get_mut(connection) {
                    Some(connection) => done(connection.unsubscribe(&channel).await),
                    None => Ok("no connection".to_owned()),
                }
            }
            Action::Close { connection } => {
                if let Some(connection) = self.connections.remove(connection) {
                    self.events += connection.close().await;
                }
                self.settle().await;
                Ok("closed".to_owned())
            }
        }
    }

    async fn send(
        &mut self,
        id: usize,
        call: &HttpCall,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let body = self.resolved(&call.body());
        let reply = self
            .http
            .send(call.verb, &call.path, &call.headers, &body)
            .await?;
        let (body, facts) = bodies::normalize(&reply.body, &mut self.names);
        self.facts.insert(id, facts);
        let status = reply.status;
        let content_type = reply.content_type;
        let location = reply.location;
        let location = if location.is_empty() {
            location
        } else {
            format!(" to {location}")
        };
        Ok(format!(
            "{status}{location} {content_type}\n{}",
            Shown(&body)
        ))
    }

    async fn call(
        &mut self,
        id: usize,
        call: &GrpcCall,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let json = self.resolved(&call.message.bytes());
        let message = call
            .method
            .map(|method| messages::encode(method, &json))
            .unwrap_or_default();
        let body = framed(message, &call.frame);
        let GrpcReply {
            code,
            message,
            details,
            body,
        } = self.grpc.call(&call.path, &call.metadata, body).await?;
        // Go's protobuf writes one space or two, depending on the build of the server.
        let message = message.replace('\u{a0}', " ");
        let mut shown = format!("code {code} {message:?}");
        if !details.is_empty() {
            shown += &format!("\ndetails {}", details.escape_ascii());
        }
        let mut rest = &*body;
        while let Some((head, after)) = rest.split_at_checked(5) {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let Some((message, after)) = after.split_at_checked(usize::try_from(length)?) else {
                break;
            };
            let (text, facts) =
                messages::show(call.method.unwrap_or_default(), message, &mut self.names);
            shown += &format!("\n{text}");
            self.facts.insert(id, facts);
            rest = after;
        }
        if !rest.is_empty() {
            shown += &format!("\nhalf a frame: {rest:?}");
        }
        Ok(shown)
    }

    fn resolved_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.resolved(text.as_bytes())).into_owned()
    }

    /// Replaces placeholders by what this server returned earlier.
    fn resolved(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(start) = find(rest, "«".as_bytes()) {
            let Some(length) = find(&rest[start..], "»".as_bytes()) else {
                break;
            };
            let symbol = String::from_utf8_lossy(&rest[start + "«".len()..start + length]);
            let after = &rest[start + length + "»".len()..];
            let mut before = &rest[..start];
            rest = after;
            // The quotes around a number are removed.
            if symbol.starts_with("offset") && before.ends_with(b"\"") && after.starts_with(b"\"") {
                before = &before[..before.len() - 1];
                rest = &after[1..];
            }
            out.extend_from_slice(before);
            out.extend_from_slice(self.meaning(&symbol).as_bytes());
        }
        out.extend_from_slice(rest);
        out
    }

    fn meaning(&self, symbol: &str) -> String {
        let (kind, step) = symbol.split_once(' ').unwrap_or((symbol, ""));
        let step: usize = step.parse().unwrap_or_default();
        let facts = self.facts.get(&step);
        match kind {
            "n" => self.run.to_string(),
            "epoch" => facts.map(|facts| facts.epoch.clone()).unwrap_or_default(),
            "offset" => facts
                .map(|facts| facts.offset)
                .unwrap_or_default()
                .to_string(),
            "cursor" => facts.map(|facts| facts.cursor.clone()).unwrap_or_default(),
            "client" => self
                .clients
                .get(&step)
                .cloned()
                .unwrap_or_else(|| "nobody".to_owned()),
            _ => symbol.to_owned(),
        }
    }

    /// Waits until each connection has the events that the server sent so far.
    pub(crate) async fn catch_up(&mut self) {
        for connection in self.connections.values_mut() {
            connection.catch_up().await;
        }
    }

    /// Returns the events of each connection, and the names that they use.
    pub(crate) fn seen(&self) -> (BTreeMap<usize, Vec<String>>, IdMapping) {
        let mut names = self.names.clone();
        let seen = self.connections.iter().map(|(id, connection)| {
            (
                *id,
                connection
                    .events
                    .show(&connection.user, connection.id(), &mut names),
            )
        });
        (seen.collect(), names)
    }

    /// Closes all connections, and returns the channels that are left, which should be none.
    pub(crate) async fn end(&mut self) -> String {
        for (_, connection) in std::mem::take(&mut self.connections) {
            self.events += connection.close().await;
        }
        self.settle().await
    }

    /// Waits until closed connections have left their channels, which happens after the server has
    /// closed them, and
    /// returns the channels.
    pub(crate) async fn settle(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let ending = format!("-{}", self.run);
        loop {
            let expected: usize = self
                .connections
                .values()
                .map(|connection| connection.events.subscriptions(&ending))
                .sum();
            let channels = self.channels(&ending).await;
            let counts = channels.split("\"num_clients\":").skip(1);
            let counts = counts.filter_map(|rest| rest.split('}').next()?.parse::<usize>().ok());
            if counts.sum::<usize>() == expected || Instant::now() > deadline {
                return channels;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn channels(&mut self, ending: &str) -> String {
        let body = format!(r#"{{"pattern":"*{ending}"}}"#);
        match self
            .http
            .send(
                "POST",
                "/api/channels",
                &[("X-API-Key", HTTP_KEY)],
                body.as_bytes(),
            )
            .await
        {
            Ok(reply) => Shown(&reply.body).to_string(),
            Err(error) => error.to_string(),
        }
    }
}

fn framed(message: Vec<u8>, frame: &Frame) -> Vec<u8> {
    let (flag, announced, message) = match frame {
        Frame::Whole => (0, message.len(), message),
        Frame::Followed(bytes) => (0, message.len() + bytes.len(), [&*message, bytes].concat()),
        Frame::Instead(bytes) => (0, bytes.len(), bytes.clone()),
        Frame::Cut(length) => {
            let kept = message.len().saturating_sub(*length);
            (0, kept, message[..kept].to_vec())
        }
        Frame::Flipped { at, bits } => {
            let length = message.len();
            let mut message = message;
            if length > 0 {
                message[at % length] ^= bits;
            }
            (0, length, message)
        }
        Frame::Compressed => (1, message.len(), message),
    };
    let length = u32::try_from(announced).unwrap_or(u32::MAX).to_be_bytes();
    [&[flag], &length[..], &message].concat()
}
