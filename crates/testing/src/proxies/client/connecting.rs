//! Clients that connect.

use bytes::Bytes;
use centrifugo_api::{Error, IntoPayload};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A client that connects: what its SDK sends, and the headers of its connection.
///
/// ```
/// use centrifugo_api_testing::ConnectingClient;
///
/// let in_browser = ConnectingClient::new().header("cookie", "session=1").name("js");
/// let with_token = ConnectingClient::new().token("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x");
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct ConnectingClient {
    pub(crate) token: String,
    pub(crate) data: Bytes,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) channels: Vec<String>,
    pub(crate) is_protobuf: bool,
    headers: Vec<(String, String)>,
    emulated_headers: Vec<(String, String)>,
}

impl ConnectingClient {
    /// Creates a client without a token, which uses JSON as clients in browsers do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the connection token: the connect proxy is not asked. It needs the feature `token`.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// Sets the data for the connect proxy.
    pub fn data(mut self, data: impl IntoPayload) -> Self {
        self.data = data.into_payload().into_bytes();
        self
    }

    /// Sets the name that the client gives itself, such as `js`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the version that the client gives itself.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the channels to which the client wants to be subscribed by the server.
    ///
    /// The connect proxy learns of them. If it is not asked, the client is subscribed to those that it may subscribe to without
    /// a proxy and without a token.
    pub fn channels<C: Into<String>>(mut self, channels: impl IntoIterator<Item = C>) -> Self {
        self.channels = channels.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a header to the client's connection, such as a cookie. Proxies get it by
    /// [`ProxyOptions::http_headers`](crate::ProxyOptions::http_headers).
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a header that the client writes into its first command. Proxies get it by
    /// [`ProxyOptions::emulated_headers`](crate::ProxyOptions::emulated_headers).
    pub fn emulated_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.emulated_headers.push((name.into(), value.into()));
        self
    }

    /// Lets the client use Centrifugo's protobuf protocol, which carries any bytes.
    pub fn protobuf(mut self) -> Self {
        self.is_protobuf = true;
        self
    }

    /// Returns the headers of the connection, and those that the client wrote.
    pub(crate) fn header_maps(&self) -> Result<(HeaderMap, HeaderMap), Error> {
        Ok((map(&self.headers)?, map(&self.emulated_headers)?))
    }
}

fn map(headers: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let invalid = || Error::Config(format!("the header `{name}` of the client is invalid"));
        let key = HeaderName::try_from(name).map_err(|_| invalid())?;
        let value = HeaderValue::try_from(value).map_err(|_| invalid())?;
        map.append(key, value);
    }
    Ok(map)
}

impl std::fmt::Debug for ConnectingClient {
    /// Shows no token and no values of headers.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ConnectingClient")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("channels", &self.channels)
            .field("protobuf", &self.is_protobuf)
            .finish_non_exhaustive()
    }
}
