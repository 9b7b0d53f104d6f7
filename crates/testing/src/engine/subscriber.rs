//! Subscriptions: their options, and the clients that get them.

use bytes::Bytes;
use centrifugo_api::{ApiError, Publication};

use crate::engine::Engine;
use crate::errors::{
    ALREADY_SUBSCRIBED, EXPIRED, LIMIT_EXCEEDED, PERMISSION_DENIED, client_error, internal,
};
use crate::event::Event;
use crate::messages::{BoolValue, SubscribeOptionOverride};
use crate::namespace::{ChannelOptions, RecoveryMode};
use crate::state::Data;
use crate::state::connections::session::StreamHandle;
use crate::state::connections::{
    CHANNEL_LIMIT, Connections, Source, Subscription, TOO_MANY_CHANNELS,
};
use crate::state::stream::{Filter, Position};

/// The number of publications that a client can recover: Centrifugo's
/// `client.recovery_max_publication_limit`.
const MAX_RECOVERED: usize = 300;

/// The options of the namespace, with the overrides of the call.
struct Flags {
    presence: bool,
    join_leave: bool,
    push_join_leave: bool,
    recovery: bool,
    positioning: bool,
}

impl Flags {
    fn new(options: &ChannelOptions, overrides: SubscribeOptionOverride) -> Self {
        Self {
            presence: value_or(overrides.presence, options.presence),
            join_leave: value_or(overrides.join_leave, options.join_leave),
            push_join_leave: value_or(
                overrides.force_push_join_leave,
                options.force_push_join_leave,
            ),
            recovery: value_or(overrides.force_recovery, options.force_recovery),
            positioning: value_or(overrides.force_positioning, options.force_positioning),
        }
    }
}

fn value_or(value: Option<BoolValue>, default: bool) -> bool {
    value.map_or(default, |value| value.value)
}

/// The parts of a subscription that a call or a token decides.
#[derive(Default)]
pub(crate) struct Offer {
    pub(crate) info: Bytes,
    pub(crate) data: Bytes,
    pub(crate) overrides: SubscribeOptionOverride,
    /// The Unix time in seconds at which the subscription expires; 0 for never.
    pub(crate) expires: i64,
    pub(crate) source: Source,
    /// The position after which the client has missed publications.
    pub(crate) since: Option<Position>,
    /// True if the client gets the newest publication, where that is what clients recover.
    pub(crate) cache_recover: bool,
}

/// Subscribes clients to a channel, one after another.
pub(crate) struct Subscriber<'a> {
    engine: &'a Engine,
    channel: &'a str,
    options: &'a ChannelOptions,
    /// The subscription of each client, without what differs between them.
    subscription: Subscription,
    data: Bytes,
    recoverable: bool,
    positioned: bool,
    since: Option<Position>,
    /// True if the client gets the newest publication, whatever it has missed.
    gets_newest: bool,
}

