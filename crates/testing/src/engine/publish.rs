//! The methods `publish`, `broadcast` and `shared_poll_publish`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use centrifugo_api::{ApiError, ClientInfo, Publication};

use crate::engine::{Call, Engine, Handler};
use crate::errors::{bad_request, not_available, unknown_channel};
use crate::json;
use crate::messages::{
    self, BroadcastRequest, BroadcastResult, PublishRequest, PublishResponse, PublishResult,
    SharedPollPublishRequest, SharedPollPublishResult,
};
use crate::namespace::{ChannelKind, ChannelOptions, DataFormat};
use crate::release::Release;
use crate::state::stream::{Position, Version};

/// The part that the requests of `publish` and `broadcast` have in common.
#[derive(Clone, Default)]
pub(crate) struct Message {
    pub(crate) data: Bytes,
    pub(crate) info: Option<ClientInfo>,
    pub(crate) skip_history: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) idempotency_key: String,
    pub(crate) version: Version,
}

/// Returns the message of a `PublishRequest` or a `BroadcastRequest`: their fields have the same
/// names.
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
    type Result = PublishResult;

    fn handle(self, call: &Call<'_>) -> Result<PublishResult, ApiError> {
        if self.channel.is_empty() {
            return Err(bad_request());
        }
        let message = message!(self);
        let options = call.engine.channel_options(&self.channel)?;
        if !matches!(options.kind, ChannelKind::Stream) {
            return Err(bad_request());
        }
        let position = call.engine.publish(&self.channel, options, message)?;
        Ok(publish_result(position))
    }
}

impl Handler for BroadcastRequest {
    type Result = BroadcastResult;

    fn handle(self, call: &Call<'_>) -> Result<BroadcastResult, ApiError> {
        if self.channels.is_empty() {
            return Err(bad_request());
        }
        let message = message!(self);
        if call.engine.release == Release::V6_10 {
            check_all(call.engine, &self.channels, &message.data)?;
        }
        let outcomes = self.channels.into_iter().map(|channel| {
            let fault = call
                .engine
                .faults
                .api_error_of_channel("broadcast", &channel);
            let outcome = match fault {
                Some(error) => Err(error),
                None => publish_to_any_kind(call.engine, &channel, &message),
            };
            outcome.map_err(|error| call.engine.release.sent(error))
        });
        Ok(BroadcastResult {
            responses: outcomes.map(response).collect(),
        })
    }
}

/// Checks that the namespaces of all configured channels take the data.
fn check_all(engine: &Engine, channels: &[String], data: &[u8]) -> Result<(), ApiError> {
    let options = channels
        .iter()
        .filter_map(|channel| engine.channel_options(channel).ok());
    options
        .map(|options| options.data_format)
        .try_for_each(|format| check_format(data, format))
}

/// Returns the response for a channel of a broadcast.
fn response(outcome: Result<Position, ApiError>) -> PublishResponse {
    match outcome {
        Ok(position) => PublishResponse {
            error: None,
            result: Some(publish_result(position)),
        },
        Err(error) => PublishResponse {
            error: Some(messages::Error {
                code: error.code,
                message: error.message,
                temporary: error.temporary,
            }),
            result: None,
        },
    }
}

/// Publishes to one channel of a broadcast.
///
/// As in Centrifugo, the kind of the channel does not matter: a map accepts the publication too,
/// but its state does not change.
fn publish_to_any_kind(
    engine: &Engine,
    channel: &str,
    message: &Message,
) -> Result<Position, ApiError> {
    if channel.is_empty() {
        return Err(bad_request());
    }
    let options = engine.channel_options(channel)?;
    engine.publish(channel, options, message.clone())
}

impl Engine {
    /// Returns the options of a channel, or an error if its namespace is not configured.
    pub(crate) fn channel_options(&self, channel: &str) -> Result<&ChannelOptions, ApiError> {
        self.namespaces
            .options_of(channel)
            .ok_or_else(unknown_channel)
    }

    /// Checks the data for a key of a map or of a shared poll, which may be empty.
    pub(super) fn check_value(&self, data: &[u8], format: DataFormat) -> Result<(), ApiError> {
        match (self.release, format) {
            (Release::V6_9, _) | (Release::V6_10, DataFormat::NotEmpty) => Ok(()),
            (Release::V6_10, format) => check_format(data, format),
        }
    }

