//! The events that connected clients see, in the same form for each kind of server.

#![allow(dead_code)] // `Debug` reads the fields

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use centrifugo_api::bytes::Bytes;
use tokio::sync::watch;

use crate::id_mapping::IdMapping;

/// An event of a connection.
#[derive(Clone, Debug)]
pub(crate) enum ObservedEvent {
    Subscribed {
        channel: String,
        recoverable: bool,
        positioned: bool,
        offset: u64,
        epoch: String,
        data: Bytes,
    },
    Unsubscribed {
        channel: String,
        code: u32,
        reason: String,
    },
    Publication(Publication),
    Join {
        channel: String,
        info: Info,
    },
    Leave {
        channel: String,
        info: Info,
    },
    /// Only whether a connection expires is compared: the time differs from server to server.
    Refreshed {
        expires: bool,
        later: bool,
    },
    Disconnected {
        code: u32,
        reason: String,
    },
    /// Any other event, in the server's own form.
    Other(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) channel: String,
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) info: Option<Info>,
    /// The key in a map channel.
    pub(crate) key: String,
    pub(crate) removed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) conn_info: Bytes,
    pub(crate) chan_info: Bytes,
}

impl ObservedEvent {
    fn channel(&self) -> &str {
        match self {
            Self::Subscribed { channel, .. }
            | Self::Unsubscribed { channel, .. }
            | Self::Publication(Publication { channel, .. })
            | Self::Join { channel, .. }
            | Self::Leave { channel, .. } => channel,
            Self::Refreshed { .. } | Self::Disconnected { .. } | Self::Other(_) => "",
        }
    }

    fn about(&self) -> Option<&Info> {
        match self {
            Self::Join { info, .. } | Self::Leave { info, .. } => Some(info),
            _ => None,
        }
    }
}

/// The events of one connection so far.
#[derive(Clone)]
pub(crate) struct Events {
    history: Arc<Mutex<History>>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct History {
    seen: Vec<ObservedEvent>,
    /// The channels to which the client is subscribed now.
    channels: BTreeSet<String>,
}

impl Events {
    /// Creates an empty list. `changes` is notified of each event.
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self {
            history: Arc::default(),
            changes,
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, event: ObservedEvent) {
        let mut history = self.history();
        match &event {
            ObservedEvent::Subscribed { channel, .. } => {
                _ = history.channels.insert(channel.clone())
            }
            ObservedEvent::Unsubscribed { channel, .. } => _ = history.channels.remove(channel),
            ObservedEvent::Disconnected { .. } => history.channels.clear(),
            _ => {}
        }
        history.seen.push(event);
        drop(history);
        self.changes.send_replace(());
    }

    /// Records what the client did itself.
    pub(crate) fn note(&self, channel: &str, is_subscribed: bool) {
        let mut history = self.history();
        if is_subscribed {
            _ = history.channels.insert(channel.to_owned())
        } else {
            _ = history.channels.remove(channel)
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.history().seen.len()
    }

    /// Returns the number of subscribed channels with this ending.
    pub(crate) fn subscriptions(&self, ending: &str) -> usize {
        self.history()
            .channels
            .iter()
            .filter(|channel| channel.ends_with(ending))
            .count()
    }

    /// Returns the events channel by channel, in a form that both servers share.
    ///
    /// Left out is what differs from run to run: the order among channels, the order in which
    /// several clients join or
    /// leave at once, and the events of other connections of the same user, on which the API acts
    /// concurrently.
    pub(crate) fn show(&self, user: &str, client: &str, names: &mut IdMapping) -> Vec<String> {
        let mut seen = self.history().seen.clone();
        seen.retain(|event| {
            event
                .about()
                .is_none_or(|info| info.user != user || info.client == client)
        });
        seen.sort_by(|one, other| one.channel().cmp(other.channel()));
        let mut lines: Vec<String> = seen
            .iter()
            .map(|event| names.in_debug(&format!("{event:?}")))
            .collect();
        let mut start = 0;
        while start < lines.len() {
            let word = ["Join", "Leave"]
                .into_iter()
                .find(|word| lines[start].starts_with(word));
            let length = word.map_or(1, |word| {
                lines[start..]
                    .iter()
                    .take_while(|line| line.starts_with(word))
                    .count()
            });
            lines[start..start + length].sort();
            start += length;
        }
        lines
    }
}
