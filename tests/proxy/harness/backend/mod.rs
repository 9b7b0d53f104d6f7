//! The backend that a server asks: it gives each case the answers that the case has set.

mod cent;
mod grpc;
mod handlers;
mod http;
mod streams;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use centrifugo_proxy::{
    ConnectReply, EventKind, MapPublishReply, MapRemoveReply, PublishReply, RefreshReply, RpcReply,
    Secrets, SharedPollRefreshReply, StreamSubscribeReply, SubRefreshReply, SubscribeReply,
};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) use handlers::{NEXT_SECRET, SECRET};
pub(crate) use streams::OpenStream;

use super::answer::{Answer, Raw};

/// A question of the server.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) kind: EventKind,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// The cases that run.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    cases: Arc<Mutex<Cases>>,
    pub(super) secrets: Secrets,
    /// True if the handlers over HTTP are those of `cent`.
    is_of_cent: bool,
}

#[derive(Debug, Default)]
struct Cases {
    /// By the name of the case.
    scripts: HashMap<String, Script>,
    /// The case of each client, by the client's id.
    clients: HashMap<String, String>,
}

#[derive(Debug)]
struct Script {
    answers: HashMap<EventKind, VecDeque<Answer>>,
    calls: UnboundedSender<Call>,
    streams: UnboundedSender<OpenStream>,
    /// True if `cent` lacked an answer.
    is_lacking: bool,
}

/// The news that a case hears of its backend.
pub(super) struct Heard {
    pub(super) calls: UnboundedReceiver<Call>,
    pub(super) streams: UnboundedReceiver<OpenStream>,
}

/// The parts of a question that tell the case.
#[derive(Clone, Copy, Debug, Default)]
struct Asker<'a> {
    client: &'a str,
    /// The name of a client that connects.
    name: &'a str,
    user: &'a str,
    channel: &'a str,
}

impl Backend {
    pub(super) fn new(is_of_cent: bool) -> Self {
        Self {
            cases: Arc::default(),
            secrets: Secrets::new([SECRET]).expect("the secret is valid"),
            is_of_cent,
        }
    }

    pub(super) fn add(&self, case: &str) -> Heard {
        let (calls, heard_calls) = unbounded_channel();
        let (streams, heard_streams) = unbounded_channel();
        let script = Script {
            answers: HashMap::new(),
            calls,
            streams,
            is_lacking: false,
        };
        self.lock().scripts.insert(case.to_owned(), script);
        Heard {
            calls: heard_calls,
            streams: heard_streams,
        }
    }

    /// Sets the answers to an event, the last of which is given again and again.
    pub(super) fn set(&self, case: &str, kind: EventKind, answers: Vec<Answer>) {
        let mut cases = self.lock();
        let script = cases.scripts.get_mut(case).expect("the case runs");
        script.answers.insert(kind, answers.into());
    }

    /// Returns whether `cent` lacked an answer of a case.
    pub(super) fn is_lacking(&self, case: &str) -> bool {
        self.lock()
            .scripts
            .get(case)
            .is_some_and(|script| script.is_lacking)
    }

    pub(super) fn remove(&self, case: &str) {
        let mut cases = self.lock();
        cases.scripts.remove(case);
        cases.clients.retain(|_, owner| owner != case);
    }

    /// Returns the answer to a question. Without one that was set, the backend accepts.
    fn answer(&self, kind: EventKind, asker: Asker<'_>) -> Option<Answer> {
        let mut cases = self.lock();
        let script = cases.script(kind, asker)?;
        match script.answers.get_mut(&kind) {
            Some(answers) if answers.len() > 1 => answers.pop_front(),
            Some(answers) => answers.front().cloned(),
            None => accept(kind),
        }
    }

    /// Notes a question that does not come over the network, until what this returns is dropped.
    fn note(&self, call: Call, asker: Asker<'_>) -> Option<Told> {
        let mut cases = self.lock();
        let calls = cases.script(call.kind, asker)?.calls.clone();
        let call = Some(call);
        Some(Told { call, calls })
    }

    /// Notes a question, and returns the answer to it if no handler can give that.
    fn intercept(&self, call: Call) -> (Option<Raw>, Option<Told>) {
        let field = |name: &str| call.body[name].as_str().unwrap_or_default();
        let asker = Asker {
            client: field("client"),
            name: field("name"),
            user: field("user"),
            channel: field("channel"),
        };
        let kind = call.kind;
        let mut cases = self.lock();
        let Some(script) = cases.script(kind, asker) else {
            return (None, None);
        };
        let answers = script.answers.get_mut(&kind);
        let raw = answers.and_then(|answers| match answers.front()?.clone() {
            Answer::Raw(raw) => {
                if answers.len() > 1 {
                    answers.pop_front();
                }
                Some(raw)
            }
            _ => None,
        });
        let calls = script.calls.clone();
        let call = Some(call);
        (raw, Some(Told { call, calls }))
    }

    fn lock(&self) -> MutexGuard<'_, Cases> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cases {
    /// Returns the script of the case that a question belongs to. A client names it when it connects; a client with a token may be a
    /// user of its name. A shared poll is of the channel alone.
    fn script(&mut self, kind: EventKind, asker: Asker<'_>) -> Option<&mut Script> {
        let case = match kind {
            EventKind::Connect => {
                let name = asker.name.to_owned();
                self.clients.insert(asker.client.to_owned(), name);
                asker.name
            }
            EventKind::SharedPollRefresh => asker.channel.split(':').next_back()?,
            _ => match self.clients.get(asker.client) {
                Some(case) => case,
                None => asker.user,
            },
        };
        self.scripts.get_mut(case)
    }
}

fn accept(kind: EventKind) -> Option<Answer> {
    Some(match kind {
        EventKind::Connect => ConnectReply::user("42").into(),
        EventKind::Refresh => RefreshReply::expired().into(),
        EventKind::Subscribe => SubscribeReply::allow().into(),
        EventKind::Publish => PublishReply::allow().into(),
        EventKind::Rpc => RpcReply::empty().into(),
        EventKind::SubRefresh => SubRefreshReply::expired().into(),
        EventKind::MapPublish => MapPublishReply::allow().into(),
        EventKind::MapRemove => MapRemoveReply::allow().into(),
        EventKind::SharedPollRefresh => SharedPollRefreshReply::default().into(),
        EventKind::SubscribeUnidirectional | EventKind::SubscribeBidirectional => {
            StreamSubscribeReply::allow().into()
        }
        _ => return None,
    })
}

/// Tells a case of a question once it is answered, or the server does not wait for the answer any more.
struct Told {
    call: Option<Call>,
    calls: UnboundedSender<Call>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            // The case may have ended.
            let _ = self.calls.send(call);
        }
    }
}
