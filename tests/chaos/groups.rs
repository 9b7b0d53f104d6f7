//! The groups of callers: a kind of caller over a transport. Each group has a client of its own.

use std::fmt;

use crate::server::Transport;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Publishes without keys, and repeats what was not sent.
    Plain,
    /// Gives each publication a key, and repeats the call with it until it succeeds.
    OwnKeys,
    /// Lets the client make keys, and repeats a call with the keys of its error.
    GeneratedKeys,
    /// Shares batches with others.
    Coalescing,
    /// Makes calls that are sent as several requests.
    Split,
    /// Drops its calls after a random time.
    Dropping,
    /// Calls from a thread.
    Blocking,
}

/// The kind and the transport of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) transport: Transport,
    pub(crate) kind: Kind,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::OwnKeys,
        Self::GeneratedKeys,
        Self::Coalescing,
        Self::Split,
        Self::Dropping,
        Self::Blocking,
    ];

    /// Returns the number of callers of this kind, per transport.
    pub(crate) fn callers(self) -> usize {
        match self {
            Self::Coalescing => 8,
            _ => 3,
        }
    }
}

impl Group {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let transports = [Transport::Http, Transport::Grpc].into_iter();
        transports.flat_map(|transport| Kind::ALL.map(|kind| Self { transport, kind }))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Http => "HTTP",
            Transport::Grpc => "gRPC",
        };
        let kind = match self.kind {
            Kind::Plain => "plain",
            Kind::OwnKeys => "own keys",
            Kind::GeneratedKeys => "generated keys",
            Kind::Coalescing => "coalescing",
            Kind::Split => "split",
            Kind::Dropping => "dropping",
            Kind::Blocking => "blocking",
        };
        formatter.pad(&format!("{transport}, {kind}"))
    }
}
