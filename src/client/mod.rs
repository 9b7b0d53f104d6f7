//! The client: its methods, and the options of single calls.

mod background;
mod builder;
mod coalescing;
mod exchange;
mod pages;
mod raw;
mod split;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::messages::BroadcastRequest;
use crate::api::method::Method;
use crate::call::{CallOptions, Inner, Retry};
use crate::codec::Codec;
use crate::error::Error;
use crate::observe::{CallStart, ObservedCall};
use crate::request::{Batch, BroadcastResult, Paged};
pub use background::{Background, BackgroundCounts, BackgroundSender};
pub use builder::ClientBuilder;
use coalescing::Coalescer;
pub use coalescing::Coalescing;
pub use pages::Pages;
#[cfg(feature = "blocking")]
pub(crate) use pages::read as read_page;

/// A client of Centrifugo's server API, over HTTP or gRPC.
///
/// Cheap to clone and to share: clones use the same connections. It connects on the first call and can be used from
/// several tokio runtimes.
///
/// A call that is dropped or times out may still run on the server.
///
/// After a fork, the child needs a runtime and clients of its own, as with all of tokio: it has copies of the parent's
/// connections.
///
/// ```no_run
/// use centrifugo_api::{Client, PublishRequest};
///
/// # async fn run() -> Result<(), centrifugo_api::Error> {
/// let client = Client::new("http://localhost:8000/api", "secret")?;
/// let result = client.publish(PublishRequest::new("news", r#"{"text":"hello"}"#)).await?;
/// println!("published at offset {}", result.offset);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    options: CallOptions,
    coalescer: Option<Arc<Coalescer>>,
}

/// # Creating clients
impl Client {
    /// Creates a client from the URL of the server and its API key; [`builder`](Self::builder) has more options.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names what is wrong and the fix.
    pub fn new(url: impl Into<String>, api_key: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).api_key(api_key).build()
    }

    /// Starts the configuration of a client. The URL's scheme selects the transport:
    ///
    /// | URL | transport |
    /// |---|---|
    /// | `http://localhost:8000/api` | HTTP; the path is Centrifugo's `http_api.handler_prefix` |
    /// | `https://example.com/api` | HTTP over TLS |
    /// | `grpc://localhost:10000` | gRPC |
    /// | `grpcs://example.com:10000` | gRPC over TLS |
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    fn from_parts(inner: Inner, options: CallOptions) -> Self {
        Self {
            inner: Arc::new(inner),
            options,
            coalescer: None,
        }
    }

    /// Returns this client with changed options.
    fn with(&self, change: impl FnOnce(&mut CallOptions)) -> Self {
        let mut client = self.clone();
        change(&mut client.options);
        client
    }

    /// Returns this client with another [`timeout`](ClientBuilder::timeout), for one call or many.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// Returns this client with a deadline that bounds all its calls, in addition to their timeout.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.with(|options| options.latest = Some(deadline))
    }

    /// Returns this client with another [`attempt_timeout`](ClientBuilder::attempt_timeout), for one call or many.
    #[must_use]
    pub fn with_attempt_timeout(&self, timeout: Duration) -> Self {
        self.with(|options| options.attempt_timeout = Some(timeout))
    }

    /// Returns this client with another [`Retry`], for one call or many.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        self.with(|options| options.retry = retry)
    }

    /// Returns this client with one more header (over gRPC: metadata), for one call or many. It replaces a header of
    /// that name, also one of [`ClientBuilder::header`].
    ///
    /// The header `X-Request-Id` is the id of the request: it is in the call's error too. A call with headers of its
    /// own does not share a batch with others: [`coalescing`](Self::coalescing) sends it alone. Errors do not show the
    /// value.
    ///
    /// ```no_run
    /// use centrifugo_api::{Client, PublishRequest};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let client = client.with_header("X-Tenant", "acme")?;
    /// client.publish(PublishRequest::new("news", "{}")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the client sets the header itself, or if HTTP or gRPC cannot carry it.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, value) = self
            .inner
            .nodes
            .common()
            .header_rules()
            .parse(name, value)?;
        Ok(self.with(|options| {
            let mut headers = options.headers.as_deref().cloned().unwrap_or_default();
            headers.insert(name, value);
            options.headers = Some(Arc::new(headers));
        }))
    }

    /// Returns a client with the same methods, whose concurrent calls share batches: the fastest way to make many
    /// small calls at once.
    ///
    /// It has the same connections and the same limits; [`Coalescing`] says what is shared and what is not. Clones of
    /// the returned client share batches with one another. Their publications arrive in no particular order.
    #[must_use]
    pub fn coalescing(&self, coalescing: Coalescing) -> Self {
        let coalescer = if self.inner.codec() == Codec::CommandLines {
            None
        } else {
            let options = coalescing.within(self.inner.max_request_size);
            Some(Arc::new(Coalescer::new(options)))
        };
        Self {
            coalescer,
            ..self.clone()
        }
    }
}

