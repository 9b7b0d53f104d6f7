//! The options of a proxy.

use std::time::Duration;

use centrifugo_proxy::messages::{Disconnect, Error};

/// The time by default within which a backend must answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The options of a proxy, named as in Centrifugo.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api_testing::ProxyOptions;
///
/// let options = ProxyOptions::new()
///     .timeout(Duration::from_millis(200))
///     .http_headers(["cookie"])
///     .include_connection_meta(true);
/// ```
#[derive(Clone)]
#[must_use]
pub struct ProxyOptions {
    pub(crate) timeout: Duration,
    pub(crate) binary_encoding: bool,
    pub(crate) include_connection_meta: bool,
    /// In lower case.
    pub(crate) http_headers: Vec<String>,
    /// In lower case.
    pub(crate) emulated_headers: Vec<String>,
    pub(crate) static_headers: Vec<(String, String)>,
    pub(crate) status_transforms: Vec<StatusTransform>,
}

/// The refusal that a status of HTTP stands for.
#[derive(Clone, Debug)]
pub(crate) struct StatusTransform {
    pub(crate) status: u16,
    pub(crate) to: TransformedTo,
}

#[derive(Clone, Debug)]
pub(crate) enum TransformedTo {
    Error(Error),
    Disconnect(Disconnect),
}

impl ProxyOptions {
    /// Creates the options by default.
    pub fn new() -> Self {
        Self {
            timeout: TIMEOUT,
            binary_encoding: false,
            include_connection_meta: false,
            http_headers: Vec::new(),
            emulated_headers: Vec::new(),
            static_headers: Vec::new(),
            status_transforms: Vec::new(),
        }
    }

    /// Sets the time within which a backend must answer; 1 s by default. A stream must be opened in it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends payloads as bytes: in `b64data`, with the encoding `binary`.
    pub fn binary_encoding(mut self, on: bool) -> Self {
        self.binary_encoding = on;
        self
    }

    /// Sends the connection's `meta` with the events of connected clients.
    pub fn include_connection_meta(mut self, on: bool) -> Self {
        self.include_connection_meta = on;
        self
    }

    /// Forwards these headers of the client's connection: see
    /// [`ConnectingClient::header`](crate::ConnectingClient::header).
    pub fn http_headers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.http_headers = lower_case(names);
        self
    }

    /// Forwards these headers, which the client wrote itself: see
    /// [`ConnectingClient::emulated_header`](crate::ConnectingClient::emulated_header).
    pub fn emulated_headers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.emulated_headers = lower_case(names);
        self
    }

    /// Adds a header to all requests, such as the one with the secret: Centrifugo's `http.static_headers` and
    /// `grpc.static_metadata`. A forwarded header of the same name wins.
    pub fn static_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.static_headers.push((name.into(), value.into()));
        self
    }
}

impl Default for ProxyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ProxyOptions {
    /// Shows the names of static headers only: their values are secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.static_headers.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("ProxyOptions")
            .field("timeout", &self.timeout)
            .field("binary_encoding", &self.binary_encoding)
            .field("include_connection_meta", &self.include_connection_meta)
            .field("http_headers", &self.http_headers)
            .field("emulated_headers", &self.emulated_headers)
            .field("static_headers", &names)
            .finish_non_exhaustive()
    }
}

fn lower_case<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    let names = names.into_iter().map(Into::into);
    names.map(|name: String| name.to_lowercase()).collect()
}
