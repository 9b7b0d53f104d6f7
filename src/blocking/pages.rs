//! Pages and their items, as iterators.

use std::fmt;

use super::Client;
use crate::client::read_page;
use crate::error::Error;
use crate::request::items::OpenPage;
use crate::request::{Item, Itemized, Page, Paged};

impl Client {
    pub(super) fn pages<R: Paged>(&self, mut request: R) -> Pages<R> {
        request.set_default_limit();
        Pages {
            client: self.clone(),
            request,
            has_more: true,
        }
    }
}

/// The pages of a request: [`crate::Pages`] as an iterator.
#[must_use = "pages are read when they are asked for"]
pub struct Pages<R: Paged> {
    client: Client,
    request: R,
    has_more: bool,
}

impl<R: Paged> Pages<R> {
    /// Returns the request for the pages that were not read yet: [`crate::Pages::request`].
    pub fn request(&self) -> &R {
        &self.request
    }
}

impl<R: Itemized> Pages<R> {
    /// Returns the items of these pages, one by one: [`crate::Pages::items`].
    pub fn items(self) -> Items<R> {
        Items {
            pages: self,
            open: None,
        }
    }
}

/// The items of the pages of a request: [`crate::Items`] as an iterator.
#[must_use = "items are read when they are asked for"]
pub struct Items<R: Itemized> {
    pages: Pages<R>,
    open: Option<OpenPage<R>>,
}

impl<R: Itemized> Items<R> {
    /// Returns the request for the items that were not read yet: [`crate::Items::request`].
    pub fn request(&self) -> &R {
        let open = self.open.as_ref().and_then(OpenPage::request);
        open.unwrap_or_else(|| self.pages.request())
    }
}

impl<R: Itemized> Iterator for Items<R> {
    type Item = Result<Item<R::Item>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.open.as_mut().and_then(Iterator::next) {
                return Some(Ok(Item::Item(item)));
            }
            self.open = None;
            let request = self.pages.request.clone();
            match self.pages.next()? {
                Ok(Page::Page(page)) => self.open = Some(OpenPage::new(request, page)),
                Ok(Page::Gap { first, last }) => return Some(Ok(Item::Gap { first, last })),
                Ok(Page::Lost(error)) => return Some(Ok(Item::Lost(error))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Itemized + fmt::Debug> fmt::Debug for Items<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Items")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

impl<R: Paged> Iterator for Pages<R> {
    type Item = Result<Page<R::Result>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.has_more {
            return None;
        }
        let reading = read_page(self.client.client.clone(), self.request.clone());
        let read = match self.client.runtime.block_on(reading) {
            Ok(read) => read,
            Err(error) => {
                self.has_more = false;
                return Some(Err(error));
            }
        };
        self.request = read.request;
        self.has_more = read.has_more;
        Some(read.item)
    }
}

impl<R: Paged + fmt::Debug> fmt::Debug for Pages<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pages")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
