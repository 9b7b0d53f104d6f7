//! The reply to `shared_poll_refresh`.

use centrifugo_api::{IntoPayload, Payload};

use super::format::Format;
use super::reply;
use super::setters::edit;
use crate::failure::Failure;
use crate::messages::{SharedPollRefreshResult, SharedPollRefreshResultItem};

/// The reply to [`SharedPollRefreshEvent`](crate::SharedPollRefreshEvent): the keys that have changed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SharedPollRefreshReply {
    items: Vec<SharedPollItem>,
    result: SharedPollRefreshResult,
}

/// A key of a shared poll in a [`SharedPollRefreshReply`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SharedPollItem {
    data: Option<Payload>,
    previous: Option<Payload>,
    item: SharedPollRefreshResultItem,
}

impl SharedPollItem {
    /// Creates the state of a key. Clients get it if the version is newer than theirs; with version 0, if the data differs,
    /// unless `shared_poll.mode` is `versioned`.
    ///
    /// It must be JSON over HTTP, where the schema has no field for other bytes.
    pub fn new(key: impl Into<String>, version: u64, data: impl IntoPayload) -> Self {
        let item = SharedPollRefreshResultItem::default();
        Self {
            data: Some(data.into_payload()),
            previous: None,
            item: item.key(key).version(version),
        }
    }

    /// Creates the state of a key that is not there any more.
    pub fn removed(key: impl Into<String>) -> Self {
        let item = SharedPollRefreshResultItem::default();
        Self {
            data: None,
            previous: None,
            item: item.key(key).removed(true),
        }
    }

    /// Sets the data of the version before, to which clients that support deltas get the difference.
    pub fn previous(mut self, data: impl IntoPayload) -> Self {
        self.previous = Some(data.into_payload());
        self
    }

    fn message(mut self, format: &Format) -> Result<SharedPollRefreshResultItem, Failure> {
        if let Some(data) = self.data {
            self.item.data = format.bytes("data", data)?;
        }
        if let Some(previous) = self.previous {
            self.item.prev_data = format.bytes("prev_data", previous)?;
        }
        Ok(self.item)
    }
}

impl SharedPollRefreshReply {
    /// Creates a reply without keys: nothing has changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key.
    pub fn item(mut self, item: SharedPollItem) -> Self {
        self.items.push(item);
        self
    }

    /// Adds keys.
    pub fn items(mut self, items: impl IntoIterator<Item = SharedPollItem>) -> Self {
        self.items.extend(items);
        self
    }

    /// Sets the epoch of the versions: after another one, all versions count as new.
    pub fn epoch(mut self, epoch: impl Into<String>) -> Self {
        self.result.epoch = epoch.into();
        self
    }

    fn result(mut self, format: &Format) -> Result<Option<SharedPollRefreshResult>, Failure> {
        let items = self.items.into_iter().map(|item| item.message(format));
        self.result.items = items.collect::<Result<_, _>>()?;
        Ok(Some(self.result))
    }
}

edit!(SharedPollRefreshReply, SharedPollRefreshResult);
reply!(
    SharedPollRefreshReply,
    SharedPollRefreshRequest,
    SharedPollRefreshResponse,
    ErrorReject
);
