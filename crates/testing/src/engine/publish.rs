use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{Engine, Call, Handler, bad_request, not_available, unknown_channel};
use crate::json;
use crate::namespace::{Channel, DataFormat, ChannelKind};
use crate::state::stream::{Position, Version};
use centrifugo_api::api::{
    BroadcastRequest, BroadcastResult, PublishRequest, PublishResponse, PublishResult,
    SharedPollPublishRequest, SharedPollPublishResult,
};
use centrifugo_api::{ApiError, ClientInfo, Publication};

/// What `publish` and `broadcast` have in common.
#[derive(Clone, Default)]
pub(crate) struct Message {
    pub(crate) data: Bytes,
    pub(crate) info: Option<ClientInfo>,
    pub(crate) skip_history: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) idempotency_key: String,
    pub(crate) version: Version,
}

/// The message of a `PublishRequest` or a `BroadcastRequest`, which name its parts alike.
macro_rules! message {
    ($request:ident) => {
        Message {
            data: payload($request.data, &$request.b64data)?,
            info: None,
            skip_history: $request.skip_history,
            tags: $request.tags,
            idempotency_key: $request.idempotency_key,
            version: Version {
                number: $request.version,
                epoch: $request.version_epoch,
            },
        }
    };
}

impl Handler for PublishRequest {
    fn handle(self, call: &Call<'_>) -> Result<PublishResult, ApiError> {
        if self.channel.is_empty() {
            return Err(bad_request());
        }
        let message = message!(self);
        let channel = call.engine.channel(&self.channel)?;
        match channel.kind {
            ChannelKind::Stream => call
                .engine
                .publish(&self.channel, channel, message)
                .map(result),
            ChannelKind::Map(_) | ChannelKind::SharedPoll { .. } => Err(bad_request()),
        }
    }
}

impl Handler for BroadcastRequest {
    fn handle(self, call: &Call<'_>) -> Result<BroadcastResult, ApiError> {
        if self.channels.is_empty() {
            return Err(bad_request());
        }
        let message = message!(self);
        let responses = self.channels.iter().map(|channel| {
            let outcome = match call.engine.faults.api_error_of_part("broadcast", channel) {
                Some(error) => Err(error),
                None => publish_part(call.engine, channel, &message),
            };
            match outcome {
                Ok(position) => PublishResponse::new().result(result(position)),
                Err(error) => PublishResponse::new().error(error),
            }
        });
        Ok(BroadcastResult::new().responses(responses))
    }
}

/// Publishes whatever the channel's kind: a map takes it, and shows nothing of it.
fn publish_part(engine: &Engine, name: &str, message: &Message) -> Result<Position, ApiError> {
    if name.is_empty() {
        return Err(bad_request());
    }
    let channel = engine.channel(name)?;
    engine.publish(name, channel, message.clone())
}

impl Engine {
    /// The options of a channel.
    pub(crate) fn channel(&self, name: &str) -> Result<&Channel, ApiError> {
        self.namespaces.of(name).ok_or_else(unknown_channel)
    }

    pub(crate) fn publish(
        &self,
        name: &str,
        channel: &Channel,
        message: Message,
    ) -> Result<Position, ApiError> {
        check_format(&message.data, channel.data_format)?;
        let (now, seconds) = (self.clock.now(), self.clock.seconds());
        let mut data = self.state.lock();
        let key = message.idempotency_key;
        if !key.is_empty()
            && let Some(position) = data.idempotency.get(name, &key, now)
        {
            return Ok(position.clone());
        }
        let mut publication = Publication::default();
        (publication.data, publication.info, publication.tags) =
            (message.data, message.info, message.tags);
        let mut position = Position::default();
        if let Some(retention) = channel.history.filter(|_| !message.skip_history) {
            let added;
            (position, added) =
                data.streams
                    .add(name, &mut publication, message.version, retention, seconds);
            if !added {
                return Ok(position);
            }
        }
        if !key.is_empty() {
            data.idempotency.keep(name, &key, position.clone(), now);
        }
        data.connections.publish(name, &publication, &position);
        Ok(position)
    }
}

// A schema may add fields.
#[allow(clippy::field_reassign_with_default)]
pub(crate) fn result(position: Position) -> PublishResult {
    let mut result = PublishResult::default();
    (result.offset, result.epoch) = (position.offset, position.epoch);
    result
}

/// The payload, or what its twin says.
pub(crate) fn payload(plain: Bytes, base64: &str) -> Result<Bytes, ApiError> {
    match base64.is_empty() {
        true => Ok(plain),
        // Go skips line ends wherever they are.
        false => STANDARD
            .decode(base64.replace(['\r', '\n'], ""))
            .map(Bytes::from)
            .map_err(|_| bad_request()),
    }
}

fn check_format(data: &[u8], format: DataFormat) -> Result<(), ApiError> {
    let fits = match format {
        DataFormat::NotEmpty => !data.is_empty(),
        DataFormat::Json => json::is_valid(data),
        DataFormat::JsonObject => json::is_valid(data) && data.trim_ascii_start().starts_with(b"{"),
        DataFormat::Binary => true,
    };
    if fits { Ok(()) } else { Err(bad_request()) }
}

impl Handler for SharedPollPublishRequest {
    fn handle(self, call: &Call<'_>) -> Result<SharedPollPublishResult, ApiError> {
        if self.channel.is_empty() || self.key.is_empty() || self.version == 0 {
            return Err(bad_request());
        }
        match call.engine.channel(&self.channel)?.kind {
            ChannelKind::SharedPoll {
                publish_enabled: true,
            } => {
                payload(self.data, &self.b64data)?;
                Ok(SharedPollPublishResult::default())
            }
            ChannelKind::SharedPoll { .. } => Err(not_available()),
            ChannelKind::Stream | ChannelKind::Map(_) => Err(bad_request()),
        }
    }
}
