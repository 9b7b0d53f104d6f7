//! The replies to `map_publish` and `map_remove`.

use centrifugo_api::Payload;

use super::format::Format;
use super::publish::check_not_empty;
use super::reply;
use super::setters::{edit, setters, write_twins};
use crate::failure::Failure;
use crate::messages::{MapPublishResult, MapRemoveResult};

/// The reply to [`MapPublishEvent`](crate::MapPublishEvent): Centrifugo sets the key.
///
/// Centrifugo 6.9.1 sets it, and yet answers the client with error 107.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MapPublishReply {
    data: Option<Payload>,
    stream_data: Option<Payload>,
    result: MapPublishResult,
}

/// The condition under which a key of a map is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMode {
    /// Only if the map does not have the key.
    IfNew,
    /// Only if the map has the key.
    IfExists,
}

impl MapPublishReply {
    /// Creates the reply that Centrifugo sets the client's key to the client's payload.
    pub fn allow() -> Self {
        Self::default()
    }

    /// Sets the key only under this condition.
    pub fn key_mode(mut self, mode: KeyMode) -> Self {
        let mode = match mode {
            KeyMode::IfNew => "if_new",
            KeyMode::IfExists => "if_exists",
        };
        self.result.key_mode = mode.to_owned();
        self
    }

    /// Sets the score, by which an ordered map is sorted. Centrifugo PRO.
    pub fn score(mut self, score: i64) -> Self {
        self.result.score = score;
        self
    }

    /// Sets what subscribers get instead of the key's new value. Centrifugo PRO.
    pub fn stream_data(mut self, data: impl ::centrifugo_api::IntoPayload) -> Self {
        self.stream_data = Some(data.into_payload());
        self
    }

    fn result(mut self, format: &Format) -> Result<Option<MapPublishResult>, Failure> {
        check_not_empty(self.data.as_ref())?;
        write_twins!(format, self.data, self.result, data, b64data);
        write_twins!(
            format,
            self.stream_data,
            self.result,
            stream_data,
            b64stream_data
        );
        Ok(Some(self.result))
    }
}

setters!(MapPublishReply: replaced_data, key, tags, idempotency_key, versions);
edit!(MapPublishReply, MapPublishResult);
reply!(
    MapPublishReply,
    MapPublishRequest,
    MapPublishResponse,
    Reject
);

/// The reply to [`MapRemoveEvent`](crate::MapRemoveEvent): Centrifugo removes the key.
///
/// Centrifugo 6.9.1 removes it, and yet answers the client with error 107.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MapRemoveReply {
    result: MapRemoveResult,
}

impl MapRemoveReply {
    /// Creates the reply that Centrifugo removes the client's key.
    pub fn allow() -> Self {
        Self::default()
    }

    #[allow(clippy::unnecessary_wraps)] // As the other replies.
    fn result(self, _: &Format) -> Result<Option<MapRemoveResult>, Failure> {
        Ok(Some(self.result))
    }
}

setters!(MapRemoveReply: key, tags, idempotency_key);
edit!(MapRemoveReply, MapRemoveResult);
reply!(MapRemoveReply, MapRemoveRequest, MapRemoveResponse, Reject);
