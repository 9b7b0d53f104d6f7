//! The pages of a request, as a stream.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Client;
use crate::api::method::Method;
use crate::error::{ApiError, Error};
use crate::request::pages::Missing;
use crate::request::{Page, Paged};

/// The pages of a request, read one by one as they are asked for: the value of `Client::history_pages` and the other
/// `*_pages` methods.
///
/// This is a [`Stream`]; [`next`](Self::next) reads it without another crate. An error ends it. The client's timeout
/// bounds each page.
#[must_use = "pages are read when they are asked for"]
pub struct Pages<R: Paged> {
    client: Client,
    /// The request for the next page.
    request: R,
    has_more: bool,
    reading: Option<Reading<R>>,
}

/// A page that is being read.
type Reading<R> = Pin<Box<dyn Future<Output = PageRead<R>> + Send>>;

/// One item of the pages of `R`.
type Item<R> = Result<Page<<R as Method>::Result>, Error>;

/// A page that was read, and its request.
pub(super) struct Read<R: Paged> {
    pub(super) page: Item<R>,
    pub(super) request: R,
}

/// A page that was read, the request for the next one, and whether there can be a next one.
pub(crate) struct PageRead<R: Paged> {
    pub(crate) item: Item<R>,
    pub(crate) request: R,
    pub(crate) has_more: bool,
}

impl<R: Paged + 'static> Pages<R> {
    pub(super) fn new(client: Client, mut request: R) -> Self {
        request.set_default_limit();
        Self {
            client,
            request,
            has_more: true,
            reading: None,
        }
    }

    /// Reads the next page; returns `None` after the last one.
    ///
    /// # Errors
    ///
    /// Those of the method itself; the pages end with an error.
    pub async fn next(&mut self) -> Option<Item<R>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads the next page, and returns its request too.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Read<R>>> {
        if !self.has_more {
            return Poll::Ready(None);
        }
        let reading = self
            .reading
            .get_or_insert_with(|| Box::pin(read(self.client.clone(), self.request.clone())));
        let read = ready!(reading.as_mut().poll(context));
        self.reading = None;
        self.has_more = read.has_more;
        Poll::Ready(Some(Read {
            page: read.item,
            request: std::mem::replace(&mut self.request, read.request),
        }))
    }

    /// Returns the request for the pages that were not read yet. Keep it to continue later where reading stopped.
    pub fn request(&self) -> &R {
        &self.request
    }
}

/// Reads a page.
pub(crate) async fn read<R: Paged>(client: Client, mut request: R) -> PageRead<R> {
    let result = client.run_whole(&mut request).await;
    let (item, has_more) = match result {
        Ok(result) => match request.missing(&result) {
            Missing::Nothing => {
                let has_more = request.advance(&result);
                (Ok(Page::Page(result)), has_more)
            }
            // The page is read again, from behind the gap.
            Missing::Gap { first, last } => {
                request.skip_to(last);
                (Ok(Page::Gap { first, last }), true)
            }
            Missing::Stream => (Ok(Page::Lost(lost(&request))), false),
        },
        Err(Error::Api(error)) if error.code == ApiError::UNRECOVERABLE_POSITION => {
            (Ok(Page::Lost(error)), false)
        }
        Err(error) => (Err(error), false),
    };
    PageRead {
        item,
        request,
        has_more,
    }
}

/// Returns the error of a stream with another epoch, which servers return too unless the channel is new to them.
fn lost<R: Paged>(request: &R) -> ApiError {
    let code = ApiError::UNRECOVERABLE_POSITION;
    let error = ApiError::new(code, "unrecoverable position").of(R::NAME);
    error.about((R::GENERATED.channel)(request))
}

impl<R: Paged + 'static> Stream for Pages<R> {
    type Item = Item<R>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let read = ready!(self.poll_read(context));
        Poll::Ready(read.map(|read| read.page))
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
