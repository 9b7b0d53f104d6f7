//! Clients that subscribe: the subscribe proxy.

use bytes::Bytes;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{self, SubscribeRequest, SubscribeResult};
use prost::Message as _;

use super::asker::{Asker, request_of};
use super::client::{ProxiedConnection, SubscribeOptions, Subscribed, SubscriptionKind};
use super::proxy::Proxy;
use super::refusal::{Refusal, accepted, closed, failed};
use crate::engine::{Offer, check_own, payload};
use crate::errors::{PERMISSION_DENIED, bad_request, client_error, not_available};
use crate::event::{Event, is_json_or_absent};
use crate::messages::{BoolValue, SubscribeOptionOverride};
use crate::namespace::ChannelKind;
use crate::release::Release;
use crate::state::connections::session::StreamHandle;
use crate::state::connections::{BAD_REQUEST, CloseReason, INAPPROPRIATE_PROTOCOL, Source};

impl ProxiedConnection {
    pub(super) async fn proxied_subscribe(
        &self,
        channel: &str,
        options: SubscribeOptions,
    ) -> Result<Subscribed, Refusal> {
        let asker = self.asker()?;
        if channel.is_empty() {
            return Err(BAD_REQUEST.into());
        }
        check_payload(&asker, &options.data, BAD_REQUEST)?;
        let engine = self.connection.engine();
        let channel_options = engine.channel_options(channel)?;
        let kind = options.kind;
        check_poll(kind, &channel_options.kind)?;
        check_own(&mut engine.state.lock().connections, self.id(), channel)?;
        check_name(channel)?;
        let is_map = matches!(channel_options.kind, ChannelKind::Map(_));
        if is_map != (kind == SubscriptionKind::Map) {
            return Err(client_error(PERMISSION_DENIED).into());
        }
        let clients = &channel_options.clients;
        let mut offer = if !options.token.is_empty() {
            self.offer_by_token(channel, &options.token)?
        } else if channel.starts_with('$') {
            return Err(client_error(PERMISSION_DENIED).into());
        } else if let Some(name) = &clients.subscribe_proxy {
            let proxy = engine.proxies.named(EventKind::Subscribe, name)?;
            let offer = self.ask_subscribe(&proxy, &asker, channel, options).await?;
            check_proxied(kind, engine.release)?;
            offer
        } else if let Some(name) = &clients.subscribe_stream_proxy {
            return self.subscribe_stream(&asker, channel, name, options).await;
        } else if clients.subscribe.allows(&asker.user, false) {
            Offer::default()
        } else {
            return Err(client_error(PERMISSION_DENIED).into());
        };
        if kind != SubscriptionKind::Stream {
            without_positions(&mut offer);
        }
        self.finish_subscribe(&asker, channel, offer, None)
    }

    async fn ask_subscribe(
        &self,
        proxy: &Proxy,
        asker: &Asker,
        channel: &str,
        options: SubscribeOptions,
    ) -> Result<Offer, Refusal> {
        let request = subscribe_request(proxy, asker, channel, options);
        let answer = self.connection.engine().ask(proxy, request, asker).await;
        let response = accepted::<SubscribeRequest>(answer, &proxy.options)?;
        offer(response.result.unwrap_or_default())
    }

    /// Subscribes the client as a token, a proxy or the namespace offers.
    pub(super) fn finish_subscribe(
        &self,
        asker: &Asker,
        channel: &str,
        offer: Offer,
        stream: Option<StreamHandle>,
    ) -> Result<Subscribed, Refusal> {
        check_payload(asker, &offer.data, INAPPROPRIATE_PROTOCOL)?;
        let engine = self.connection.engine();
        let is_by_client = !engine.has_sub_refresh_proxy(channel);
        let expires = Some(offer.expires).filter(|expires| *expires > 0 && is_by_client);
        let event = engine.subscribe_own(self.id(), channel, offer, stream)?;
        let Event::Subscribed {
            data,
            recoverable,
            positioned,
            offset,
            epoch,
            ..
        } = event
        else {
            return Err(failed());
        };
        Ok(Subscribed {
            data,
            recoverable,
            positioned,
            offset,
            epoch,
            expires_in: expires.map(|expires| engine.time_until(expires)),
        })
    }

