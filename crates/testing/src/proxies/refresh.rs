//! Connections and subscriptions that expire: the refresh and sub_refresh proxies.

use std::sync::Arc;

use bytes::Bytes;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{RefreshRequest, SubRefreshRequest};
use tokio::sync::watch;

use super::asker::request_of;
use super::proxy::{Proxy, Unanswered};
use super::refusal::transformed;
use super::subscribe::decoded;
use crate::engine::{Engine, LONGEST_TTL};
use crate::server::Server;
use crate::state::connections::{
    CloseReason, EXPIRED, OWN_SUBSCRIPTION_EXPIRED, SUBSCRIPTION_EXPIRED, Source,
};

/// The time that something goes on after a failure of the proxy, in seconds.
const AFTER_FAILURE: i64 = 60;

const SERVER_ERROR: CloseReason<'static> = CloseReason::new(3004, "internal server error");

/// # Proxies
impl Server {
    /// Waits until the proxies have answered that are asked about connections and subscriptions which have expired.
    ///
    /// The client sees an end as an event. A connection or subscription that goes on gets none, as in Centrifugo:
    /// wait here, then look.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use centrifugo_api_testing::{ConnectingClient, Server};
    /// # use centrifugo_proxy::{Caller, ConnectReply, Handlers, RefreshReply};
    /// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
    /// let minute = Duration::from_secs(60);
    /// let handlers = Handlers::new(Caller::anyone())
    ///     .connect(move |_| async move { Ok(ConnectReply::user("anna").expire_in(minute)) })
    ///     .refresh(move |_| async move { Ok(RefreshReply::for_the_next(minute)) });
    /// let server = Server::builder().proxy(&handlers).start()?;
    /// let mut anna = server.connect_client(ConnectingClient::new()).await?;
    ///
    /// server.advance(minute);
    /// server.refreshed().await; // the handler was asked
    /// assert_eq!(anna.try_next(), None); // and anna stays
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test()).unwrap();
    /// ```
    pub async fn refreshed(&self) {
        let mut refreshing = self.engine.proxies.refreshing.subscribe();
        // The sender lives as long as the server.
        let _ = refreshing.wait_for(|count| *count == 0).await;
    }
}

impl Engine {
    /// Asks the proxies about what has expired, in the background.
    pub(crate) fn start_refreshes(self: &Arc<Self>) {
        let now = self.clock.seconds();
        let is_proxied = |channel: &str| self.has_sub_refresh_proxy(channel);
        let due = self.state.lock().connections.take_due(now, is_proxied);
        for (id, channel) in due {
            let refreshing = Refreshing::start(&self.proxies.refreshing);
            let engine = Arc::clone(self);
            self.proxies.runtime.spawn(async move {
                match channel {
                    None => engine.refresh(&id).await,
                    Some(channel) => engine.refresh_subscription(&id, &channel).await,
                }
                drop(refreshing);
            });
        }
    }

    async fn refresh(&self, id: &str) {
        let Some(proxy) = self.proxies.refresh() else {
            return;
        };
        let Ok(asker) = self.asker(id) else {
            return;
        };
        let request = request_of!(RefreshRequest, asker, proxy, connected);
        let answer = self.ask(proxy, request, &asker).await;
        let outcome = match answer {
            Err(Unanswered::Ended) => return,
            Err(unanswered) => self.after_failure(proxy, unanswered),
            Ok(response) => match response.result {
                Some(result) if !result.expired => match decoded(&result.info, &result.b64info) {
                    Ok(info) => Ok(Lifetime {
                        expires: result.expire_at,
                        info,
                        meta: result.meta,
                    }),
                    Err(_) => Err(SERVER_ERROR),
                },
                _ => Err(EXPIRED),
            },
        };
        self.apply_refresh(id, outcome);
    }

