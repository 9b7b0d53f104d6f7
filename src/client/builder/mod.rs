//! The configuration of a client.

mod assembly;
mod checks;
mod connections;
mod credentials;
#[cfg(any(
    not(feature = "blocking"),
    not(feature = "gzip"),
    not(feature = "grpc")
))]
mod missing;
mod own;
mod services;
mod version;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Client;
use crate::call::credentials::Source;
use crate::call::{CallOptions, DEFAULT_BUDGET, Provider, Retry};
use crate::error::Error;
use crate::observe::Observer;
use crate::transport::url::ServerUrl;
use crate::transport::{ConnectionOptions, Names, OwnConnections, tls};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_RESPONSE_SIZE: usize = 64 * 1024 * 1024;

/// The configuration of a [`Client`]; [`build`](Self::build) finds every mistake in it.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api::Client;
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let client = Client::builder("http://localhost:8000/api")
///     .api_key("secret")
///     .timeout(Duration::from_secs(3))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ClientBuilder {
    urls: Vec<String>,
    api_key: Source,
    bearer_token: Source,
    key_and_bearer_token: bool,
    timeout: Duration,
    attempt_timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    retry: Retry,
    retry_budget: u32,
    max_in_flight: Option<usize>,
    headers: Vec<(String, String)>,
    user_agent: Option<String>,
    max_request_size: usize,
    split_above: Option<usize>,
    max_response_size: usize,
    error_mode_transport: bool,
    legacy_commands: bool,
    server_version: Option<String>,
    connections: ConnectionOptions,
    tls: tls::Options,
    own: OwnConnections,
    names: Arc<Names>,
    observers: Vec<Arc<dyn Observer>>,
    request_ids: bool,
    /// The function that finds the nodes, and how often it is asked.
    discovery: Option<(Provider<Vec<String>>, Duration)>,
}

/// # What every client needs
impl ClientBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            urls: vec![url],
            api_key: Source::None,
            bearer_token: Source::None,
            key_and_bearer_token: false,
            timeout: DEFAULT_TIMEOUT,
            attempt_timeout: None,
            connect_timeout: None,
            retry: Retry::default(),
            retry_budget: DEFAULT_BUDGET,
            max_in_flight: None,
            headers: Vec::new(),
            user_agent: None,
            max_request_size: usize::MAX,
            split_above: None,
            max_response_size: DEFAULT_MAX_RESPONSE_SIZE,
            error_mode_transport: false,
            legacy_commands: false,
            server_version: None,
            connections: ConnectionOptions::default(),
            tls: tls::Options::default(),
            own: OwnConnections::default(),
            names: Arc::default(),
            observers: Vec::new(),
            request_ids: false,
            discovery: None,
        }
    }

    /// Bounds a whole call, including connecting, retries and reading the reply. 10 s by default.
    ///
    /// Centrifugo 6.5 and later cut an HTTP call after 10 s, even if this timeout is longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Builds the client, without using the network and without a runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option and the fix.
    pub fn build(self) -> Result<Client, Error> {
        let options = CallOptions {
            timeout: self.timeout,
            latest: None,
            attempt_timeout: self.attempt_timeout,
            retry: self.retry.clone(),
            headers: None,
            are_queued: false,
        };
        Ok(Client::from_parts(self.assemble()?, options))
    }
}

#[cfg(test)]
impl ClientBuilder {
    /// Looks host names up there.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) fn names(mut self, names: impl Into<Arc<Names>>) -> Self {
        self.names = names.into();
        self
    }

    /// Returns all options that are data, as text.
    pub(crate) fn described(&self) -> String {
        let secrets = (
            self.api_key.fixed(),
            self.bearer_token.fixed(),
            self.key_and_bearer_token,
        );
        let times = [
            Some(self.timeout),
            self.attempt_timeout,
            self.connect_timeout,
        ];
        let limits = (
            self.max_in_flight,
            self.retry_budget,
            self.split_above,
            self.max_request_size,
            self.max_response_size,
        );
        let switches = (
            self.request_ids,
            self.error_mode_transport,
            self.legacy_commands,
        );
        let texts = (
            &self.urls,
            secrets,
            &self.user_agent,
            &self.server_version,
            &self.headers,
        );
        let retry = &self.retry;
        let connections = &self.connections;
        let tls = &self.tls;
        format!("{texts:?} {times:?} {limits:?} {switches:?} {retry:?} {connections:?} {tls:?}")
    }
}

/// # Retries and nodes
impl ClientBuilder {
    /// Sets how failed calls are retried; see [`Retry`] for the default.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the number of retries that all calls of the client and its clones have in store together. 20 by default.
    ///
    /// Every 10 successful calls add one, up to that number, so that a server that is down is not flooded. With 0 no call is
    /// retried, except by going on to another node at once; with `u32::MAX` the number is not limited.
    pub fn retry_budget(mut self, retries: u32) -> Self {
        self.retry_budget = retries;
        self
    }

    /// Changes how failed calls are retried.
    pub(super) fn change_retry(mut self, change: impl FnOnce(Retry) -> Retry) -> Self {
        self.retry = change(self.retry);
        self
    }