impl<'a> Subscriber<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        channel: &'a str,
        offer: Offer,
    ) -> Result<Self, ApiError> {
        let options = engine.channel_options(channel)?;
        let flags = Flags::new(options, offer.overrides);
        let subscription = Subscription {
            channel_info: offer.info,
            presence: flags.presence,
            emits_join_leave: flags.join_leave,
            gets_join_leave: flags.push_join_leave,
            expires: offer.expires,
            source: offer.source,
            ..Subscription::default()
        };
        let recovers_newest = options.recovery_mode == RecoveryMode::Cache;
        Ok(Self {
            engine,
            channel,
            options,
            subscription,
            data: offer.data,
            recoverable: flags.recovery,
            positioned: flags.positioning || flags.recovery,
            since: offer.since,
            // A call of `subscribe` recovers what was missed, in each mode.
            gets_newest: offer.cache_recover && recovers_newest && flags.recovery,
        })
    }

    pub(crate) fn subscribe(&self, data: &mut Data, id: &str) -> Result<(), ApiError> {
        let Some(client) = data.connections.get_mut(id) else {
            return Ok(());
        };
        if client.subscription_count() >= CHANNEL_LIMIT {
            data.connections.disconnect(id, TOO_MANY_CHANNELS);
            return Ok(());
        }
        let now = self.engine.clock.seconds();
        let mut subscription = self.subscription.clone();
        if client.is_subscribed(self.channel) || subscription.is_expired(now) {
            return Err(self.engine.release.refusal());
        }
        subscription.connection_info = client.info.clone();
        let takes_any_bytes = client.protobuf;
        let recovery = self.recover(data);
        subscription.position = recovery.position.clone();
        let events = self.events(recovery);
        if !takes_any_bytes && !events.iter().all(Event::is_json) {
            return Err(internal());
        }
        data.connections
            .subscribe(id, self.channel, subscription, events);
        Ok(())
    }

    /// Subscribes a client that asked for it. Returns what it learns of the subscription.
    fn subscribe_own(
        &self,
        data: &mut Data,
        id: &str,
        stream: Option<StreamHandle>,
    ) -> Result<Event, ApiError> {
        let connection_info = check_own(&mut data.connections, id, self.channel)?;
        let now = self.engine.clock.seconds();
        if self.subscription.is_expired(now) {
            return Err(client_error(EXPIRED));
        }
        let meta_ttl = self.options.meta_ttl;
        let position = self
            .positioned
            .then(|| data.streams.position(self.channel, meta_ttl, now));
        let subscription = Subscription {
            connection_info,
            position: position.clone(),
            stream,
            ..self.subscription.clone()
        };
        data.connections
            .subscribe(id, self.channel, subscription, Vec::new());
        let position = position.unwrap_or_default();
        Ok(self.subscribed(false, position.offset, position.epoch))
    }

    /// Returns the events that the client receives: the subscription and the publications that it
    /// has missed.
    fn events(&self, recovery: Recovery) -> Vec<Event> {
        let position = recovery.position.unwrap_or_default();
        let subscribed = self.subscribed(
            recovery.since.is_some(),
            recovery.since.unwrap_or(position.offset),
            position.epoch,
        );
        let missed = recovery
            .missed
            .into_iter()
            .map(|publication| Event::Publication {
                channel: self.channel.to_owned(),
                publication,
            });
        std::iter::once(subscribed).chain(missed).collect()
    }

    fn subscribed(&self, recovered: bool, offset: u64, epoch: String) -> Event {
        Event::Subscribed {
            channel: self.channel.to_owned(),
            data: self.data.clone(),
            recoverable: self.recoverable,
            positioned: self.positioned,
            recovered,
            offset,
            epoch,
        }
    }

    /// Reads the publications that the client has missed since the position of the call.
    fn recover(&self, data: &mut Data) -> Recovery {
        if !self.positioned {
            return Recovery::default();
        }
        if self.gets_newest {
            return self.recover_newest(data);
        }
        let since = self.since.clone().filter(|_| self.recoverable);
        let filter = Filter {
            limit: if since.is_some() { -1 } else { 0 },
            since,
            reverse: false,
        };
        let now = self.engine.clock.seconds();
        let meta_ttl = self.options.meta_ttl;
        let (publications, position) = data.streams.read(self.channel, &filter, meta_ttl, now);
        match filter.since {
            Some(since) if is_complete(&since, &publications, &position) => Recovery {
                position: Some(position),
                since: Some(since.offset),
                missed: publications,
            },
            _ => Recovery {
                position: Some(position),
                ..Recovery::default()
            },
        }
    }
}

/// Recovery by cache.
impl Subscriber<'_> {
    /// Reads the newest publication, unless it has expired.
    fn recover_newest(&self, data: &mut Data) -> Recovery {
        let filter = Filter {
            limit: 1,
            since: None,
            reverse: true,
        };
        let now = self.engine.clock.seconds();
        let meta_ttl = self.options.meta_ttl;
        let (newest, position) = data.streams.read(self.channel, &filter, meta_ttl, now);
        Recovery {
            // The client has named no position, which counts as the first one.
            since: (!newest.is_empty()).then_some(0),
            missed: newest,
            position: Some(position),
        }
    }
}

/// Clients that subscribe by themselves.
impl Engine {
    /// Subscribes a client to a channel as its namespace and the offer say. Returns what the client learns of it.
    pub(crate) fn subscribe_own(
        &self,
        id: &str,
        channel: &str,
        offer: Offer,
        stream: Option<StreamHandle>,
    ) -> Result<Event, ApiError> {
        let subscriber = Subscriber::new(self, channel, offer)?;
        subscriber.subscribe_own(&mut self.state.lock(), id, stream)
    }
}

/// Checks that a client may make one more subscription, to this channel. Returns the info of its connection.
pub(crate) fn check_own(
    connections: &mut Connections,
    id: &str,
    channel: &str,
) -> Result<Bytes, ApiError> {
    let client = connections.get_mut(id);
    let client = client.ok_or_else(|| client_error(PERMISSION_DENIED))?;
    if client.is_subscribed(channel) {
        return Err(client_error(ALREADY_SUBSCRIBED));
    }
    if client.subscription_count() >= CHANNEL_LIMIT {
        return Err(client_error(LIMIT_EXCEEDED));
    }
    Ok(client.info.clone())
}

/// Checks whether the publications lead from `since` to the position without a gap, and are not too
/// many to recover.
fn is_complete(since: &Position, publications: &[Publication], position: &Position) -> bool {
    let first = match publications.first() {
        Some(publication) => publication.offset,
        None => position.offset.wrapping_add(1),
    };
    (since.epoch.is_empty() || since.epoch == position.epoch)
        && first == since.offset.wrapping_add(1)
        && publications.len() <= MAX_RECOVERED
}

/// The state of a stream for a client that subscribes to it.
#[derive(Default)]
struct Recovery {
    /// The position of the stream; `None` if the subscription has no position.
    position: Option<Position>,
    /// The offset after which the missed publications begin; `None` if they cannot be recovered.
    since: Option<u64>,
    missed: Vec<Publication>,
}
