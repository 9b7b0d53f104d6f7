//! The heads of requests: headers or metadata, the peer, extensions.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Extensions, HeaderMap, HeaderName};

/// The head of Centrifugo's request, the same over HTTP and gRPC.
///
/// Headers of clients arrive only if the proxy's configuration forwards them. Those of `http_headers` and `grpc_metadata` are
/// what the client's connection had, and can be trusted as far as whatever is in front of Centrifugo. Those of
/// `emulated_headers` were written by the client itself: verify them as you verify a password.
#[derive(Clone, Default)]
pub struct Head {
    headers: HeaderMap,
    extensions: Extensions,
}

/// The address of the peer, in the extensions of a request.
///
/// A server of tonic adds the address by itself. In front of the HTTP services a layer of yours adds this:
///
/// ```
/// # let address: std::net::SocketAddr = "127.0.0.1:1".parse().unwrap();
/// # let mut request = http::Request::new(());
/// request.extensions_mut().insert(centrifugo_proxy::Peer(address));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The time of the caller, in the extensions of a request: a test that moves the time forward adds it. Replies then count
/// from this time, such as [`RefreshReply::for_the_next`](crate::RefreshReply::for_the_next), without its fraction of a second: what
/// goes on for a minute has expired when the test has moved the time by a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now(pub SystemTime);

impl Head {
    /// Creates a head, such as for a test that calls handlers in process.
    #[must_use]
    pub fn new(headers: HeaderMap, extensions: Extensions) -> Self {
        Self {
            headers,
            extensions,
        }
    }

    /// Returns the headers; over gRPC, the metadata.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the first value of a header, in any case of letters, if it is visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns what layers in front of the handlers have added to the request, such as tonic's `TlsConnectInfo` with the
    /// client's certificates.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the time: that of the machine, unless the extensions have another one: see [`Now`].
    ///
    /// A handler that decides by the time asks here. Tests that move the time of `centrifugo_api_testing` then reach it.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let given = self.extensions.get::<Now>();
        given.map_or_else(SystemTime::now, |now| now.0)
    }

    /// Returns the time from which replies count, if it is not that of the machine.
    pub(crate) fn start_of_reply(&self) -> Option<SystemTime> {
        let Now(given) = self.extensions.get::<Now>()?;
        let since_1970 = given.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(UNIX_EPOCH + Duration::from_secs(since_1970.as_secs()))
    }

    /// Returns the address of Centrifugo, or of what is in front of this backend, if the extensions have it: see [`Peer`].
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        let own = self.extensions.get::<Peer>().map(|peer| peer.0);
        own.or_else(|| tonic_peer(&self.extensions))
    }
}

/// Shows the names of the headers only: their values are secrets, such as cookies and that of [`Caller`](crate::Caller).
impl fmt::Debug for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Head")
            .field("headers", &Names(&self.headers))
            .finish_non_exhaustive()
    }
}

/// The names of headers, which `Debug` shows without their values.
pub(crate) struct Names<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.keys().map(HeaderName::as_str);
        formatter.debug_list().entries(names).finish()
    }
}

#[cfg(feature = "grpc")]
fn tonic_peer(extensions: &Extensions) -> Option<SocketAddr> {
    use tonic::transport::server::TcpConnectInfo;
    extensions.get::<TcpConnectInfo>()?.remote_addr()
}

#[cfg(not(feature = "grpc"))]
fn tonic_peer(_: &Extensions) -> Option<SocketAddr> {
    None
}