    /// Adds another node, with the same transport and key. Calls are balanced over the nodes, round robin.
    ///
    /// A node that cannot be reached, or returns 502, 503, 504 or gRPC `Unavailable`, is skipped for 0.5 s, then
    /// longer, up to 30 s; then a single call probes it. So is a node that does not answer for 1 s, or for two attempts
    /// in a row that had less time. A call that was certainly not sent moves on to the next node at once. While another
    /// node is up, a node has half of the call's time to connect, at most 1 s.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// Sets a function that finds the nodes, for service discovery. The first calls wait for it, for half of their time; it
    /// is asked again when `every` has passed, and no call waits for it then. It runs in a task of a call's runtime, for at
    /// most 30 s. The nodes that it returns take the place of the URLs that the builder has, which tell the scheme and are
    /// called until the function has returned others.
    ///
    /// Nodes that stay keep their connections. If the function fails, hangs or panics, or returns no URL or a wrong one,
    /// the nodes stay as they are, a `tracing` warning says so, and it is asked again after a second. Use
    /// [`Client::set_endpoints`] if you are notified of changes.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use centrifugo_api::Client;
    ///
    /// # async fn look_up(service: &str) -> Result<Vec<String>, std::io::Error> {
    /// #     Ok(vec![service.to_owned()])
    /// # }
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let client = Client::builder("http://centrifugo:8000/api")
    ///     .api_key("secret")
    ///     .endpoints_provider(Duration::from_secs(30), || async {
    ///         let addresses = look_up("centrifugo").await?;
    ///         let urls = addresses.iter().map(|address| format!("http://{address}/api"));
    ///         Ok::<Vec<String>, std::io::Error>(urls.collect())
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn endpoints_provider<P, F, E>(mut self, every: Duration, provider: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<String>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.discovery = Some((Provider::new(provider), every));
        self
    }

    /// Bounds each attempt of a call. The call itself goes on until its [`timeout`](Self::timeout): if the attempt was
    /// not sent, or the request is [repeatable](crate::Method::is_repeatable), another attempt follows as [`Retry`]
    /// allows, on another node if there is one.
    ///
    /// By default an attempt of a repeatable request has half of the call's timeout as long as several nodes are up,
    /// so that a node that hangs does not hold the call to its end. With a single node it has all of it.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Bounds the time for making one connection: looking up the host, TCP, and TLS. 5 s by default. The timeout of a
    /// call bounds it too, but does not end the connection that is being made: the next call may use it.
    ///
    /// If a connection takes long, another one is tried beside it: to the next address of the host after 250 ms, and
    /// to the same one after 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }
}

/// # Limits
impl ClientBuilder {
    /// Bounds the number of concurrent calls across all clones; further calls wait, within their timeout. Unbounded
    /// by default.
    ///
    /// Calls that [share batches](Client::coalescing) count one by one: a batch has no more commands than this.
    pub fn max_in_flight(mut self, calls: usize) -> Self {
        self.max_in_flight = Some(calls);
        self
    }

    /// Bounds a request, in bytes: a larger one is [`Error::InvalidRequest`], and is not sent. Unbounded by default.
    /// Over gRPC the server accepts 4 MiB, or its `grpc_api.max_receive_message_size`; over HTTP proxies often accept
    /// 1 MB.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.max_request_size = bytes;
        self
    }

    /// Bounds a reply, in bytes: a larger one is [`Error::Decode`] and is not read to its end. 64 MiB by default.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = bytes;
        self
    }

    /// Sends batches and broadcasts with more bytes as several requests, one after another, and joins their outcomes
    /// in order. Off by default.
    ///
    /// Such a call is no longer one request: other calls may run between its requests, and the error of one request is
    /// the error of the call although earlier ones have run; it says how many. With [`Retry::idempotency_keys`] the
    /// call can be sent again as a whole, with the keys that its error tells. A single command or channel is never
    /// split.
    pub fn split_above(mut self, bytes: usize) -> Self {
        self.split_above = Some(bytes);
        self
    }
}

/// # Seeing what happens
impl ClientBuilder {
    /// Adds an [`Observer`] of all calls: for logs, traces and metrics of your own.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Gives each request a new id, a UUID, in the header `X-Request-Id`. All attempts of a call have the same one, and
    /// its error tells it: [`Error::request_id`]. Calls that share a batch have that of the batch, which
    /// their errors tell if the whole batch fails.
    ///
    /// An id of your own is given with [`Client::with_header`]. Off by default.
    pub fn request_ids(mut self) -> Self {
        self.request_ids = true;
        self
    }
}

/// # Headers and modes of the server
impl ClientBuilder {
    /// Adds a header (over gRPC: metadata) to each call, for a proxy in front of Centrifugo.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the `User-Agent`, by default the name and version of this crate.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Asks the server to return errors as HTTP statuses or gRPC codes, which proxies and metrics understand
    /// (Centrifugo v5.1 and later). Callers see the same [`Error::Api`] either way.
    pub fn error_mode_transport(mut self) -> Self {
        self.error_mode_transport = true;
        self
    }

    /// Sends each call and each batch as command lines to the base URL, for Centrifugo v2 to v4.1.2, which have no
    /// other endpoint. Centrifugo v6 still has it, as `/api`.
    ///
    /// The key is sent as `Authorization: apikey …`. The commands of a batch run one after another, even
    /// in [`Parallel`](crate::Parallel). These servers ignore idempotency keys, so that no call is repeated because
    /// of its key: see [`server_version`](Self::server_version).
    #[cfg(feature = "service")]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "http", feature = "service"))))]
    pub fn legacy_commands(mut self) -> Self {
        self.legacy_commands = true;
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = self.urls.iter().map(|url| ServerUrl::parse(url));
        let urls: Vec<_> = urls.map(|url| url.map(|url| url.to_string())).collect();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("ClientBuilder")
            .field("urls", &urls)
            .field("api_key", &self.api_key.is_some().then_some("…"))
            .field("bearer_token", &self.bearer_token.is_some().then_some("…"))
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
