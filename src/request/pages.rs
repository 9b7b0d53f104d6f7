#[cfg(feature = "_transport")]
mod stream;

#[cfg(feature = "_transport")]
pub use stream::Pages;
#[cfg(all(feature = "blocking", feature = "_transport"))]
pub(crate) use stream::read;

use crate::{ApiError, Method};

/// A page, or the news that there are no more since the stream was lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Page<T> {
    /// What one call answered.
    Page(T),
    /// The channel's stream was lost, or began anew, while it was read: its epoch has changed. It comes once, and
    /// ends the pages: what was read until now is no longer in the channel; read it from the start.
    Lost(ApiError),
}

/// Requests whose results come in pages.
///
/// Generated for the rpcs that have a cursor, or a position to continue from.
pub trait Paged: Method + Clone + Send {
    /// Turns the request into that for the page behind `result`; false at the end.
    #[doc(hidden)]
    fn advance(&mut self, result: &Self::Result) -> bool;

    /// Sets the size of a page where the request has none.
    #[doc(hidden)]
    fn set_default_limit(&mut self);
}

/// The size of a page where the request says none.
pub(crate) const DEFAULT_LIMIT: i32 = 100;

/// Whether there can be a page behind one that ended at `last` of a stream whose newest offset is `top`: a page that
/// is not full is the last one, a page of everything (a negative limit) the only one.
pub(crate) fn may_go_on(limit: i32, length: usize, reverse: bool, last: u64, top: u64) -> bool {
    let is_full = usize::try_from(limit).is_ok_and(|limit| length >= limit);
    is_full && if reverse { last > 1 } else { last < top }
}
