//! The requests and the results of map channels.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use centrifugo_api::ClientInfo;

/// An error of a call to a map channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapError {
    /// Error 107: an unknown `key_mode`.
    BadRequest,
    /// Error 100: a `version` in the ephemeral mode, or options of the namespace that contradict
    /// each other.
    Internal,
    /// Error 112: another epoch, or changes that the stream no longer has.
    Unrecoverable,
}

/// A position in the stream of a map channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapPosition {
    pub(crate) offset: u64,
    pub(crate) epoch: String,
}

impl MapPosition {
    /// Returns the position in two fields of a request, or `None` if both are empty.
    pub(crate) fn from_fields(offset: u64, epoch: impl Into<String>) -> Option<Self> {
        let epoch = epoch.into();
        (offset > 0 || !epoch.is_empty()).then_some(Self { offset, epoch })
    }
}

/// The condition on a key under which a publication changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyMode {
    #[default]
    Replace,
    IfNew,
    IfExists,
}

impl KeyMode {
    /// Parses the field `key_mode`.
    pub(crate) fn from_name(name: &str) -> Result<Self, MapError> {
        match name {
            "" => Ok(Self::Replace),
            "if_new" => Ok(Self::IfNew),
            "if_exists" => Ok(Self::IfExists),
            _ => Err(MapError::BadRequest),
        }
    }
}

/// A request of `map_publish`. An empty `idempotency_key` and version 0 count as unset.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapPublish {
    pub(crate) key: String,
    pub(crate) data: Bytes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) idempotency_key: String,
    pub(crate) key_mode: KeyMode,
    pub(crate) version: u64,
    pub(crate) version_epoch: String,
    /// The client that sets the key, if it is not the server.
    pub(crate) info: Option<ClientInfo>,
}

/// A request of `map_remove`.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapRemove {
    pub(crate) key: String,
    pub(crate) idempotency_key: String,
    /// The tags of the removal; those of the removed value if there are none.
    pub(crate) tags: BTreeMap<String, String>,
}

/// A request of `map_read_state`. It lacks `asc`, which has no effect: the API sets no scores.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapReadState {
    pub(crate) cursor: String,
    /// The number of entries of a page; 0 reads the position only, a negative limit reads all
    /// entries.
    pub(crate) limit: i32,
    /// If not empty, only this entry is read, regardless of the cursor and the limit.
    pub(crate) key: String,
    pub(crate) revision: Option<MapPosition>,
}

/// A request of `map_read_stream`.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapReadStream {
    pub(crate) since: Option<MapPosition>,
    /// The number of changes; 0 reads the position only, a negative limit reads all changes.
    pub(crate) limit: i32,
    pub(crate) reverse: bool,
}

/// A change of a key: an entry of the state or the stream, and the event for subscribers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MapPublication {
    pub(crate) key: String,
    pub(crate) data: Bytes,
    /// The tags of the value; for a removal, the tags of the removed value.
    pub(crate) tags: BTreeMap<String, String>,
    /// The offset in the stream; 0 in the ephemeral mode.
    pub(crate) offset: u64,
    pub(crate) removed: bool,
    /// The client that has set the key.
    pub(crate) info: Option<ClientInfo>,
    /// The Unix time of the change, in milliseconds.
    pub(crate) time: u64,
}

/// The reason for which `map_publish` or `map_remove` changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SuppressReason {
    Idempotency,
    Version,
    KeyExists,
    KeyNotFound,
}

impl SuppressReason {
    /// Returns the text of the field `suppress_reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Idempotency => "idempotency",
            Self::Version => "version",
            Self::KeyExists => "key_exists",
            Self::KeyNotFound => "key_not_found",
        }
    }
}

/// The result of `map_publish` and `map_remove`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MapUpdate {
    pub(crate) position: MapPosition,
    pub(crate) outcome: MapOutcome,
}

/// The outcome of `map_publish` and `map_remove`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MapOutcome {
    /// The change, which the subscribers of the channel must receive.
    Changed(Arc<MapPublication>),
    Suppressed(SuppressReason),
}

/// A page of `map_read_state` or `map_read_stream`; only a state has a cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MapPage {
    pub(crate) entries: Vec<Arc<MapPublication>>,
    pub(crate) position: MapPosition,
    pub(crate) cursor: String,
}