/// # Key, nodes and shutdown
impl Client {
    /// Replaces the API key for all clones, starting with the next attempt, and its provider if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if no header can carry it; the former key stays.
    pub fn set_api_key(&self, key: impl Into<String>) -> Result<(), Error> {
        self.inner.credentials.set_key(key.into())
    }

    /// Calls these nodes instead of the present ones, for all clones, starting with the next attempt: for addresses that
    /// service discovery finds. Nodes that stay keep their connections; calls in flight on others end there.
    ///
    /// The URLs have the scheme of the client's. [`ClientBuilder::endpoints_provider`] asks a function for them.
    ///
    /// ```no_run
    /// # async fn run(client: centrifugo_api::Client, mut nodes: tokio::sync::watch::Receiver<Vec<String>>) -> Result<(), centrifugo_api::Error> {
    /// // `nodes` is a `tokio::sync::watch::Receiver<Vec<String>>`.
    /// while nodes.changed().await.is_ok() {
    ///     let urls = nodes.borrow_and_update().clone();
    ///     client.set_endpoints(urls)?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if there is no URL or one is wrong, which the text names; the nodes stay as they are.
    pub fn set_endpoints<U: Into<String>>(
        &self,
        urls: impl IntoIterator<Item = U>,
    ) -> Result<(), Error> {
        let urls: Vec<String> = urls.into_iter().map(Into::into).collect();
        self.inner.nodes.set(&urls)
    }

    /// Refuses new calls of all clones with [`Error::Closed`], and waits until the calls in flight have ended.
    ///
    /// To stop a service: first stop accepting work, then let the work in progress finish, and close the client last.
    /// Calls that wait in a [`BackgroundSender`] are sent first, as far as the time allows.
    /// A call that starts after `close` fails, including the next page of pages that are being read.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if calls are still in flight after `timeout`, which keep running, or calls in the background were
    /// not sent.
    pub async fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.inner.close(timeout).await
    }
}

/// # Any method
impl Client {
    /// Calls the method of the request. All other methods are thin wrappers around this one.
    ///
    /// # Errors
    ///
    /// [`Error`], which says whether the call may have run.
    pub async fn call<M: Method>(&self, request: M) -> Result<M::Result, Error> {
        let (_, result) = self.run(request).await?;
        Ok(result)
    }

