//! Connected clients, played by a test.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use centrifugo_api::{Error, Payload, Publication, PublishResult};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::engine::{Engine, Message, Offer};
use crate::errors::{PERMISSION_DENIED, bad_request, client_error};
use crate::event::Event;
use crate::namespace::ChannelKind;
use crate::state::connections::{CloseReason, ConnectedClient};
use crate::state::random;

/// The reason for which a client that disconnects by itself leaves its channels.
const CONNECTION_CLOSED: CloseReason<'static> = CloseReason::new(3000, "connection closed");

/// A connecting user; a `&str` or a `String` with the user's name converts into one.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct User {
    name: String,
    info: Bytes,
    protobuf: bool,
}

impl User {
    /// Creates a user with a name; the empty name is the anonymous user.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the information about the connection, the field `conn_info` of presence and
    /// publications.
    pub fn info(mut self, info: impl Into<Payload>) -> Self {
        self.info = info.into().into_bytes();
        self
    }

    #[cfg(feature = "proxy")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    #[cfg(feature = "proxy")]
    pub(crate) fn with_protocol(self, is_protobuf: bool) -> Self {
        Self {
            protobuf: is_protobuf,
            ..self
        }
    }

    /// Lets the client use Centrifugo's protobuf protocol, which carries any bytes.
    ///
    /// By default it uses JSON, as clients in browsers do. Centrifugo ends the connection of such a client with code
    /// 3506 when a publication or a join or leave event for it has a payload that is not JSON.
    pub fn protobuf(mut self) -> Self {
        self.protobuf = true;
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

/// A connected client, played by a test.
///
/// The client is connected until the `Connection` is dropped, a call disconnects the client, or the
/// server is dropped.
///
/// Events are queued in order. An event is in the queue as soon as the call that caused it has
/// returned.
pub struct Connection {
    id: String,
    user: String,
    engine: Arc<Engine>,
    events: UnboundedReceiver<Event>,
}

impl Connection {
    pub(crate) fn open(engine: Arc<Engine>, user: User) -> Self {
        Self::open_as(engine, user, random::uuid(), |_| {})
    }

    /// Connects a client with an id, as which `prepare` makes it.
    pub(crate) fn open_as(
        engine: Arc<Engine>,
        user: User,
        id: String,
        prepare: impl FnOnce(&mut ConnectedClient),
    ) -> Self {
        let (sender, events) = unbounded_channel();
        let mut client = ConnectedClient::new(&user.name, user.info, user.protobuf, sender);
        prepare(&mut client);
        engine.state.lock().connections.add(&id, client);
        Self {
            id,
            user: user.name,
            engine,
            events,
        }
    }

    #[cfg(any(feature = "_token", feature = "proxy"))]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the client's id, as presence shows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the user's name; empty for the anonymous user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Subscribes to a channel, as a client of an application does. No channel needs a permission, and no proxy is asked.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with a code of the client protocol:
    ///
    /// - 102 if the namespace is not configured;
    /// - 103 if the client is disconnected;
    /// - 103 if the channel is a map, and 107 if it is a shared poll, which need a subscription of
    ///   their kind;
    /// - 105 if the client is already subscribed;
    /// - 106 above 128 channels.
    pub fn subscribe(&self, channel: &str) -> Result<(), Error> {
        self.subscribe_by(channel, Offer::default())
    }

    /// Subscribes to a channel as its namespace and the offer say.
    pub(crate) fn subscribe_by(&self, channel: &str, offer: Offer) -> Result<(), Error> {
        if channel.is_empty() {
            return Err(bad_request().into());
        }
        let options = self.engine.channel_options(channel)?;
        match options.kind {
            ChannelKind::Stream => {}
            ChannelKind::Map(_) => return Err(client_error(PERMISSION_DENIED).into()),
            ChannelKind::SharedPoll { .. } => return Err(bad_request().into()),
        }
        self.engine
            .subscribe_own(&self.id, channel, offer, None)
            .map(drop)?;
        Ok(())
    }

    /// Ends a subscription, as a client of an application does. Does nothing without a
    /// subscription.
    pub fn unsubscribe(&self, channel: &str) {
        self.engine
            .state
            .lock()
            .connections
            .unsubscribe(&self.id, channel, None);
    }

    /// Publishes to a channel, as a client of an application does. No channel needs a permission, and no proxy is asked.
    ///
    /// The client must be subscribed to the channel. The publication names the client in `info`.
    ///
    /// # Errors
    ///
    /// [`Error::Api`]: 103 without a subscription, otherwise the errors of the method `publish`.
    pub fn publish(&self, channel: &str, data: impl Into<Payload>) -> Result<PublishResult, Error> {
        let options = self.engine.channel_options(channel)?;
        let publisher = self
            .engine
            .state
            .lock()
            .connections
            .publisher(&self.id, channel)
            .ok_or_else(|| client_error(PERMISSION_DENIED))?;
        let message = Message {
            data: data.into().into_bytes(),
            info: Some(publisher),
            ..Message::default()
        };
        let position = self.engine.publish(channel, options, message)?;
        let mut result = PublishResult::default();
        result.offset = position.offset;
        result.epoch = position.epoch;
        Ok(result)
    }

    /// Waits for the next event; `None` after [`Event::Disconnected`], which is the last one.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for the next publication and discards other events; `None` if the connection ends
    /// first.
    pub async fn next_publication(&mut self) -> Option<Publication> {
        loop {
            if let Event::Publication { publication, .. } = self.next().await? {
                return Some(publication);
            }
        }
    }

    /// Returns the next event if one is queued. Needs no runtime.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Waits for the next event like [`next`](Self::next), in code without async.
    ///
    /// # Panics
    ///
    /// Panics in async code, where it would block other tasks.
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
            .disconnect(&self.id, CONNECTION_CLOSED);
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
