//! Clients whose commands go through permissions, tokens and proxies.

mod commands;
mod connecting;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use centrifugo_api::{Error, Publication};
use tokio::sync::{Mutex, MutexGuard};

pub(crate) use commands::SubscriptionKind;
pub use commands::{SubscribeOptions, Subscribed};
pub use connecting::ConnectingClient;

use super::refusal::Refusal;
use super::unread::Unread;
use crate::connection::Connection;
use crate::engine::seen_by_client;
use crate::event::Event;
use crate::state::connections::CloseReason;

/// A connected client that may do what permissions, tokens and proxies let it do, as a client of a real server. It comes from
/// [`Server::connect_client`](crate::Server::connect_client).
///
/// It has no SDK: it neither connects nor subscribes again by itself, and knows only what it has received.
///
/// Its commands run one after another. They ask handlers of `ServerBuilder::proxy` in the task that awaits them.
pub struct ProxiedConnection {
    pub(super) connection: Connection,
    data: Bytes,
    expires_in: Option<Duration>,
    unread: Arc<Unread>,
    /// Is held while a command runs.
    turn: Mutex<()>,
}

impl ProxiedConnection {
    pub(crate) fn new(connection: Connection, data: Bytes, expires_in: Option<Duration>) -> Self {
        Self {
            connection,
            data,
            expires_in,
            unread: Arc::default(),
            turn: Mutex::default(),
        }
    }

    /// Returns the client's id, as presence shows it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.connection.id()
    }

    /// Returns the user's name; empty for the anonymous user.
    #[must_use]
    pub fn user(&self) -> &str {
        self.connection.user()
    }

    /// Returns the data with which the proxy has accepted the connection; empty if there is none.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Returns the time after which the client must [refresh](Self) the connection with a token; `None` if it does not expire,
    /// or if a proxy refreshes it.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Waits for the next event; `None` after [`Event::Disconnected`], which is the last one.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.connection.next().await;
        self.count(event)
    }

    /// Waits for the next publication and discards other events; `None` if the connection ends first.
    pub async fn next_publication(&mut self) -> Option<Publication> {
        loop {
            if let Event::Publication { publication, .. } = self.next().await? {
                return Some(publication);
            }
        }
    }

    /// Returns the next event if one is queued.
    pub fn try_next(&mut self) -> Option<Event> {
        let event = self.connection.try_next();
        self.count(event)
    }

    /// Counts a publication as read.
    fn count(&self, event: Option<Event>) -> Option<Event> {
        if let Some(Event::Publication { .. }) = event {
            self.unread.remove();
        }
        event
    }

    /// Waits until no other command runs.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Returns the publications of streams that are not read yet.
    pub(super) fn unread(&self) -> &Arc<Unread> {
        &self.unread
    }

    /// Ends a subscription. Does nothing without a subscription.
    pub fn unsubscribe(&self, channel: &str) {
        self.connection.unsubscribe(channel);
    }

    /// Returns the error that the test gets, after the client has got its own.
    pub(super) fn refused(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Error(error) => error.into(),
            Refusal::Disconnect { code, reason } => {
                let seen = seen_by_client(code, &reason);
                let mut data = self.connection.engine().state.lock();
                data.connections.disconnect(self.id(), seen);
                ended(seen)
            }
            Refusal::Misconfigured(problem) => Error::Config(problem),
            Refusal::Known(error) => error,
        }
    }
}

/// Returns the error for a connection that ends.
pub(crate) fn ended(reason: CloseReason<'_>) -> Error {
    centrifugo_api::ApiError::new(reason.code, reason.text).into()
}

impl fmt::Debug for ProxiedConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProxiedConnection")
            .field("id", &self.id())
            .field("user", &self.user())
            .finish_non_exhaustive()
    }
}
