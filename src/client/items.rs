//! The items of pages, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::pages::Pages;
use crate::error::Error;
use crate::request::items::OpenPage;
use crate::request::{Item, Itemized, Page};

/// The items of the pages of a request, one by one: the value of [`Pages::items`].
///
/// This is a [`Stream`]; [`next`](Self::next) reads it without another crate. A page is read when its first item is asked
/// for. An error ends it.
#[must_use = "items are read when they are asked for"]
pub struct Items<R: Itemized> {
    pages: Pages<R>,
    open: Option<OpenPage<R>>,
}

/// The next item, or the error that ends the items; `None` after the last one.
type Next<R> = Option<Result<Item<<R as Itemized>::Item>, Error>>;

impl<R: Itemized + 'static> Pages<R> {
    /// Returns the items of these pages, one by one.
    pub fn items(self) -> Items<R> {
        Items {
            pages: self,
            open: None,
        }
    }
}

impl<R: Itemized + 'static> Items<R> {
    /// Reads the next item; returns `None` after the last one.
    ///
    /// # Errors
    ///
    /// Those of the method itself; the items end with an error.
    pub async fn next(&mut self) -> Next<R> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the request for the items that were not read yet. Keep it to continue later where reading stopped.
    ///
    /// It begins behind the item that was read last. The methods with a cursor, which is that of a page, are an exception:
    /// there it begins with the page of that item, whose items come again, unless that was the last one of its page.
    pub fn request(&self) -> &R {
        let open = self.open.as_ref().and_then(OpenPage::request);
        open.unwrap_or_else(|| self.pages.request())
    }
}

impl<R: Itemized + 'static> Stream for Items<R> {
    type Item = Result<Item<R::Item>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next<R>> {
        let items = &mut *self;
        loop {
            if let Some(item) = items.open.as_mut().and_then(Iterator::next) {
                return Poll::Ready(Some(Ok(Item::Item(item))));
            }
            items.open = None;
            let Some(read) = ready!(items.pages.poll_read(context)) else {
                return Poll::Ready(None);
            };
            match read.page {
                Ok(Page::Page(page)) => items.open = Some(OpenPage::new(read.request, page)),
                Ok(Page::Gap { first, last }) => {
                    return Poll::Ready(Some(Ok(Item::Gap { first, last })));
                }
                Ok(Page::Lost(error)) => return Poll::Ready(Some(Ok(Item::Lost(error)))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<R: Itemized> Unpin for Items<R> {}

impl<R: Itemized + fmt::Debug> fmt::Debug for Items<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Items")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
