//! The methods `subscribe`, `unsubscribe`, `disconnect` and `refresh`.

use centrifugo_api::ApiError;

use crate::engine::publish::payload;
use crate::engine::{Call, Handler, Offer, Subscriber};
use crate::errors::bad_request;
use crate::event::Event;
use crate::messages::{
    DisconnectRequest, DisconnectResult, RefreshRequest, RefreshResult, SubscribeRequest,
    SubscribeResult, UnsubscribeRequest, UnsubscribeResult,
};
use crate::release::Release;
use crate::state::connections::{CloseReason, EXPIRED, Selection, Source};
use crate::state::stream::Position;

/// The default reason of `disconnect`.
const FORCED: CloseReason<'static> = CloseReason::new(3503, "force disconnect");

const UNSUBSCRIBED: CloseReason<'static> = CloseReason::new(2000, "server unsubscribe");

/// The reason that a client sees if its transport cannot carry the code or the reason of the call.
const ABNORMAL_CLOSURE: CloseReason<'static> = CloseReason::new(1006, "");

/// The limit for the reason of a WebSocket close frame, in bytes.
const MAX_REASON_LENGTH: usize = 123;

impl Handler for SubscribeRequest {
    type Result = SubscribeResult;

    fn handle(self, call: &Call<'_>) -> Result<SubscribeResult, ApiError> {
        if self.channel.is_empty() {
            return Err(bad_request());
        }
        let offer = Offer {
            info: payload(self.info, &self.b64info)?,
            data: payload(self.data, &self.b64data)?,
            overrides: self.r#override.unwrap_or_default(),
            expires: self.expire_at,
            source: Source::Call,
            since: self.recover_since.map(|since| Position {
                offset: since.offset,
                epoch: since.epoch,
            }),
            cache_recover: false,
        };
        let subscriber = Subscriber::new(call.engine, &self.channel, offer)?;
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &[],
        };
        let mut data = call.engine.state.lock();
        let mut outcome = Ok(SubscribeResult {});
        for id in data.connections.select(&selection) {
            // A failure does not keep the other clients from being subscribed; the first is
            // reported.
            let subscribed = subscriber.subscribe(&mut data, &id);
            if outcome.is_ok()
                && let Err(error) = subscribed
            {
                outcome = Err(error);
            }
        }
        outcome
    }
}

impl Handler for UnsubscribeRequest {
    type Result = UnsubscribeResult;

    fn handle(self, call: &Call<'_>) -> Result<UnsubscribeResult, ApiError> {
        match (self.channel.is_empty(), call.engine.release) {
            (true, Release::V6_9) => {}
            (true, Release::V6_10) => return Err(bad_request()),
            (false, _) => drop(call.engine.channel_options(&self.channel)?),
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
        Ok(UnsubscribeResult {})
    }
}

impl Handler for DisconnectRequest {
    type Result = DisconnectResult;

    fn handle(self, call: &Call<'_>) -> Result<DisconnectResult, ApiError> {
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &self.whitelist,
        };
        let reason = match &self.disconnect {
            None => FORCED,
            Some(disconnect) => seen_by_client(disconnect.code, &disconnect.reason),
        };
        let connections = &mut call.engine.state.lock().connections;
        for id in connections.select(&selection) {
            connections.disconnect(&id, reason);
        }
        Ok(DisconnectResult {})
    }
}

/// Returns the code and the reason that the client of a WebSocket sees.
///
/// The code is cut to 16 bits. For 3000 (`connection closed`) the server sends no close frame, so
/// that the client sees 1006.
pub(crate) fn seen_by_client(code: u32, reason: &str) -> CloseReason<'_> {
    match code & 0xffff {
        sent @ (1000..=1003 | 1007..=1014 | 3001..=4999) if reason.len() <= MAX_REASON_LENGTH => {
            CloseReason::new(sent, reason)
        }
        1005 => CloseReason::new(1005, ""),
        _ => ABNORMAL_CLOSURE,
    }
}

impl Handler for RefreshRequest {
    type Result = RefreshResult;

    fn handle(self, call: &Call<'_>) -> Result<RefreshResult, ApiError> {
        let selection = Selection {
            user: &self.user,
            client: &self.client,
            session: &self.session,
            except: &[],
        };
        let now = call.engine.clock.now();
        let seconds = call.engine.clock.seconds();
        let is_past = self.expire_at > 0 && self.expire_at <= seconds;
        let connections = &mut call.engine.state.lock().connections;
        for id in connections.select(&selection) {
            if self.expired || is_past {
                connections.disconnect(&id, EXPIRED);
                continue;
            }
            let Some(client) = connections.get_mut(&id) else {
                continue;
            };
            let expires = self.expire_at.max(0);
            client.refresh(expires, self.info.clone(), now);
            client.send(Event::Refreshed {
                expires: (expires > 0).then_some(expires),
            });
        }
        Ok(RefreshResult {})
    }
}
