//! Requests whose results come in pages.

use serde::ser::{Serialize, Serializer};

use crate::api::method::Method;
use crate::error::ApiError;

/// A page, or a notice that the stream was lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Page<T> {
    /// The result of one call.
    Page(T),
    /// The channel's stream was lost or restarted while it was read: its epoch has changed. This item comes once
    /// and ends the pages. The publications that were read so far are no longer in the channel: read it from the
    /// start.
    Lost(ApiError),
}

/// Serializes as `{"Page": …}` or `{"Lost": …}`.
impl<T: Serialize> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Page(page) => serializer.serialize_newtype_variant("Page", 0, "Page", page),
            Self::Lost(error) => serializer.serialize_newtype_variant("Page", 1, "Lost", error),
        }
    }
}

/// A request whose results come in pages.
///
/// Generated for the rpcs that have a cursor, or a position to continue from.
pub trait Paged: Method + Clone + Send {
    /// Turns the request into the one for the page after `result`, and returns whether there can be one.
    #[doc(hidden)]
    fn advance(&mut self, result: &Self::Result) -> bool;

    /// Sets the size of a page if the request has none.
    #[doc(hidden)]
    fn set_default_limit(&mut self);
}

/// The default size of a page.
pub(crate) const DEFAULT_LIMIT: i32 = 100;

/// Returns whether a stream whose newest offset is `top` can have a page after one that ended at the offset `last`.
///
/// A page that is not full is the last one. With a negative limit the only page has everything.
pub(crate) fn may_go_on(limit: i32, length: usize, reverse: bool, last: u64, top: u64) -> bool {
    let is_full = usize::try_from(limit).is_ok_and(|limit| length >= limit);
    if reverse {
        is_full && last > 1
    } else {
        is_full && last < top
    }
}
