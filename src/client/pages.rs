use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Page, Paged};
use crate::{ApiError, Client, Error, Method};

/// The pages of a request, read one by one as they are asked for: what `Client::history_pages` and its sisters
/// answer.
///
/// A [`Stream`]; [`next`](Self::next) reads it without a further crate. An error ends it. The client's timeout
/// bounds each page.
#[must_use = "pages are read when they are asked for"]
pub struct Pages<R: Paged> {
    client: Client,
    /// Asks for the next page.
    request: R,
    has_more: bool,
    reading: Option<Reading<R>>,
}

type Reading<R> = Pin<Box<dyn Future<Output = Read<R>> + Send>>;

/// One item of the pages of `R`.
type Item<R> = Result<Page<<R as Method>::Result>, Error>;

/// What was read, the request for what is behind it, and whether there can be more.
pub(crate) struct Read<R: Paged> {
    pub(crate) item: Item<R>,
    pub(crate) request: R,
    pub(crate) has_more: bool,
}

impl<R: Paged + 'static> Pages<R> {
    pub(crate) fn new(client: Client, mut request: R) -> Self {
        request.set_default_limit();
        Self {
            client,
            request,
            has_more: true,
            reading: None,
        }
    }

    /// Reads the next page; `None` behind the last.
    ///
    /// # Errors
    ///
    /// As the method itself; the pages end with it.
    pub async fn next(&mut self) -> Option<Item<R>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The request for what is behind the pages that were read: kept, it continues there another time, be it after
    /// the last page, when there is more.
    pub fn request(&self) -> &R {
        &self.request
    }
}

/// Reads a page.
pub(crate) async fn read<R: Paged>(client: Client, mut request: R) -> Read<R> {
    let answered = match client.write(&mut request) {
        Ok(body) => client.exchange(&request, &body, None).await,
        Err(error) => Err(error),
    };
    let (item, has_more) = match answered {
        Ok(result) => {
            let has_more = request.advance(&result);
            (Ok(Page::Page(result)), has_more)
        }
        Err(Error::Api(error)) if error.code == ApiError::UNRECOVERABLE_POSITION => {
            (Ok(Page::Lost(error.into_error())), false)
        }
        Err(error) => (Err(error), false),
    };
    Read {
        item,
        request,
        has_more,
    }
}

impl<R: Paged + 'static> Stream for Pages<R> {
    type Item = Item<R>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pages = &mut *self;
        if !pages.has_more {
            return Poll::Ready(None);
        }
        let reading = pages
            .reading
            .get_or_insert_with(|| Box::pin(read(pages.client.clone(), pages.request.clone())));
        let read = std::task::ready!(reading.as_mut().poll(context));
        pages.reading = None;
        (pages.request, pages.has_more) = (read.request, read.has_more);
        Poll::Ready(Some(read.item))
    }
}

impl<R: Paged> Unpin for Pages<R> {}

impl<R: Paged + fmt::Debug> fmt::Debug for Pages<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pages")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
