//! Channels whose publications have a type.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Items};
use crate::api::messages::{HistoryRequest, PublishRequest, PublishResult};
use crate::error::Error;
use crate::request::typed::{TypedPublication, decode};
use crate::request::{Item, json};

/// A channel whose publications are all values of one type, as JSON: the value of [`Client::channel`].
///
/// It publishes values and reads them back. For all else, such as an idempotency key, a batch or the presence, take
/// the request from [`publication`](Self::publication) or the name from [`name`](Self::name), and use the client.
///
/// ```no_run
/// use centrifugo_api::{Client, Item};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Message {
///     text: String,
/// }
///
/// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
/// let news = client.channel::<Message>("news");
/// let message = Message { text: "hello".to_owned() };
/// news.publish(&message).await?;
/// client.publish(news.publication(&message)?.idempotency_key("article-7")).await?;
///
/// let mut items = news.history().items();
/// while let Some(item) = items.next().await {
///     match item? {
///         Item::Item(item) => println!("{}: {}", item.publication.offset, item.data?.text),
///         Item::Gap { first, last } => println!("{first} to {last} were removed before they were read"),
///         Item::Lost(error) => println!("start over: {error}"),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// Another type does not compile:
///
/// ```compile_fail,E0308
/// # async fn run(client: centrifugo_api::Client) -> Result<(), centrifugo_api::Error> {
/// let counts = client.channel::<u64>("counts");
/// counts.publish("seven").await?; // error: expected `&u64`, found `&str`
/// # Ok(()) }
/// ```
pub struct Channel<T> {
    client: Client,
    name: Arc<str>,
    data: PhantomData<fn(T) -> T>,
}

impl Client {
    /// Returns a channel whose publications are all of the type `T`, as JSON.
    pub fn channel<T>(&self, name: impl Into<String>) -> Channel<T> {
        Channel {
            client: self.clone(),
            name: name.into().into(),
            data: PhantomData,
        }
    }
}

impl<T> Channel<T> {
    /// Returns the name of the channel.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T: Serialize> Channel<T> {
    /// Publishes a value.
    ///
    /// # Errors
    ///
    /// Those of [`publication`](Self::publication) and of [`Client::publish`].
    pub async fn publish(&self, data: &T) -> Result<PublishResult, Error> {
        self.client.publish(self.publication(data)?).await
    }

    /// Returns the request that publishes a value: for further options, a batch, the background or an outbox.
    ///
    /// # Errors
    ///
    /// Those of [`json`].
    pub fn publication(&self, data: &T) -> Result<PublishRequest, Error> {
        Ok(PublishRequest::new(&*self.name, json(data)?))
    }
}

impl<T: DeserializeOwned> Channel<T> {
    /// Returns the history of the channel, from its oldest publication on.
    pub fn history(&self) -> ChannelHistory<T> {
        ChannelHistory {
            client: self.client.clone(),
            request: HistoryRequest::new(&*self.name),
            data: PhantomData,
        }
    }
}

/// The history of a channel whose publications have a type: the value of [`Channel::history`].
#[must_use = "a history is read by its items"]
pub struct ChannelHistory<T> {
    client: Client,
    request: HistoryRequest,
    data: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ChannelHistory<T> {
    /// Changes the request for the history: where it begins, its direction, the size of a page, which is 100 by default.
    ///
    /// ```no_run
    /// use centrifugo_api::{Client, StreamPosition};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let counts = client.channel::<u64>("counts");
    /// let since = StreamPosition::new(7, "epoch");
    /// let mut newer = counts.history().with(|request| request.since(since)).items();
    /// let mut newest_first = counts.history().with(|request| request.reverse(true).limit(10)).items();
    /// # Ok(()) }
    /// ```
    pub fn with(mut self, change: impl FnOnce(HistoryRequest) -> HistoryRequest) -> Self {
        self.request = change(self.request);
        self
    }

    /// Returns the publications, one by one: [`Pages::items`](crate::Pages::items).
    pub fn items(self) -> TypedItems<T> {
        TypedItems {
            items: self.client.history_pages(self.request).items(),
            data: PhantomData,
        }
    }
}

/// The publications of a channel's history, one by one, with their data decoded: the value of
/// [`ChannelHistory::items`].
///
/// This is a [`Stream`]; [`next`](Self::next) reads it without another crate. An error ends it. A publication whose data is not
/// a `T` is an item like the others, with an error in the place of its data.
#[must_use = "items are read when they are asked for"]
pub struct TypedItems<T> {
    items: Items<HistoryRequest>,
    data: PhantomData<fn() -> T>,
}

/// The next item, or an error; `None` after the last one.
type Next<T> = Option<Result<Item<TypedPublication<T>>, Error>>;

impl<T: DeserializeOwned> TypedItems<T> {
    /// Reads the next item; returns `None` after the last one.
    ///
    /// # Errors
    ///
    /// Those of `history`; the items end with an error.
    pub async fn next(&mut self) -> Next<T> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the request for the items that were not read yet: [`Items::request`].
    pub fn request(&self) -> &HistoryRequest {
        self.items.request()
    }
}

impl<T: DeserializeOwned> Stream for TypedItems<T> {
    type Item = Result<Item<TypedPublication<T>>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next<T>> {
        let next = ready!(Pin::new(&mut self.items).poll_next(context));
        let decoded = next.map(|item| Ok(decode(&self.items.request().channel, item?)));
        Poll::Ready(decoded)
    }
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            name: Arc::clone(&self.name),
            data: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Channel").field(&self.name).finish()
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
