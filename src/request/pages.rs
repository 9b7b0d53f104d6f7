//! Requests whose results come in pages.

use serde::ser::{Serialize, SerializeStructVariant as _, Serializer};

use crate::api::method::Method;
use crate::error::ApiError;

/// A page, or a notice that publications are missing.
///
/// ```no_run
/// use centrifugo_api::{Client, HistoryRequest, Page};
///
/// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
/// let mut pages = client.history_pages(HistoryRequest::new("news").limit(1000));
/// while let Some(page) = pages.next().await {
///     match page? {
///         Page::Page(page) => println!("{} publications", page.publications.len()),
///         Page::Gap { first, last } => println!("{first} to {last} were removed before they were read"),
///         Page::Lost(error) => println!("start over: {error}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Page<T> {
    /// The result of one call.
    Page(T),
    /// Publications that were removed after the position that was read last, or that the request began at: the
    /// stream was trimmed, has expired, or was removed. The pages go on behind the gap. Pages in reverse have no
    /// gaps: they end at the oldest publication that is left.
    Gap {
        /// The offset of the first missing publication.
        first: u64,
        /// The offset of the last missing publication.
        last: u64,
    },
    /// The channel's stream was lost or restarted while it was read: its epoch has changed, or a map's stream no
    /// longer has the changes that follow. This item comes once and ends the pages. Discard what was read so far,
    /// and read the channel from the start.
    Lost(ApiError),
}

/// Serializes as `{"Page": …}`, `{"Gap": {"first": …, "last": …}}` or `{"Lost": …}`.
impl<T: Serialize> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Page(page) => serializer.serialize_newtype_variant("Page", 0, "Page", page),
            Self::Gap { first, last } => {
                let mut gap = serializer.serialize_struct_variant("Page", 1, "Gap", 2)?;
                gap.serialize_field("first", first)?;
                gap.serialize_field("last", last)?;
                gap.end()
            }
            Self::Lost(error) => serializer.serialize_newtype_variant("Page", 2, "Lost", error),
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

    /// Returns what the server has removed between the position in the request and the page.
    #[doc(hidden)]
    fn missing(&self, result: &Self::Result) -> Missing {
        let _ = result;
        Missing::Nothing
    }

    /// Moves the position in the request behind a gap.
    #[doc(hidden)]
    fn skip_to(&mut self, offset: u64) {
        let _ = offset;
    }

    /// Sets the size of a page if the request has none.
    #[doc(hidden)]
    fn set_default_limit(&mut self);
}

/// The part of a stream that the server has removed between a position and the page that was read from it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Nothing,
    /// The publications with the offsets from `first` to `last`.
    Gap {
        first: u64,
        last: u64,
    },
    /// The stream that the position belongs to.
    Stream,
}

/// A position in a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position<'a> {
    pub(crate) offset: u64,
    /// Empty if it is unknown.
    pub(crate) epoch: &'a str,
}

/// Returns what is missing between the position `since` and a page with publications from the offset `first` on, of
/// a stream whose newest publication is at `top`.
pub(crate) fn missing(
    since: Position<'_>,
    reverse: bool,
    first: Option<u64>,
    top: Position<'_>,
) -> Missing {
    if is_other_stream(since.epoch, top.epoch) {
        return Missing::Stream;
    }
    if reverse {
        return Missing::Nothing;
    }
    let expected = since.offset.saturating_add(1);
    let last_missing = first.map_or(top.offset, |first| first.saturating_sub(1));
    if last_missing < expected {
        return Missing::Nothing;
    }
    Missing::Gap {
        first: expected,
        last: last_missing,
    }
}

/// Returns whether two epochs, each empty if it is unknown, are those of different streams.
pub(crate) fn is_other_stream(known: &str, current: &str) -> bool {
    !known.is_empty() && !current.is_empty() && known != current
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
