//! Shared polls: the keys that clients track, about which the shared_poll_refresh proxy is asked.

use std::sync::Arc;

use centrifugo_api::Error;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{
    SharedPollRefreshItem, SharedPollRefreshRequest, SharedPollRefreshResult,
};

use super::DEFAULT;
use super::client::ProxiedConnection;
use super::proxy::{Proxy, Unanswered};
use super::refusal::{Refusal, closed};
use crate::engine::Engine;
use crate::errors::{PERMISSION_DENIED, bad_request, client_error};
use crate::namespace::ChannelKind;
use crate::server::Server;
use crate::state::Data;
use crate::state::connections::CloseReason;
use crate::state::connections::session::ClientHeaders;
use crate::state::polls::PollItem;

/// The reason for which a client loses its subscription when the epoch changes.
const OTHER_EPOCH: CloseReason<'static> = CloseReason::new(2500, "insufficient state");

/// # Proxies
impl Server {
    /// Runs a cycle of a shared poll: asks the backend about all keys that clients of the channel track.
    ///
    /// Centrifugo does so every `shared_poll.refresh_interval`; this server does only here, and when a client begins to
    /// [track](ProxiedConnection::track) a key. After an error or failure of the backend nothing changes.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] 102 for an unknown namespace, 107 if it has no shared polls; [`Error::Config`] if there is no backend.
    pub async fn poll(&self, channel: &str) -> Result<(), Error> {
        self.engine.channel_options(channel)?;
        let keys = {
            let mut data = self.engine.state.lock();
            let poll = data.polls.entry(channel.to_owned()).or_default();
            poll.next_cycle()
        };
        let polled = self.engine.poll(channel, &keys).await;
        polled.map_err(|refusal| match refusal {
            Refusal::Error(error) => error.into(),
            Refusal::Misconfigured(problem) => Error::Config(problem),
            Refusal::Known(error) => error,
            Refusal::Disconnect { .. } => closed_by_poll(),
        })
    }
}

/// Returns the error that no poll ends in.
fn closed_by_poll() -> Error {
    Error::Config("a shared poll cannot disconnect".to_owned())
}

/// # Shared polls
impl ProxiedConnection {
    /// Tracks keys of a shared poll to which the client has [subscribed](Self::subscribe_with). The backend is asked at once
    /// about keys that are new to the server, and their states follow as [`Event::Polled`](crate::Event::Polled).
    ///
    /// No signature is needed; Centrifugo requires one.
    ///
    /// # Errors
    ///
    /// 103 without a subscription, and if the channel is not a shared poll; 107 without keys.
    pub async fn track<K: Into<String>>(
        &self,
        channel: &str,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<(), Error> {
        let keys = keys.into_iter().map(|key| (key.into(), 0));
        self.track_since(channel, keys).await
    }

    /// Tracks keys of which the client has these versions: see [`track`](Self::track).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn track_since<K: Into<String>>(
        &self,
        channel: &str,
        keys: impl IntoIterator<Item = (K, u64)>,
    ) -> Result<(), Error> {
        let keys = keys.into_iter().map(|(key, version)| (key.into(), version));
        let keys = keys.collect();
        let _turn = self.turn().await;
        let tracked = self.track_keys(channel, keys).await;
        tracked.map_err(|refusal| self.refused(refusal))
    }

    /// Does not track keys any more.
    pub fn untrack<K: AsRef<str>>(&self, channel: &str, keys: impl IntoIterator<Item = K>) {
        let mut data = self.connection.engine().state.lock();
        let client = data.connections.get_mut(self.id());
        let subscription = client.and_then(|client| client.subscription_mut(channel));
        if let Some(subscription) = subscription {
            for key in keys {
                subscription.tracked.remove(key.as_ref());
            }
        }
        forget_untracked(&mut data, channel);
    }