    /// Publishes a message, and returns the position of the stream after it.
    pub(crate) fn publish(
        &self,
        channel: &str,
        options: &ChannelOptions,
        message: Message,
    ) -> Result<Position, ApiError> {
        check_format(&message.data, options.data_format)?;
        Ok(self.publish_unchecked(channel, options, message))
    }

    /// Publishes a message in any format, and returns the position of the stream after it.
    pub(crate) fn publish_unchecked(
        &self,
        channel: &str,
        options: &ChannelOptions,
        message: Message,
    ) -> Position {
        let now = self.clock.now();
        let seconds = self.clock.seconds();
        let mut data = self.state.lock();
        let key = message.idempotency_key;
        if !key.is_empty()
            && let Some(position) = data.idempotency.get(channel, &key, now)
        {
            return position.clone();
        }
        let mut publication = Publication::default();
        publication.data = message.data;
        publication.info = message.info;
        publication.tags = message.tags;
        let mut position = Position::default();
        if let Some(retention) = options.history.filter(|_| !message.skip_history) {
            let added = data.streams.add(
                channel,
                &mut publication,
                message.version,
                retention,
                seconds,
            );
            position = added.position;
            if added.is_outdated {
                return position;
            }
        }
        if !key.is_empty() {
            data.idempotency
                .insert(channel, &key, position.clone(), now);
        }
        data.connections
            .send_publication(channel, &publication, &position);
        position
    }
}

fn publish_result(position: Position) -> PublishResult {
    PublishResult {
        offset: position.offset,
        epoch: position.epoch,
    }
}

#[cfg(feature = "proxy")]
impl Engine {
    /// Sends the state of a key of a shared poll to the clients that track it.
    fn send_polled(&self, channel: &str, key: &str, version: u64, epoch: &str, data: Bytes) {
        let item = crate::state::polls::PollItem {
            key: key.to_owned(),
            data,
            version,
            removed: false,
        };
        self.publish_polled(channel, epoch, item);
    }
}

#[cfg(not(feature = "proxy"))]
impl Engine {
    /// Does nothing: no client tracks a key.
    #[allow(clippy::unused_self)] // As with proxies.
    fn send_polled(&self, _: &str, _: &str, _: u64, _: &str, _: Bytes) {}
}

/// Returns the payload of a request, from the field in base64 if that is set.
pub(crate) fn payload(plain: Bytes, base64: &str) -> Result<Bytes, ApiError> {
    if base64.is_empty() {
        return Ok(plain);
    }
    // Go's decoder skips line ends at any position.
    let without_line_ends = base64.replace(['\r', '\n'], "");
    match STANDARD.decode(without_line_ends) {
        Ok(payload) => Ok(Bytes::from(payload)),
        Err(_) => Err(bad_request()),
    }
}

pub(crate) fn check_format(data: &[u8], format: DataFormat) -> Result<(), ApiError> {
    let is_valid = match format {
        DataFormat::NotEmpty => !data.is_empty(),
        DataFormat::Json => json::is_valid(data),
        DataFormat::JsonObject => json::is_valid(data) && data.trim_ascii_start().starts_with(b"{"),
        DataFormat::Binary => true,
    };
    if is_valid { Ok(()) } else { Err(bad_request()) }
}

impl Handler for SharedPollPublishRequest {
    type Result = SharedPollPublishResult;

    fn handle(self, call: &Call<'_>) -> Result<SharedPollPublishResult, ApiError> {
        if self.channel.is_empty() || self.key.is_empty() || self.version == 0 {
            return Err(bad_request());
        }
        let options = call.engine.channel_options(&self.channel)?;
        match options.kind {
            ChannelKind::SharedPoll {
                publish_enabled: true,
                ..
            } => {
                let data = payload(self.data, &self.b64data)?;
                call.engine.check_value(&data, options.data_format)?;
                call.engine
                    .send_polled(&self.channel, &self.key, self.version, &self.epoch, data);
                Ok(SharedPollPublishResult {})
            }
            ChannelKind::SharedPoll { .. } => Err(not_available()),
            ChannelKind::Stream | ChannelKind::Map(_) => Err(bad_request()),
        }
    }
}
