use super::publish::payload;
use super::{Engine, Call, Handler, bad_request, internal};
use crate::connection::Event;
use crate::namespace::Channel;
use crate::state::Data;
use crate::state::connections::{
    CHANNEL_LIMIT, EXPIRED, Ending, Selection, Subscription, TOO_MANY_CHANNELS,
};
use crate::state::stream::{Filter, Position};
use centrifugo_api::api::{
    BoolValue, DisconnectRequest, DisconnectResult, RefreshRequest, RefreshResult,
    SubscribeOptionOverride, SubscribeRequest, SubscribeResult, UnsubscribeRequest,
    UnsubscribeResult,
};
use centrifugo_api::{ApiError, Publication};

/// What a disconnected client is told where the call says nothing.
const FORCED: Ending<'static> = (3503, "force disconnect");

const UNSUBSCRIBED: Ending<'static> = (2000, "server unsubscribe");

/// How many bytes of a reason a WebSocket can be closed with.
const LONGEST_REASON: usize = 123;

/// How many publications a client can recover: Centrifugo's `client.recovery_max_publication_limit`.
const MOST_RECOVERED: usize = 300;

/// What a client sees of a code or a reason that its transport cannot carry.
const CLOSED: Ending<'static> = (1006, "");

impl Handler for SubscribeRequest {
    fn handle(self, call: &Call<'_>) -> Result<SubscribeResult, ApiError> {
        if self.channel.is_empty() {
            return Err(bad_request());
        }
        let channel = call.engine.channel(&self.channel)?;
        let options = Options::new(channel, self.r#override.unwrap_or_default());
        let subscription = Subscription {
            channel_info: payload(self.info, &self.b64info)?,
            presence: options.presence,
            emits_join_leave: options.join_leave,
            gets_join_leave: options.push_join_leave,
            expires: self.expire_at,
            by_server: true,
            ..Subscription::default()
        };
        let subscribe = Subscribe {
            channel: &self.channel,
            data: payload(self.data, &self.b64data)?,
            recoverable: options.recovery,
            positioned: options.positioning || options.recovery,
            since: self.recover_since.map(|since| Position {
                offset: since.offset,
                epoch: since.epoch,
            }),
        };
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &[],
        };
        let mut data = call.engine.state.lock();
        let selected = data.connections.select(&selection);
        let run =
            |id: &String| subscribe.run(call.engine, &mut data, id, channel, subscription.clone());
        // One failure does not keep the others from being subscribed.
        let outcomes: Vec<_> = selected.iter().map(run).collect();
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(SubscribeResult::default())
    }
}

/// The namespace's options, where the call does not override them.
struct Options {
    presence: bool,
    join_leave: bool,
    push_join_leave: bool,
    recovery: bool,
    positioning: bool,
}

impl Options {
    fn new(channel: &Channel, wanted: SubscribeOptionOverride) -> Self {
        let or = |value: Option<BoolValue>, default| value.map_or(default, |value| value.value);
        Self {
            presence: or(wanted.presence, channel.presence),
            join_leave: or(wanted.join_leave, channel.join_leave),
            push_join_leave: or(wanted.force_push_join_leave, channel.force_push_join_leave),
            recovery: or(wanted.force_recovery, channel.force_recovery),
            positioning: or(wanted.force_positioning, channel.force_positioning),
        }
    }
}

/// What a subscription by the server tells the client.
struct Subscribe<'a> {
    channel: &'a str,
    data: bytes::Bytes,
    recoverable: bool,
    positioned: bool,
    since: Option<Position>,
}

