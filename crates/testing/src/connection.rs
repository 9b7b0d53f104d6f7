//! Connected clients, whose place a test takes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::engine::{Engine, Message};
use super::namespace::ChannelKind;
use super::state::connections::{CHANNEL_LIMIT, Subscription};
use super::state::random;
use centrifugo_api::{ClientInfo, Error, Payload, Publication, PublishResult};

/// Who connects; a name alone is one too.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct User {
    name: String,
    info: Bytes,
}

impl User {
    /// Names a user; the empty name is the anonymous.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            info: Bytes::new(),
        }
    }

    /// Says what is known of the connection: presence and publications show it as `conn_info`.
    pub fn info(mut self, info: impl Into<Payload>) -> Self {
        self.info = info.into().into_bytes();
        self
    }
}

impl From<&str> for User {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for User {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// What a connected client is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Something was published into a channel that the client is subscribed to.
    #[non_exhaustive]
    Publication {
        /// The channel.
        channel: String,
        /// What was published.
        publication: Publication,
    },
    /// A key of a map was set, or removed, be it because its time was over.
    #[non_exhaustive]
    Changed {
        /// The channel.
        channel: String,
        /// The key.
        key: String,
        /// Whether it was removed.
        removed: bool,
        /// What it was set to; of a removal, the tags of what it was.
        publication: Publication,
    },
    /// Somebody, the client itself too, has subscribed to a channel.
    #[non_exhaustive]
    Joined {
        /// The channel.
        channel: String,
        /// Who it was.
        info: ClientInfo,
    },
    /// Somebody has left a channel.
    #[non_exhaustive]
    Left {
        /// The channel.
        channel: String,
        /// Who it was.
        info: ClientInfo,
    },
    /// The server has subscribed the client to a channel, by the method `subscribe`.
    #[non_exhaustive]
    Subscribed {
        /// The channel.
        channel: String,
        /// What the call handed over.
        data: Bytes,
        /// Whether the client could recover missed publications.
        recoverable: bool,
        /// Whether the subscription has a position.
        positioned: bool,
        /// Whether missed publications follow, all of them.
        recovered: bool,
        /// The position from which the subscription goes on; 0 where it has none.
        offset: u64,
        /// The epoch of the position; empty where it has none.
        epoch: String,
    },
    /// The server has ended a subscription.
    #[non_exhaustive]
    Unsubscribed {
        /// The channel.
        channel: String,
        /// Why: 2000 when a call did it.
        code: u32,
        /// Why, in words.
        reason: String,
    },
    /// The server has refreshed the connection.
    #[non_exhaustive]
    Refreshed {
        /// When it will expire, in Unix seconds; never if `None`.
        expires: Option<i64>,
    },
    /// The server has closed the connection; nothing follows.
    #[non_exhaustive]
    Disconnected {
        /// Why. A client connects anew by itself below 3500 and from 4000 to 4499.
        code: u32,
        /// Why, in words.
        reason: String,
    },
}

/// A connected client, until it is dropped or disconnected, by a call or because the server is dropped.
///
/// Events wait here in their order. They are there as soon as the call that caused them has been answered.
pub struct Connection {
    id: String,
    user: String,
    engine: Arc<Engine>,
    events: UnboundedReceiver<Event>,
}

impl Connection {
    pub(crate) fn open(engine: Arc<Engine>, user: User) -> Self {
        let id = random::uuid();
        let (sender, events) = unbounded_channel();
        engine.state
            .lock()
            .connections
            .add(&id, &user.name, user.info, sender);
        Self {
            id,
            user: user.name,
            engine,
            events,
        }
    }

    /// The client's id, as presence has it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The user's name; empty for the anonymous.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Subscribes to a channel, as an application's client does. Every channel is allowed.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes of the client protocol: 102 for a namespace that is not configured, 103 for a map
    /// and 107 for a shared poll, which need a subscription of their kind, 103 when disconnected, 105 when subscribed
    /// already, 106 above 128 channels.
    pub fn subscribe(&self, channel: &str) -> Result<(), Error> {
        if channel.is_empty() {
            return Err(refused(107, "bad request"));
        }
        let options = self.engine.channel(channel)?;
        match options.kind {
            ChannelKind::Stream => {}
            ChannelKind::Map(_) => return Err(refused(103, "permission denied")),
            ChannelKind::SharedPoll { .. } => return Err(refused(107, "bad request")),
        }
        let mut data = self.engine.state.lock();
        let now = self.engine.clock.seconds();
        let position = (options.force_recovery || options.force_positioning).then(|| {
            data.streams
                .read(channel, &Default::default(), options.meta_ttl, now)
                .1
        });
        let peer = data
            .connections
            .get_mut(&self.id)
            .ok_or_else(|| refused(103, "permission denied"))?;
        if peer.is_subscribed(channel) {
            return Err(refused(105, "already subscribed"));
        }
        if peer.subscriptions() >= CHANNEL_LIMIT {
            return Err(refused(106, "limit exceeded"));
        }
        let subscription = Subscription {
            connection_info: peer.info.clone(),
            presence: options.presence,
            emits_join_leave: options.join_leave,
            gets_join_leave: options.force_push_join_leave,
            position,
            ..Subscription::default()
        };
        data.connections
            .subscribe(&self.id, channel, subscription, Vec::new());
        Ok(())
    }

    /// Ends a subscription, as an application's client does; without one it does nothing.
    pub fn unsubscribe(&self, channel: &str) {
        self.engine
            .state
            .lock()
            .connections
            .unsubscribe(&self.id, channel, None);
    }

    /// Publishes into a channel that the client is subscribed to, as an application's client does where its namespace
    /// allows that. The publication says who it was.
    ///
    /// # Errors
    ///
    /// [`Error::Api`]: 103 without a subscription, else as the method `publish`.
    pub fn publish(&self, channel: &str, data: impl Into<Payload>) -> Result<PublishResult, Error> {
        let options = self.engine.channel(channel)?;
        let publisher = {
            let mut data = self.engine.state.lock();
            let peer = data.connections.get_mut(&self.id);
            peer.and_then(|peer| peer.publisher(&self.id, channel))
        };
        let info = Some(publisher.ok_or_else(|| refused(103, "permission denied"))?);
        let message = Message {
            data: data.into().into_bytes(),
            info,
            ..Message::default()
        };
        Ok(super::engine::result(
            self.engine.publish(channel, options, message)?,
        ))
    }

    /// Waits for the next event; `None` after the last, which is [`Event::Disconnected`].
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for the next publication, past other events; `None` when the connection ends before.
    pub async fn next_publication(&mut self) -> Option<Publication> {
        loop {
            if let Event::Publication { publication, .. } = self.next().await? {
                return Some(publication);
            }
        }
    }

    /// The next event, if there is one already. Needs no runtime.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Waits for the next event, as [`next`](Self::next), in code without async.
    ///
    /// # Panics
    ///
    /// In async code, where it would hold up other tasks.
    pub fn blocking_next(&mut self) -> Option<Event> {
        self.events.blocking_recv()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.engine
            .state
            .lock()
            .connections
            .disconnect(&self.id, (3000, "connection closed"));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("id", &self.id)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

fn refused(code: u32, message: &str) -> Error {
    centrifugo_api::ApiError::new(code, message).into()
}
