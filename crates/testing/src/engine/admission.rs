//! Admission: the clients that the server lets in because of a token or of a proxy's answer.

use std::sync::Arc;

use bytes::Bytes;
use centrifugo_api::ApiError;

use crate::connection::{Connection, User};
use crate::engine::{Engine, Offer, Subscriber};
use crate::errors::{EXPIRED, client_error};
#[cfg(feature = "proxy")]
use crate::event::is_json_or_absent;
use crate::state::connections::session::ClientHeaders;
use crate::state::connections::{CHANNEL_LIMIT, TOO_MANY_CHANNELS};

/// The longest time until something expires, in seconds: Centrifugo expires it earlier otherwise.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
pub(crate) const LONGEST_TTL: i64 = 365 * 24 * 3600;

/// A client that the server lets in.
#[derive(Default)]
pub(crate) struct Admission {
    pub(crate) user: User,
    pub(crate) id: String,
    /// The Unix time in seconds at which the connection expires; 0 for never.
    pub(crate) expires: i64,
    /// The channels that the server subscribes the client to.
    pub(crate) subscriptions: Vec<(String, Offer)>,
    pub(crate) meta: Bytes,
    pub(crate) headers: Arc<ClientHeaders>,
}

#[cfg(feature = "proxy")]
impl Admission {
    /// Returns whether all payloads of the reply to the client are JSON, with this one.
    pub(crate) fn is_json(&self, data: &[u8]) -> bool {
        let mut subscriptions = self.subscriptions.iter();
        is_json_or_absent(data) && subscriptions.all(|(_, offer)| is_json_or_absent(&offer.data))
    }
}

impl Engine {
    /// Connects a client and subscribes it.
    pub(crate) fn admit(self: &Arc<Self>, admission: Admission) -> Result<Connection, ApiError> {
        // Unknown channels are found before the client is connected.
        let mut subscribers = Vec::new();
        for (channel, offer) in admission.subscriptions {
            self.channel_options(&channel)?;
            subscribers.push((channel, offer));
        }
        if subscribers.len() > CHANNEL_LIMIT {
            return Err(ApiError::new(
                TOO_MANY_CHANNELS.code,
                TOO_MANY_CHANNELS.text,
            ));
        }
        if admission.expires > 0 && admission.expires < self.clock.seconds() {
            return Err(client_error(EXPIRED));
        }
        let by_proxy = self.has_refresh_proxy();
        let connection =
            Connection::open_as(Arc::clone(self), admission.user, admission.id, |client| {
                client.expire_at(admission.expires.max(0));
                client.session.meta = admission.meta;
                client.session.headers = admission.headers;
                client.session.by_proxy = by_proxy;
            });
        let mut data = self.state.lock();
        for (channel, offer) in subscribers {
            let subscriber = Subscriber::new(self, &channel, offer)?;
            subscriber.subscribe(&mut data, connection.id())?;
        }
        drop(data);
        Ok(connection)
    }
}