    /// Calls a method by its name with any JSON, over HTTP: for methods and fields that the schema does not have.
    ///
    /// The JSON is sent as it is; the result is the JSON in `result`.
    ///
    /// ```no_run
    /// # async fn run(client: centrifugo_api::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let params = serde_json::json!({"channel": "news", "new_option": true});
    /// let result: serde_json::Value = client.call_raw("new_method", &params).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of every call, and [`Error::InvalidRequest`] over gRPC: there, implement [`Method`] for your own
    /// message.
    pub async fn call_raw<P, T>(&self, method: &str, params: &P) -> Result<T, Error>
    where
        P: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        raw::call(self, method, params).await
    }

    /// Sends several requests as one, and returns an outcome for each, in the order of the requests.
    ///
    /// They run one after another on the server, or concurrently in [`Parallel`](crate::Parallel); a failure does not
    /// stop the others. An empty batch sends nothing. See [`Batch`] for what can be batched and what is returned.
    ///
    /// ```no_run
    /// use centrifugo_api::{Client, HistoryRequest, PresenceRequest, PublishRequest};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let batch = (PublishRequest::new("news", "{}"), PresenceRequest::new("news"), HistoryRequest::new("news"));
    /// let (published, presence, history) = client.batch(batch).await?;
    /// println!("offset {}, {} clients", published?.offset, presence?.presence.len());
    ///
    /// let channels = ["news", "sports"];
    /// let batch: Vec<_> = channels.map(HistoryRequest::new).into();
    /// for (channel, history) in channels.iter().zip(client.batch(batch).await?) {
    ///     match history {
    ///         Ok(history) => println!("{channel}: offset {}", history.offset),
    ///         Err(error) => println!("{channel}: {error}"),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`], for the batch as a whole.
    pub async fn batch<B: Batch>(&self, batch: B) -> Result<B::Output, Error> {
        let request = batch.into_request(false);
        if is_empty(&request) {
            return Ok(B::output(request, Default::default()));
        }
        let (request, result) = self.run(request).await?;
        Ok(B::output(request, result))
    }

    /// Publishes the same data into many channels, and returns an outcome for each.
    ///
    /// ```no_run
    /// use centrifugo_api::{BroadcastRequest, Client};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let result = client.broadcast(BroadcastRequest::new(["news", "sports"], r#"{"text":"hello"}"#)).await?;
    /// for (channel, error) in result.failed() {
    ///     println!("{channel}: {error}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`], for the broadcast as a whole: the failure of a channel is in the result.
    pub async fn broadcast(&self, request: BroadcastRequest) -> Result<BroadcastResult, Error> {
        let (_, result) = self.run(request).await?;
        Ok(result)
    }

    /// Runs a call, and returns its request too. Not an `async fn`, whose future would have the request twice.
    #[allow(clippy::manual_async_fn)]
    fn run<M: Method>(
        &self,
        mut request: M,
    ) -> impl Future<Output = Result<(M, M::Result), Error>> + Send {
        async move {
            let key = self.set_key(&mut request)?;
            let observed = self.observe(&request);
            let deadline = self.options.deadline();
            let outcome = match (M::GENERATED.parts, self.inner.split_above) {
                (Some(parts), Some(limit)) => {
                    // The future of a rare path is boxed, so that it is not a part of this one.
                    let split =
                        self.exchange_split(&mut request, parts, limit, &deadline, &observed);
                    Box::pin(split).await
                }
                _ => {
                    self.exchange_whole(&mut request, &deadline, &observed)
                        .await
                }
            };
            observed.ends(&outcome, count_failed::<M>);
            match outcome {
                Ok(mut result) => {
                    if let Some(key) = key {
                        (M::GENERATED.settle)(&request, &mut result, &key);
                    }
                    Ok((request, result))
                }
                Err(error) => Err(error.with_keys((M::GENERATED.keys)(&request))),
            }
        }
    }

    /// Runs a call that is not split, and leaves its request in place.
    async fn run_whole<M: Method>(&self, request: &mut M) -> Result<M::Result, Error> {
        let observed = self.observe(request);
        let deadline = self.options.deadline();
        let outcome = self.exchange_whole(request, &deadline, &observed).await;
        observed.ends(&outcome, count_failed::<M>);
        outcome
    }

    /// Starts the observation of a call.
    fn observe<M: Method>(&self, request: &M) -> ObservedCall {
        let nodes = self.inner.nodes.current();
        self.inner
            .observers
            .call(|| CallStart::new(request, nodes.first().url()))
    }

    /// Gives a request a new idempotency key if [`Retry`] asks for keys and the request takes one and has none.
    /// Returns the key. Servers that ignore keys get none: telling a key would promise too much.
    fn set_key<M: Method>(&self, request: &mut M) -> Result<Option<String>, Error> {
        if !self.inner.honours_keys {
            return Ok(None);
        }
        let key = self.options.retry.new_key()?;
        if let Some(key) = &key {
            (M::GENERATED.set_key)(request, key);
        }
        Ok(key)
    }

    fn pages<R: Paged + 'static>(&self, request: R) -> Pages<R> {
        Pages::new(self.clone(), request)
    }

    /// Returns an error without the secrets that the server may have sent back.
    fn hide_secrets(&self, error: Error) -> Error {
        let headers = self.options.headers.as_deref();
        self.inner.hide_secrets(error, headers)
    }
}

/// Returns the number of parts of a result that failed.
fn count_failed<M: Method>(result: &M::Result) -> usize {
    M::GENERATED
        .parts
        .map_or(0, |parts| (parts.count_failed)(result))
}

/// Returns whether a batch has no commands.
fn is_empty<M: Method>(batch: &M) -> bool {
    M::GENERATED
        .parts
        .is_some_and(|parts| (parts.len)(batch) == 0)
}

include!(concat!(env!("OUT_DIR"), "/client.rs"));

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.inner.nodes.current();
        formatter
            .debug_struct("Client")
            .field("urls", &nodes.urls().collect::<Vec<_>>())
            .field("timeout", &self.options.timeout)
            .finish_non_exhaustive()
    }
}
