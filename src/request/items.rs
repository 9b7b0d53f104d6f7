//! The items of pages, one by one.

#[cfg(feature = "_transport")]
use std::vec;

use super::pages::Paged;
use crate::error::ApiError;

/// An item of the pages of a request, or a notice that some are missing: the same as in [`Page`](crate::Page).
///
/// ```no_run
/// use centrifugo_api::{Client, HistoryRequest, Item};
///
/// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
/// let mut items = client.history_pages(HistoryRequest::new("news")).items();
/// while let Some(item) = items.next().await {
///     match item? {
///         Item::Item(publication) => println!("{}: {:?}", publication.offset, publication.data),
///         Item::Gap { first, last } => println!("{first} to {last} were removed before they were read"),
///         Item::Lost(error) => println!("start over: {error}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Item<T> {
    /// A publication, an entry of a map, a device, a topic.
    Item(T),
    /// Publications that were removed before they were read: see [`Page::Gap`](crate::Page::Gap).
    Gap {
        /// The offset of the first missing publication.
        first: u64,
        /// The offset of the last missing publication.
        last: u64,
    },
    /// The channel's stream was lost or restarted while it was read: see [`Page::Lost`](crate::Page::Lost). It comes once
    /// and ends the items.
    Lost(ApiError),
}

/// A request whose pages are lists of items.
///
/// Generated for the rpcs with pages whose result has a single list of messages.
pub trait Itemized: Paged {
    /// The type of an item.
    type Item: Send;

    /// Takes the items out of a page.
    #[doc(hidden)]
    fn items(result: Self::Result) -> Vec<Self::Item>;

    /// Returns the epoch of the stream that a page was read from; empty if the items have no positions.
    #[doc(hidden)]
    fn epoch(result: &Self::Result) -> &str {
        let _ = result;
        ""
    }

    /// Moves the position in the request behind an item, if items have positions.
    #[doc(hidden)]
    fn go_behind(&mut self, item: &Self::Item, epoch: &str) {
        let _ = (item, epoch);
    }
}

/// A page whose items are being taken.
#[cfg(feature = "_transport")]
pub(crate) struct OpenPage<R: Itemized> {
    /// The request for the items that were not taken yet, or for the page.
    request: R,
    epoch: String,
    items: vec::IntoIter<R::Item>,
}

#[cfg(feature = "_transport")]
impl<R: Itemized> OpenPage<R> {
    /// Opens the page that a request has returned.
    pub(crate) fn new(request: R, page: R::Result) -> Self {
        Self {
            request,
            epoch: R::epoch(&page).to_owned(),
            items: R::items(page).into_iter(),
        }
    }

    /// Returns the request for the items that were not taken yet, or for the page; `None` if all were.
    pub(crate) fn request(&self) -> Option<&R> {
        (self.items.len() > 0).then_some(&self.request)
    }
}

#[cfg(feature = "_transport")]
impl<R: Itemized> Iterator for OpenPage<R> {
    type Item = R::Item;

    fn next(&mut self) -> Option<R::Item> {
        let item = self.items.next()?;
        self.request.go_behind(&item, &self.epoch);
        Some(item)
    }
}
