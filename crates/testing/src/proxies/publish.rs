//! Clients that publish: the publish proxy.

use bytes::Bytes;
use centrifugo_api::ClientInfo;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{PublishRequest, PublishResult};

use super::asker::{Asker, request_of};
use super::client::ProxiedConnection;
use super::proxy::Proxy;
use super::refusal::{Refusal, accepted, closed};
use super::subscribe::{check_name, check_payload, decoded};
use crate::engine::{Message, check_format};
use crate::errors::{PERMISSION_DENIED, client_error};
use crate::namespace::ChannelOptions;
use crate::state::connections::BAD_REQUEST;
use crate::state::stream::Version;

impl ProxiedConnection {
    pub(super) async fn proxied_publish(&self, channel: &str, data: Bytes) -> Result<(), Refusal> {
        let asker = self.asker()?;
        if channel.is_empty() {
            return Err(BAD_REQUEST.into());
        }
        check_payload(&asker, &data, BAD_REQUEST)?;
        let engine = self.connection.engine();
        let options = engine.channel_options(channel)?;
        check_name(channel)?;
        check_format(&data, options.data_format)?;
        let clients = &options.clients;
        let (publisher, is_subscribed) = self.publisher(channel)?;
        if let Some(name) = &clients.publish_proxy {
            let proxy = engine.proxies.named(EventKind::Publish, name)?;
            let result = self
                .ask_publish(&proxy, &asker, channel, data.clone())
                .await?;
            return self.publish_as(channel, options, data, publisher, result);
        }
        if clients.subscribe_stream_proxy.is_some() {
            return self.publish_into_stream(channel, options, data);
        }
        if !clients.publish.allows(&asker.user, is_subscribed) {
            return Err(client_error(PERMISSION_DENIED).into());
        }
        self.publish_as(channel, options, data, publisher, PublishResult::default())
    }

    async fn ask_publish(
        &self,
        proxy: &Proxy,
        asker: &Asker,
        channel: &str,
        data: Bytes,
    ) -> Result<PublishResult, Refusal> {
        let mut request = request_of!(PublishRequest, asker, proxy, connected);
        channel.clone_into(&mut request.channel);
        (request.data, request.b64data) = proxy.twins(data);
        let answer = self.connection.engine().ask(proxy, request, asker).await;
        let response = accepted::<PublishRequest>(answer, &proxy.options)?;
        Ok(response.result.unwrap_or_default())
    }

    /// Publishes as an answer says; one that is empty publishes the client's data.
    fn publish_as(
        &self,
        channel: &str,
        options: &ChannelOptions,
        data: Bytes,
        publisher: ClientInfo,
        result: PublishResult,
    ) -> Result<(), Refusal> {
        let message = Message {
            data: replaced(data, result.data, &result.b64data)?,
            info: Some(publisher),
            skip_history: result.skip_history,
            tags: result.tags,
            idempotency_key: result.idempotency_key,
            version: Version {
                number: result.version,
                epoch: result.version_epoch,
            },
        };
        let engine = self.connection.engine();
        engine.publish_unchecked(channel, options, message);
        Ok(())
    }

    /// Returns the client's info for a publication to a channel, and whether it is subscribed to it.
    pub(super) fn publisher(&self, channel: &str) -> Result<(ClientInfo, bool), Refusal> {
        let data = self.connection.engine().state.lock();
        if let Some(publisher) = data.connections.publisher(self.id(), channel) {
            return Ok((publisher, true));
        }
        let publisher = data.connections.client_info(self.id()).ok_or_else(closed)?;
        Ok((publisher, false))
    }
}

/// Returns the data of an answer; that of the client, if the answer has none. Here `data` comes before base64.
pub(super) fn replaced(of_client: Bytes, data: Bytes, base64: &str) -> Result<Bytes, Refusal> {
    if !data.is_empty() {
        return Ok(data);
    }
    if base64.is_empty() {
        return Ok(of_client);
    }
    decoded(&data, base64)
}
