//! The client: its methods, and the options of single calls.

mod background;
mod builder;
mod calls;
mod channel;
mod coalescing;
mod exchange;
mod info;
mod items;
mod pages;
mod raw;
mod ready;
mod settings;
mod split;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call::{CallOptions, Inner, Retry};
use crate::codec::Codec;
use crate::error::Error;
use crate::platform::Instant;
pub use background::{Background, BackgroundCounts, BackgroundSender};
pub use builder::ClientBuilder;
pub use calls::Detailed;
pub use channel::{Channel, ChannelHistory, TypedItems};
use coalescing::Coalescer;
pub use coalescing::Coalescing;
pub use items::Items;
pub use pages::Pages;
#[cfg(feature = "blocking")]
pub(crate) use pages::read as read_page;
pub use settings::ClientSettings;

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
    /// value. Headers of observers and those of OpenTelemetry's propagator, such as `traceparent`, win over it.
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
        let (name, value) = self.inner.nodes.common().header_rules.parse(name, value)?;
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

    /// Refuses new calls of all clones with [`Error::Closed`], and waits until the calls in flight have ended, those that wait for
    /// [`max_in_flight`](ClientBuilder::max_in_flight) included.
    ///
    /// To stop a service: first stop accepting work, then let the work in progress finish, and close the client last.
    /// Calls that wait in a [`BackgroundSender`] are sent, as far as the time allows.
    /// A call that starts after `close` fails, including the next page of pages that are being read. A `close` that is
    /// dropped early has closed the client too.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if calls are still in flight after `timeout`, which keep running, or calls in the background were
    /// not sent.
    pub async fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.inner.close(timeout).await
    }
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
