//! Clients that change maps: the map_publish and map_remove proxies.

use bytes::Bytes;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{
    MapPublishRequest, MapPublishResult, MapRemoveRequest, MapRemoveResult,
};

use super::asker::request_of;
use super::client::ProxiedConnection;
use super::publish::replaced;
use super::refusal::{Refusal, accepted, failed};
use super::subscribe::{check_name, check_payload};
use crate::errors::{PERMISSION_DENIED, bad_request, client_error};
use crate::namespace::ChannelOptions;
use crate::release::Release;
use crate::state::connections::BAD_REQUEST;
use crate::state::map::{KeyMode, MapPublish, MapRemove};
use crate::state::random::epoch;

impl ProxiedConnection {
    pub(super) async fn proxied_map_publish(
        &self,
        channel: &str,
        key: &str,
        data: Bytes,
    ) -> Result<(), Refusal> {
        let asker = self.asker()?;
        let options = self.map_channel(channel)?;
        check_payload(&asker, &data, BAD_REQUEST)?;
        let Some(name) = &options.clients.map_publish_proxy else {
            let (_, is_subscribed) = self.publisher(channel)?;
            if !options
                .clients
                .map_publish
                .allows(&asker.user, is_subscribed)
            {
                return Err(client_error(PERMISSION_DENIED).into());
            }
            return self.set_key(channel, key, data, MapPublishResult::default());
        };
        let engine = self.connection.engine();
        let proxy = engine.proxies.named(EventKind::MapPublish, name)?;
        let mut request = request_of!(MapPublishRequest, asker, proxy, connected);
        channel.clone_into(&mut request.channel);
        key.clone_into(&mut request.key);
        (request.data, request.b64data) = proxy.twins(data.clone());
        let answer = engine.ask(&proxy, request, &asker).await;
        let response = accepted::<MapPublishRequest>(answer, &proxy.options)?;
        self.set_key(channel, key, data, response.result.unwrap_or_default())?;
        self.end_of_proxied_change()
    }

    pub(super) async fn proxied_map_remove(&self, channel: &str, key: &str) -> Result<(), Refusal> {
        let asker = self.asker()?;
        let options = self.map_channel(channel)?;
        let Some(name) = &options.clients.map_remove_proxy else {
            let (_, is_subscribed) = self.publisher(channel)?;
            if !options
                .clients
                .map_remove
                .allows(&asker.user, is_subscribed)
            {
                return Err(client_error(PERMISSION_DENIED).into());
            }
            return self.remove_key(channel, key, MapRemoveResult::default());
        };
        let engine = self.connection.engine();
        let proxy = engine.proxies.named(EventKind::MapRemove, name)?;
        let mut request = request_of!(MapRemoveRequest, asker, proxy, connected);
        channel.clone_into(&mut request.channel);
        key.clone_into(&mut request.key);
        let answer = engine.ask(&proxy, request, &asker).await;
        let response = accepted::<MapRemoveRequest>(answer, &proxy.options)?;
        self.remove_key(channel, key, response.result.unwrap_or_default())?;
        self.end_of_proxied_change()
    }

    /// Returns the options of the channel of a map.
    fn map_channel(&self, channel: &str) -> Result<&ChannelOptions, Refusal> {
        if channel.is_empty() {
            return Err(BAD_REQUEST.into());
        }
        let options = self.connection.engine().channel_options(channel)?;
        check_name(channel)?;
        Ok(options)
    }

    /// Sets a key as an answer says; one that is empty sets the client's.
    fn set_key(
        &self,
        channel: &str,
        key: &str,
        data: Bytes,
        result: MapPublishResult,
    ) -> Result<(), Refusal> {
        let (publisher, _) = self.publisher(channel)?;
        let publish = MapPublish {
            key: given_or(result.key, key)?,
            data: replaced(data, result.data, &result.b64data)?,
            tags: result.tags,
            idempotency_key: result.idempotency_key,
            // Centrifugo takes an unknown mode for none.
            key_mode: KeyMode::from_name(&result.key_mode).unwrap_or_default(),
            version: result.version,
            version_epoch: result.version_epoch,
            info: Some(publisher),
        };
        let engine = self.connection.engine();
        let options = engine.map_options(channel).map_err(|_| failed())?;
        let changed = engine.change_map(channel, options, |map, now| {
            map.publish(now, publish, &mut epoch)
        });
        changed.map(drop).map_err(|_| failed())
    }

    fn remove_key(&self, channel: &str, key: &str, result: MapRemoveResult) -> Result<(), Refusal> {
        let remove = MapRemove {
            key: given_or(result.key, key)?,
            idempotency_key: result.idempotency_key,
            tags: result.tags,
        };
        let engine = self.connection.engine();
        let options = engine.map_options(channel).map_err(|_| failed())?;
        let changed = engine.change_map(channel, options, |map, now| map.remove(now, remove));
        changed.map(drop).map_err(|_| failed())
    }

    /// Returns what the client gets after a change that a proxy has allowed: in 6.9 error 107, though the map has changed.
    fn end_of_proxied_change(&self) -> Result<(), Refusal> {
        match self.connection.engine().release {
            Release::V6_9 => Err(bad_request().into()),
            Release::V6_10 => Ok(()),
        }
    }
}

/// Returns the key of an answer, or else that of the client.
fn given_or(given: String, of_client: &str) -> Result<String, Refusal> {
    if !given.is_empty() {
        return Ok(given);
    }
    if of_client.is_empty() {
        return Err(bad_request().into());
    }
    Ok(of_client.to_owned())
}
