//! Channels whose publications have a type, without async.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Items};
use crate::api::messages::{HistoryRequest, PublishRequest, PublishResult};
use crate::client;
use crate::error::Error;
use crate::request::Item;
use crate::request::typed::{TypedPublication, decode};

/// A channel whose publications are all values of one type, as JSON: [`crate::Channel`] for code without async.
///
/// ```no_run
/// use centrifugo_api::{Item, blocking};
///
/// # fn run(client: blocking::Client) -> Result<(), centrifugo_api::Error> {
/// let counts = client.channel::<u64>("counts");
/// counts.publish(&7)?;
/// for item in counts.history().items() {
///     if let Item::Item(item) = item? {
///         println!("{}: {}", item.publication.offset, item.data?);
///     }
/// }
/// # Ok(()) }
/// ```
pub struct Channel<T> {
    client: Client,
    channel: client::Channel<T>,
}

impl Client {
    /// Returns a channel whose publications are all of the type `T`, as JSON: [`crate::Client::channel`].
    pub fn channel<T>(&self, name: impl Into<String>) -> Channel<T> {
        Channel {
            client: self.clone(),
            channel: self.client.channel(name),
        }
    }
}

impl<T> Channel<T> {
    /// Returns the name of the channel.
    #[must_use]
    pub fn name(&self) -> &str {
        self.channel.name()
    }
}

impl<T: Serialize> Channel<T> {
    /// Publishes a value.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Channel::publish`].
    pub fn publish(&self, data: &T) -> Result<PublishResult, Error> {
        self.client.publish(self.publication(data)?)
    }

    /// Returns the request that publishes a value: [`crate::Channel::publication`].
    ///
    /// # Errors
    ///
    /// Those of [`json`](crate::json).
    pub fn publication(&self, data: &T) -> Result<PublishRequest, Error> {
        self.channel.publication(data)
    }
}

impl<T: DeserializeOwned> Channel<T> {
    /// Returns the history of the channel, from its oldest publication on.
    pub fn history(&self) -> ChannelHistory<T> {
        ChannelHistory {
            client: self.client.clone(),
            request: HistoryRequest::new(self.name()),
            data: PhantomData,
        }
    }
}

/// The history of a channel whose publications have a type: [`crate::ChannelHistory`] for code without async.
#[must_use = "a history is read by its items"]
pub struct ChannelHistory<T> {
    client: Client,
    request: HistoryRequest,
    data: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ChannelHistory<T> {
    /// Changes the request for the history: [`crate::ChannelHistory::with`].
    pub fn with(mut self, change: impl FnOnce(HistoryRequest) -> HistoryRequest) -> Self {
        self.request = change(self.request);
        self
    }

    /// Returns the publications, one by one: [`crate::ChannelHistory::items`].
    pub fn items(self) -> TypedItems<T> {
        TypedItems {
            items: self.client.history_pages(self.request).items(),
            data: PhantomData,
        }
    }
}

/// The publications of a channel's history: [`crate::TypedItems`] as an iterator.
#[must_use = "items are read when they are asked for"]
pub struct TypedItems<T> {
    items: Items<HistoryRequest>,
    data: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> TypedItems<T> {
    /// Returns the request for the items that were not read yet: [`crate::Items::request`].
    pub fn request(&self) -> &HistoryRequest {
        self.items.request()
    }
}

impl<T: DeserializeOwned> Iterator for TypedItems<T> {
    type Item = Result<Item<TypedPublication<T>>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.items.next()?;
        Some(item.map(|item| decode(&self.items.request().channel, item)))
    }
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            channel: self.channel.clone(),
        }
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(formatter)
    }
}

impl<T> fmt::Debug for ChannelHistory<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("ChannelHistory")
            .field(&self.request)
            .finish()
    }
}

impl<T> fmt::Debug for TypedItems<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("TypedItems")
            .field(&self.items)
            .finish()
    }
}
