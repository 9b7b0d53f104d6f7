mod assembly;
mod checks;
mod connections;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::key::Source;
use crate::target::Target;
use crate::transport::Connections;
use crate::{Error, Retry};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_RESPONSE_SIZE: usize = 64 * 1024 * 1024;

/// Configures a [`Client`]; every mistake is found in [`build`](Self::build).
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
    timeout: Duration,
    connect_timeout: Option<Duration>,
    retry: Retry,
    max_in_flight: Option<usize>,
    headers: Vec<(String, String)>,
    user_agent: Option<String>,
    max_request_size: usize,
    split_above: Option<usize>,
    max_response_size: usize,
    error_mode_transport: bool,
    connections: Connections,
    #[cfg(feature = "http")]
    legacy_commands: bool,
    #[cfg(feature = "tls")]
    tls: crate::tls::Options,
    #[cfg(feature = "http")]
    http_client: Option<reqwest::Client>,
    #[cfg(feature = "grpc")]
    grpc_channel: Option<tonic::transport::Channel>,
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            urls: vec![url],
            api_key: Source::None,
            timeout: DEFAULT_TIMEOUT,
            connect_timeout: None,
            retry: Retry::default(),
            max_in_flight: None,
            headers: Vec::new(),
            user_agent: None,
            max_request_size: usize::MAX,
            split_above: None,
            max_response_size: DEFAULT_MAX_RESPONSE_SIZE,
            error_mode_transport: false,
            connections: Connections::default(),
            #[cfg(feature = "http")]
            legacy_commands: false,
            #[cfg(feature = "tls")]
            tls: crate::tls::Options::default(),
            #[cfg(feature = "http")]
            http_client: None,
            #[cfg(feature = "grpc")]
            grpc_channel: None,
        }
    }

    /// Sets the API key: the server's `http_api.key`, or `grpc_api.key` over gRPC, which are two keys.
    ///
    /// It travels in `X-API-Key` over HTTP and in the `authorization` metadata over gRPC. Without one the client
    /// sends none, for a server without keys.
    ///
    /// Over `http` and `grpc` URLs it can be read on the way: where the host is not this machine, the first client that
    /// is built so says it once a process, by a warning of [`tracing`](https://docs.rs/tracing).
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Source::Fixed(key.into());
        self
    }

    /// Asks `provider` for the API key before each try of a call, for keys that change. It should answer at once, from
    /// memory; [`Client::set_api_key`] is for those who are told of a new key.
    pub fn api_key_provider(
        mut self,
        provider: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        self.api_key = Source::Provider(Arc::new(provider));
        self
    }

    /// Adds another node, with the same transport and key. Calls go to the nodes in turn.
    ///
    /// A node that cannot be reached, that does not answer in time, or answers 502, 503, 504 or gRPC `Unavailable`,
    /// rests, for 0.5 s at first and then longer, up to 30 s; then one call tries it. A call that was certainly not sent
    /// goes to the next node at once. With several nodes, connecting takes 1 s at most unless
    /// [`connect_timeout`](Self::connect_timeout) says otherwise.
    ///
    /// The addresses behind one name are nodes too, such as those of a headless service in Kubernetes: the name is looked
    /// up in the background, with the first call and then every 30 s, sooner when a node is down. That is not so
    /// with a proxy, a `unix_socket`, an `http_client` or a `grpc_channel`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// Sets how failed calls are repeated; see [`Retry`] for what is done by default.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Bounds how many calls are under way at once, of all clones; others wait, within their time. Unbounded by default.
    pub fn max_in_flight(mut self, calls: usize) -> Self {
        self.max_in_flight = Some(calls);
        self
    }

    /// Bounds a whole call, connecting and reading the reply included. 10 s by default.
    ///
    /// Centrifugo 6.5 and later cut an HTTP call after 10 s themselves, whatever is set here.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds connecting. By default only [`timeout`](Self::timeout) does.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Adds a header (over gRPC: metadata) to each call, for what stands before Centrifugo.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the `User-Agent`, by default the name and version of this crate. gRPC adds its own behind it.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Bounds a request, in bytes: a larger one is [`Error::InvalidRequest`], and is not sent. Unbounded by default; over
    /// gRPC the server takes 4 MiB, or its `grpc_api.max_receive_message_size`, and proxies often take 1 MB over HTTP.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.max_request_size = bytes;
        self
    }

    /// Sends batches and broadcasts that have more bytes than that as several requests, one after another, and puts
    /// their outcomes together in order. Off by default.
    ///
    /// Such a call is no longer one request: others may come between its parts, and an error of a part is that of
    /// the call though the parts before it have run. With [`Retry::idempotency_keys`] it can be repeated as a whole. A
    /// single command or channel is never split.
    pub fn split_above(mut self, bytes: usize) -> Self {
        self.split_above = Some(bytes);
        self
    }

    /// Bounds a reply, in bytes: a larger one is [`Error::Decode`] and is not read to its end. 64 MiB by default.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = bytes;
        self
    }

    /// Asks the server to answer errors as HTTP statuses or gRPC codes, which proxies and meters understand
    /// (Centrifugo v5.1 and later). Callers see the same [`Error::Api`] either way.
    pub fn error_mode_transport(mut self) -> Self {
        self.error_mode_transport = true;
        self
    }

    /// Sends each call and each batch as command lines to the base URL, for Centrifugo v2 to v4.1.2, which have no
    /// other endpoint. Centrifugo v6 still has it, as `/api`.
    ///
    /// The key travels in `Authorization: apikey …`. The commands of a batch run one after another, in
    /// [`Parallel`](crate::Parallel) too.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn legacy_commands(mut self) -> Self {
        self.legacy_commands = true;
        self
    }

    /// Builds the client, without touching the network. Needs no runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option and the fix.
    pub fn build(self) -> Result<Client, Error> {
        let (timeout, retry) = (self.timeout, self.retry.clone());
        Ok(Client::from_parts(self.shared()?, timeout, retry))
    }

    /// Builds a client whose calls block, as [`build`](Self::build) does one for async code.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option and the fix.
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn build_blocking(self) -> Result<crate::blocking::Client, Error> {
        crate::blocking::Client::from_async(self.build()?)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<_> = self
            .urls
            .iter()
            .map(|url| Target::parse(url).map(|target| target.url()))
            .collect();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("ClientBuilder")
            .field("urls", &urls)
            .field("api_key", &self.api_key.is_some().then_some("…"))
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
