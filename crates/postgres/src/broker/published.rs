//! The outcome of a publication.

use std::fmt;

use centrifugo_api::StreamPosition;

use crate::error::Error;

/// The result of Centrifugo's SQL functions: the position of the publication, or the reason why there is none.
///
/// It holds once the transaction commits.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the publication may have been suppressed: see `accepted`"]
pub struct Published {
    pub(super) position: StreamPosition,
    pub(super) suppressed: Option<SuppressReason>,
    pub(super) current: Option<CurrentValue>,
}

impl Published {
    /// Returns the number of the publication in the channel's history; if it was suppressed, that of the first publication
    /// with the same idempotency key, or the last one of the channel.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.position.offset
    }

    /// Returns the identifier of the history that the offset belongs to.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.position.epoch
    }

    /// Returns offset and epoch.
    #[must_use]
    pub fn position(&self) -> &StreamPosition {
        &self.position
    }

    /// Returns why nothing was published; `None` if it was.
    #[must_use]
    pub fn suppressed(&self) -> Option<&SuppressReason> {
        self.suppressed.as_ref()
    }

    /// Returns the value of the key, if it is not at the position that was [expected](super::MapBroker::compare_and_publish).
    #[must_use]
    pub fn current(&self) -> Option<&CurrentValue> {
        self.current.as_ref()
    }

    /// Returns the position of the publication, or an error if it was suppressed: with `?`, the application leaves its
    /// transaction, which rolls it back.
    ///
    /// # Errors
    ///
    /// [`Error::Suppressed`].
    pub fn accepted(self) -> Result<StreamPosition, Error> {
        match self.suppressed {
            Some(reason) => Err(Error::Suppressed(reason)),
            None => Ok(self.position),
        }
    }
}

/// The value that a key of a map has.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CurrentValue {
    /// The offset at which the key was last set.
    pub offset: u64,
    /// The value: JSON, or any bytes if the broker is binary.
    pub data: Vec<u8>,
}

/// Does not show the value.
impl fmt::Debug for CurrentValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CurrentValue")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// The reason why nothing was published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuppressReason {
    /// There was a publication with the same idempotency key: `idempotency`.
    Idempotency,
    /// The version is not above the last one: `version`.
    Version,
    /// The key exists, and the mode is `if_new`: `key_exists`.
    KeyExists,
    /// The key does not exist, and the mode is `if_exists`, or it was to be removed: `key_not_found`.
    KeyNotFound,
    /// The key is not at the position that was expected: `position_mismatch`.
    PositionMismatch,
    /// A reason of a newer Centrifugo.
    Other(String),
}

impl SuppressReason {
    #[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
    pub(super) fn new(reason: String) -> Self {
        match reason.as_str() {
            "idempotency" => Self::Idempotency,
            "version" => Self::Version,
            "key_exists" => Self::KeyExists,
            "key_not_found" => Self::KeyNotFound,
            "position_mismatch" => Self::PositionMismatch,
            _ => Self::Other(reason),
        }
    }

    /// Returns the reason as Centrifugo writes it, also in `suppress_reason` of its server API.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Idempotency => "idempotency",
            Self::Version => "version",
            Self::KeyExists => "key_exists",
            Self::KeyNotFound => "key_not_found",
            Self::PositionMismatch => "position_mismatch",
            Self::Other(reason) => reason,
        }
    }
}

impl fmt::Display for SuppressReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
