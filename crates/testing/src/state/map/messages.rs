use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

/// Why a call on a map channel failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapError {
    /// Error 107: an unknown `key_mode`.
    BadRequest,
    /// Error 100: a `version` in the ephemeral mode, or options of the namespace that contradict each other.
    Internal,
    /// Error 112: another epoch, or changes that the stream no longer holds.
    Unrecoverable,
}

/// A position in the stream of a map channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapPosition {
    pub(crate) offset: u64,
    pub(crate) epoch: String,
}

impl MapPosition {
    /// Reads the two fields of a request: both empty are no position.
    pub(crate) fn given(offset: u64, epoch: impl Into<String>) -> Option<Self> {
        let epoch = epoch.into();
        (offset > 0 || !epoch.is_empty()).then_some(Self { offset, epoch })
    }
}

/// Whether a key must or must not be there for a publication to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyMode {
    #[default]
    Replace,
    IfNew,
    IfExists,
}

impl KeyMode {
    /// Reads the field `key_mode`.
    pub(crate) fn from_name(name: &str) -> Result<Self, MapError> {
        match name {
            "" => Ok(Self::Replace),
            "if_new" => Ok(Self::IfNew),
            "if_exists" => Ok(Self::IfExists),
            _ => Err(MapError::BadRequest),
        }
    }
}

/// What `map_publish` asks of the channel; an empty `idempotency_key` is none, version 0 is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapPublish {
    pub(crate) key: String,
    pub(crate) data: Bytes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) idempotency_key: String,
    pub(crate) key_mode: KeyMode,
    pub(crate) version: u64,
    pub(crate) version_epoch: String,
}

/// What `map_remove` asks of the channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapRemove {
    pub(crate) key: String,
    pub(crate) idempotency_key: String,
}

/// What `map_read_state` asks of the channel; `asc` has no effect, since the API writes no scores.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapReadState {
    pub(crate) cursor: String,
    /// How many entries a page has; 0 asks for the position alone, a negative limit for all entries.
    pub(crate) limit: i32,
    /// Asks for this entry alone, whatever the cursor and the limit.
    pub(crate) key: String,
    pub(crate) revision: Option<MapPosition>,
}

/// What `map_read_stream` asks of the channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapReadStream {
    pub(crate) since: Option<MapPosition>,
    /// How many changes to answer; 0 asks for the position alone, a negative limit for all changes.
    pub(crate) limit: i32,
    pub(crate) reverse: bool,
}

/// A change of a key: a value in the state, an entry of the stream, and what subscribers get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MapPublication {
    pub(crate) key: String,
    pub(crate) data: Bytes,
    /// Its own tags; of a removal, those of the value that was removed.
    pub(crate) tags: BTreeMap<String, String>,
    /// Its place in the stream; 0 in the ephemeral mode.
    pub(crate) offset: u64,
    pub(crate) removed: bool,
    /// When it happened, in milliseconds.
    pub(crate) time: u64,
}

/// Why `map_publish` or `map_remove` changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SuppressReason {
    Idempotency,
    Version,
    KeyExists,
    KeyNotFound,
}

impl SuppressReason {
    /// The text of the field `suppress_reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Idempotency => "idempotency",
            Self::Version => "version",
            Self::KeyExists => "key_exists",
            Self::KeyNotFound => "key_not_found",
        }
    }
}

/// What `map_publish` and `map_remove` answer, and what they send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MapUpdate {
    pub(crate) position: MapPosition,
    pub(crate) outcome: MapOutcome,
}

/// Whether the channel changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MapOutcome {
    /// It did: this goes to the channel's subscribers.
    Changed(Arc<MapPublication>),
    Suppressed(SuppressReason),
}

/// What `map_read_state` and `map_read_stream` answer; only a state has a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapPage {
    pub(crate) entries: Vec<Arc<MapPublication>>,
    pub(crate) position: MapPosition,
    pub(crate) cursor: String,
}