    fn apply_refresh(&self, id: &str, outcome: Result<Lifetime, CloseReason<'static>>) {
        let now = self.clock.seconds();
        let mut data = self.state.lock();
        let Some(client) = data.connections.get_mut(id) else {
            return;
        };
        client.session.is_asking = false;
        let ended = match outcome {
            Err(reason) => Some(reason),
            Ok(lifetime) => {
                if !lifetime.meta.is_empty() {
                    client.session.meta = lifetime.meta;
                }
                // Without a time it keeps the one that has passed.
                if lifetime.expires > 0 {
                    let expires = lifetime.expires.min(now.saturating_add(LONGEST_TTL));
                    client.refresh(expires, lifetime.info, self.clock.now());
                    client.expire_at(expires);
                }
                (client.expires() <= now).then_some(EXPIRED)
            }
        };
        if let Some(reason) = ended {
            data.connections.disconnect(id, reason);
        }
    }

    async fn refresh_subscription(&self, id: &str, channel: &str) {
        let options = self.namespaces.options_of(channel);
        let name = options.and_then(|options| options.clients.sub_refresh_proxy.as_ref());
        let proxy = name.and_then(|name| self.proxies.named(EventKind::SubRefresh, name).ok());
        let Some(proxy) = proxy else {
            return;
        };
        let Ok(asker) = self.asker(id) else {
            return;
        };
        let mut request = request_of!(SubRefreshRequest, asker, proxy, connected);
        channel.clone_into(&mut request.channel);
        let answer = self.ask(&proxy, request, &asker).await;
        let outcome = match answer {
            Err(Unanswered::Ended) => return,
            Err(unanswered) => self.after_failure(&proxy, unanswered).ok(),
            Ok(response) => match response.result {
                Some(result) if !result.expired => {
                    let info = decoded(&result.info, &result.b64info).ok();
                    info.map(|info| Lifetime {
                        expires: result.expire_at,
                        info,
                        meta: Bytes::new(),
                    })
                }
                _ => None,
            },
        };
        self.apply_sub_refresh(id, channel, outcome);
    }

    fn apply_sub_refresh(&self, id: &str, channel: &str, outcome: Option<Lifetime>) {
        let now = self.clock.seconds();
        let mut data = self.state.lock();
        let Some(client) = data.connections.get_mut(id) else {
            return;
        };
        let Some(subscription) = client.subscription_mut(channel) else {
            return;
        };
        subscription.is_asking = false;
        let is_alive = |lifetime: &Lifetime| lifetime.expires <= 0 || lifetime.expires >= now;
        if let Some(lifetime) = outcome.filter(is_alive) {
            subscription.expires = lifetime.expires.min(now.saturating_add(LONGEST_TTL)).max(0);
            if !lifetime.info.is_empty() {
                subscription.channel_info = lifetime.info;
            }
        } else if subscription.source == Source::Client {
            let reason = Some(OWN_SUBSCRIPTION_EXPIRED);
            data.connections.unsubscribe(id, channel, reason);
        } else {
            data.connections.disconnect(id, SUBSCRIPTION_EXPIRED);
        }
    }

    /// Returns what becomes of a connection or subscription that the proxy said nothing about. A status that stands for a
    /// refusal is an answer without a result.
    fn after_failure(
        &self,
        proxy: &Proxy,
        unanswered: Unanswered,
    ) -> Result<Lifetime, CloseReason<'static>> {
        if let Unanswered::Status(status) = unanswered
            && transformed(status, &proxy.options).is_some()
        {
            return Err(EXPIRED);
        }
        Ok(Lifetime {
            expires: self.clock.seconds().saturating_add(AFTER_FAILURE),
            info: Bytes::new(),
            meta: Bytes::new(),
        })
    }
}

/// The way in which a connection or subscription goes on.
struct Lifetime {
    /// The Unix time in seconds; 0 if there is none.
    expires: i64,
    /// Empty if it stays.
    info: Bytes,
    /// Empty if it stays.
    meta: Bytes,
}

/// A refresh that a proxy is asked about.
struct Refreshing(watch::Sender<usize>);

impl Refreshing {
    fn start(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