    /// Returns the client as it is now.
    pub(super) fn asker(&self) -> Result<Asker, Refusal> {
        let asker = self.connection.engine().asker(self.id());
        asker.map_err(|_| closed())
    }

    #[cfg(feature = "_token")]
    fn offer_by_token(&self, channel: &str, token: &str) -> Result<Offer, Refusal> {
        let offer = self.connection.offer_of_token(channel, token);
        offer.map_err(Refusal::Known)
    }

    #[cfg(not(feature = "_token"))]
    #[allow(clippy::unused_self)] // As with tokens.
    fn offer_by_token(&self, _: &str, _: &str) -> Result<Offer, Refusal> {
        Err(no_tokens())
    }
}

#[cfg(not(feature = "_token"))]
pub(super) fn no_tokens() -> Refusal {
    let problem = "tokens need the feature `token` or `token-ring` of centrifugo-api-testing";
    Refusal::Misconfigured(problem.to_owned())
}

/// Returns the request about a client that subscribes.
pub(super) fn subscribe_request(
    proxy: &Proxy,
    asker: &Asker,
    channel: &str,
    options: SubscribeOptions,
) -> SubscribeRequest {
    let mut request = request_of!(SubscribeRequest, asker, proxy, connected);
    channel.clone_into(&mut request.channel);
    request.token = options.token;
    (request.data, request.b64data) = proxy.twins(options.data);
    request
}

/// Returns what the answer of a proxy offers.
pub(super) fn offer(result: SubscribeResult) -> Result<Offer, Refusal> {
    Ok(Offer {
        info: decoded(&result.info, &result.b64info)?,
        data: decoded(&result.data, &result.b64data)?,
        overrides: overrides(result.r#override),
        expires: result.expire_at,
        source: Source::Client,
        since: None,
        cache_recover: false,
    })
}

/// Checks that a subscription is one to a shared poll, if the channel is one.
fn check_poll(kind: SubscriptionKind, channel: &ChannelKind) -> Result<(), Refusal> {
    let is_poll = matches!(channel, ChannelKind::SharedPoll { .. });
    match kind {
        SubscriptionKind::SharedPoll if !is_poll => Err(not_available().into()),
        SubscriptionKind::Stream | SubscriptionKind::Map if is_poll => Err(bad_request().into()),
        _ => Ok(()),
    }
}

/// Checks that the client may have the subscription that a proxy has allowed: in 6.9 no map, of which a proxy cannot tell.
fn check_proxied(kind: SubscriptionKind, release: Release) -> Result<(), Refusal> {
    match (kind, release) {
        (SubscriptionKind::Map, Release::V6_9) => Err(bad_request().into()),
        _ => Ok(()),
    }
}

/// Leaves out what only the subscriptions to histories have.
pub(super) fn without_positions(offer: &mut Offer) {
    offer.overrides.force_recovery = Some(BoolValue { value: false });
    offer.overrides.force_positioning = Some(BoolValue { value: false });
}

/// Returns a payload of an answer, from its twin in base64 if that is set.
pub(super) fn decoded(plain: &Bytes, base64: &str) -> Result<Bytes, Refusal> {
    payload(plain.clone(), base64).map_err(|_| failed())
}

/// Returns overrides as the server's own schema has them.
pub(super) fn overrides(
    overrides: Option<messages::SubscribeOptionOverride>,
) -> SubscribeOptionOverride {
    let encoded = overrides.unwrap_or_default().encode_to_vec();
    SubscribeOptionOverride::decode(Bytes::from(encoded)).unwrap_or_default()
}

/// Checks that a channel has a name which clients may use.
pub(super) fn check_name(channel: &str) -> Result<(), Refusal> {
    if channel.is_ascii() {
        Ok(())
    } else {
        Err(bad_request().into())
    }
}

/// Checks that a client can send or get a payload by its protocol.
pub(super) fn check_payload(
    asker: &Asker,
    payload: &[u8],
    otherwise: CloseReason<'_>,
) -> Result<(), Refusal> {
    if is_json_or_absent(payload) || asker.protocol == "protobuf" {
        Ok(())
    } else {
        Err(otherwise.into())
    }
}
