//! The events of a client, as the tables write them.

use std::collections::BTreeMap;
use std::fmt;

/// An experience of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The client is connected, and got this data.
    Connected(String),
    /// The connection has ended, and the client connects again.
    Lost(Ended),
    /// The connection has ended for good.
    Disconnected(Ended),
    /// The client could not connect, and tries again.
    ConnectFailed(String),
    Subscribed(Subscribed),
    /// The subscription has ended, and the client subscribes again.
    SubscriptionLost(Ended),
    /// The subscription has ended for good.
    Unsubscribed(Ended),
    /// The client could not subscribe, and tries again.
    SubscribeFailed(String),
    Publication(Publication),
    Joined(Member),
    Left(Member),
    /// A call of the client was answered with this data.
    Replied(String),
    /// A call of the client was refused.
    Refused {
        code: u32,
        message: String,
        temporary: bool,
    },
    /// A call of the client has failed otherwise.
    Failed(String),
}

/// The code and the reason of an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: u32,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscribed {
    pub(crate) channel: String,
    pub(crate) data: String,
    pub(crate) recoverable: bool,
    pub(crate) positioned: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) data: String,
    pub(crate) offset: u64,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) publisher: Option<Member>,
}

/// A client in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) user: String,
    pub(crate) conn_info: String,
    pub(crate) chan_info: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(data) => write!(f, "connected{}", field("with", data)),
            Self::Lost(end) => write!(f, "reconnects after {end}"),
            Self::Disconnected(end) => write!(f, "disconnected: {end}"),
            Self::ConnectFailed(problem) => write!(f, "connects again after: {problem}"),
            Self::Subscribed(subscribed) => subscribed.fmt(f),
            Self::SubscriptionLost(end) => write!(f, "subscribes again after {end}"),
            Self::Unsubscribed(end) => write!(f, "unsubscribed: {end}"),
            Self::SubscribeFailed(problem) => write!(f, "subscribes again after: {problem}"),
            Self::Publication(publication) => publication.fmt(f),
            Self::Joined(member) => write!(f, "joined: {member}"),
            Self::Left(member) => write!(f, "left: {member}"),
            Self::Replied(data) => write!(f, "replied{}", field("with", data)),
            Self::Refused {
                code,
                message,
                temporary,
            } => {
                let temporary = if *temporary { ", temporary" } else { "" };
                write!(f, "error {code} {message}{temporary}")
            }
            Self::Failed(problem) => write!(f, "failed: {problem}"),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

impl fmt::Display for Subscribed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            channel,
            data,
            recoverable,
            positioned,
        } = self;
        write!(f, "subscribed to {channel}{}", field("with", data))?;
        if *recoverable {
            f.write_str(", recoverable")?;
        }
        if *positioned {
            f.write_str(", positioned")?;
        }
        Ok(())
    }
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            data,
            offset,
            tags,
            publisher,
        } = self;
        let data = if data.is_empty() { "of nothing" } else { data };
        write!(f, "publication {data}")?;
        if *offset > 0 {
            write!(f, " at {offset}")?;
        }
        if !tags.is_empty() {
            write!(f, ", tags {tags:?}")?;
        }
        match publisher {
            Some(publisher) => write!(f, ", by {publisher}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            user,
            conn_info,
            chan_info,
        } = self;
        let user = if user.is_empty() { "nobody" } else { user };
        let info = field("of the connection", conn_info);
        write!(f, "{user}{info}{}", field("of the subscription", chan_info))
    }
}

/// Returns a part of a line, or nothing for nothing.
fn field(name: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!(" {name} {value}")
    }
}