    async fn track_keys(&self, channel: &str, keys: Vec<(String, u64)>) -> Result<(), Refusal> {
        let engine = self.connection.engine();
        let options = engine.channel_options(channel)?;
        if keys.is_empty() {
            return Err(bad_request().into());
        }
        let mut due = Vec::new();
        {
            let mut data = engine.state.lock();
            let client = data.connections.get_mut(self.id()).ok_or_else(closed)?;
            let subscription = client.subscription_mut(channel);
            let is_poll = matches!(options.kind, ChannelKind::SharedPoll { .. });
            let subscription = subscription.filter(|_| is_poll);
            let subscription = subscription.ok_or_else(|| client_error(PERMISSION_DENIED))?;
            subscription.tracked.extend(keys.iter().cloned());
            let poll = data.polls.entry(channel.to_owned()).or_default();
            for (key, version) in keys {
                if poll.track(&key, version) {
                    due.push(key);
                }
            }
        }
        for key in due {
            engine.poll(channel, &[key]).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// Asks the backend about keys of a channel, and sends what has changed.
    async fn poll(&self, channel: &str, keys: &[String]) -> Result<(), Refusal> {
        let options = self.channel_options(channel)?;
        let ChannelKind::SharedPoll { is_versionless, .. } = options.kind else {
            return Err(bad_request().into());
        };
        let name = options.clients.shared_poll_proxy.as_deref();
        let name = name.unwrap_or(DEFAULT);
        let proxy = self.proxies.named(EventKind::SharedPollRefresh, name)?;
        let items = self.poll_items(channel, keys, is_versionless);
        if items.is_empty() {
            return Ok(());
        }
        let mut request = SharedPollRefreshRequest::default();
        channel.clone_into(&mut request.channel);
        request.items = items;
        if let Some(result) = self.ask_poll(&proxy, request).await? {
            self.apply_poll(channel, is_versionless, result);
        }
        Ok(())
    }

    fn poll_items(
        &self,
        channel: &str,
        keys: &[String],
        is_versionless: bool,
    ) -> Vec<SharedPollRefreshItem> {
        let mut data = self.state.lock();
        forget_untracked(&mut data, channel);
        let Some(poll) = data.polls.get(channel) else {
            return Vec::new();
        };
        let items = keys.iter().filter_map(|key| {
            let version = poll.version(key)?;
            let version = if is_versionless { 0 } else { version };
            Some(SharedPollRefreshItem::default().key(key).version(version))
        });
        items.collect()
    }

    /// Returns the answer of the backend; `None` if the cycle is skipped.
    async fn ask_poll(
        &self,
        proxy: &Arc<Proxy>,
        request: SharedPollRefreshRequest,
    ) -> Result<Option<SharedPollRefreshResult>, Refusal> {
        let headers = proxy.headers(&ClientHeaders::default());
        match proxy.ask(request, headers, &self.context()).await {
            Ok(response) if response.error.is_none() => Ok(response.result),
            Err(Unanswered::Misconfigured(problem)) => Err(Refusal::Misconfigured(problem)),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    fn apply_poll(&self, channel: &str, is_versionless: bool, result: SharedPollRefreshResult) {
        let mut data = self.state.lock();
        let poll = data.polls.entry(channel.to_owned()).or_default();
        if !is_versionless && poll.change_epoch(&result.epoch) {
            data.connections.end_tracking(channel, OTHER_EPOCH);
            forget_untracked(&mut data, channel);
        }
        for item in result.items {
            let item = PollItem {
                key: item.key,
                data: item.data,
                version: item.version,
                removed: item.removed,
            };
            let poll = data.polls.entry(channel.to_owned()).or_default();
            if let Some(changed) = poll.take(item, is_versionless) {
                data.connections.send_polled(channel, &changed);
            }
        }
    }

    /// Sends the state of a key that a call has published.
    pub(crate) fn publish_polled(&self, channel: &str, epoch: &str, item: PollItem) {
        let mut data = self.state.lock();
        forget_untracked(&mut data, channel);
        let Some(poll) = data.polls.get_mut(channel) else {
            return;
        };
        if poll.change_epoch(epoch) {
            data.connections.end_tracking(channel, OTHER_EPOCH);
            forget_untracked(&mut data, channel);
        }
        let poll = data.polls.entry(channel.to_owned()).or_default();
        if let Some(changed) = poll.publish(item) {
            data.connections.send_polled(channel, &changed);
        }
    }
}

/// Forgets the keys of a channel that no client tracks any more.
fn forget_untracked(data: &mut Data, channel: &str) {
    let tracked = data.connections.tracked(channel);
    if let Some(poll) = data.polls.get_mut(channel) {
        poll.retain(&tracked);
    }
}