impl Subscribe<'_> {
    fn run(
        &self,
        engine: &Engine,
        data: &mut Data,
        id: &str,
        channel: &Channel,
        mut subscription: Subscription,
    ) -> Result<(), ApiError> {
        let Some(peer) = data.connections.get_mut(id) else {
            return Ok(());
        };
        if peer.subscriptions() >= CHANNEL_LIMIT {
            data.connections.disconnect(id, TOO_MANY_CHANNELS);
            return Ok(());
        }
        let expired = subscription.expires > 0 && subscription.expires <= engine.clock.seconds();
        if peer.is_subscribed(self.channel) || expired {
            return Err(internal());
        }
        subscription.connection_info = peer.info.clone();
        let Recovery {
            position,
            since,
            missed,
        } = self.recover(engine, data, channel);
        let Position { offset, epoch } = position.clone().unwrap_or_default();
        subscription.position = position;
        let mut told = vec![Event::Subscribed {
            channel: self.channel.to_owned(),
            data: self.data.clone(),
            recoverable: self.recoverable,
            positioned: self.positioned,
            recovered: since.is_some(),
            offset: since.unwrap_or(offset),
            epoch,
        }];
        let event = |publication| Event::Publication {
            channel: self.channel.to_owned(),
            publication,
        };
        told.extend(missed.into_iter().map(event));
        data.connections
            .subscribe(id, self.channel, subscription, told);
        Ok(())
    }

    fn recover(&self, engine: &Engine, data: &mut Data, channel: &Channel) -> Recovery {
        if !self.positioned {
            return Recovery::default();
        }
        let since = self.since.clone().filter(|_| self.recoverable);
        let filter = Filter {
            limit: if since.is_some() { -1 } else { 0 },
            since,
            reverse: false,
        };
        let now = engine.clock.seconds();
        let (publications, position) =
            data.streams
                .read(self.channel, &filter, channel.meta_ttl, now);
        let complete = filter.since.filter(|since| {
            let first = publications
                .first()
                .map_or(position.offset.wrapping_add(1), |first| first.offset);
            (since.epoch.is_empty() || since.epoch == position.epoch)
                && first == since.offset.wrapping_add(1)
                && publications.len() <= MOST_RECOVERED
        });
        let since = complete.map(|since| since.offset);
        let missed = if since.is_some() {
            publications
        } else {
            Vec::new()
        };
        Recovery {
            position: Some(position),
            since,
            missed,
        }
    }
}

/// What a client has missed of a stream.
#[derive(Default)]
struct Recovery {
    /// Where the stream is; none without a position.
    position: Option<Position>,
    /// The offset from which the publications lead there, if they do.
    since: Option<u64>,
    missed: Vec<Publication>,
}

impl Handler for UnsubscribeRequest {
    fn handle(self, call: &Call<'_>) -> Result<UnsubscribeResult, ApiError> {
        if !self.channel.is_empty() {
            call.engine.channel(&self.channel)?;
        }
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &[],
        };
        let connections = &mut call.engine.state.lock().connections;
        for id in connections.select(&selection) {
            connections.unsubscribe(&id, &self.channel, Some(UNSUBSCRIBED));
        }
        Ok(UnsubscribeResult::default())
    }
}

impl Handler for DisconnectRequest {
    fn handle(self, call: &Call<'_>) -> Result<DisconnectResult, ApiError> {
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &self.whitelist,
        };
        let ending = match &self.disconnect {
            None => FORCED,
            Some(disconnect) => closing(disconnect.code, &disconnect.reason),
        };
        let connections = &mut call.engine.state.lock().connections;
        for id in connections.select(&selection) {
            connections.disconnect(&id, ending);
        }
        Ok(DisconnectResult::default())
    }
}

/// What a WebSocket's client makes of it. The code is cut to 16 bits; at 3000, `connection closed`, none is sent.
fn closing(code: u32, reason: &str) -> Ending<'_> {
    match code & 0xffff {
        code @ (1000..=1003 | 1007..=1014 | 3001..=4999) if reason.len() <= LONGEST_REASON => {
            (code, reason)
        }
        1005 => (1005, ""),
        _ => CLOSED,
    }
}

impl Handler for RefreshRequest {
    fn handle(self, call: &Call<'_>) -> Result<RefreshResult, ApiError> {
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &[],
        };
        let (now, seconds) = (call.engine.clock.now(), call.engine.clock.seconds());
        let connections = &mut call.engine.state.lock().connections;
        for id in connections.select(&selection) {
            let past = self.expire_at > 0 && self.expire_at <= seconds;
            let Some(peer) = connections.get_mut(&id).filter(|_| !self.expired && !past) else {
                connections.disconnect(&id, EXPIRED);
                continue;
            };
            let expires = self.expire_at.max(0);
            peer.refresh(expires, self.info.clone(), now);
            peer.tell(Event::Refreshed {
                expires: (expires > 0).then_some(expires),
            });
        }
        Ok(RefreshResult::default())
    }
}
