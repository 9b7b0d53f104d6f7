//! The HTTP connections of a runtime to a node, and the watch for those on which nothing arrives any more.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::dialer::{self, DialLayer};
use crate::error::Error;
use crate::platform::PerRuntime;
use crate::transport::dial::Names;
use crate::transport::{SendState, TransportConfig, diagnosis};

/// The idle time after which a connection is closed. Centrifugo 6.5 and later close idle connections after 30 s:
/// if the client closes them earlier, no call is sent while the server closes its connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// The time of idleness after which the system probes a connection.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// The time for which what was sent may be unacknowledged before the system closes the connection.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);

/// The time after which a silent connection is given up although its call could wait longer.
const SILENCE: Duration = Duration::from_secs(1);

/// The connections to a node: those of each runtime, or those that the user made.
pub(super) enum Clients {
    Own(Arc<Connections>),
    PerRuntime(PerRuntime<Arc<Connections>>),
}

/// An HTTP client with its connections.
pub(super) struct Connections {
    pub(super) client: reqwest::Client,
    peer: Arc<Peer>,
}

/// The server behind the connections of an HTTP client.
pub(super) struct Peer {
    names: Arc<Names>,
    /// The number of times that something was read from it.
    reads: AtomicU64,
    /// The address of the last connection, if the host has a name.
    address: Mutex<Option<SocketAddr>>,
}

impl Clients {
    pub(super) fn new(
        config: TransportConfig,
        own: Option<reqwest::Client>,
    ) -> Result<Self, Error> {
        if let Some(client) = own {
            let peer = Arc::new(Peer::new(&config));
            return Ok(Self::Own(Arc::new(Connections { client, peer })));
        }
        // Created once here, so that `build` finds what is wrong with the options.
        Connections::new(&config)?;
        let make = move || Connections::new(&config).map(Arc::new);
        Ok(Self::PerRuntime(PerRuntime::new(make)))
    }

    /// Returns the connections of the runtime that the caller is in.
    fn get(&self) -> Result<Arc<Connections>, Error> {
        match self {
            Self::Own(connections) => Ok(Arc::clone(connections)),
            Self::PerRuntime(connections) => connections.get(),
        }
    }

    /// Replaces connections on which nothing arrives. Idle ones are closed; calls in flight keep theirs.
    fn retire(&self, silent: &Arc<Connections>) {
        if let Self::PerRuntime(connections) = self
            && connections.replace(|current| Arc::ptr_eq(current, silent))
            && let Some(address) = silent.peer.address()
        {
            silent.peer.names.failed(address);
        }
    }
}

impl AsRef<Self> for Clients {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Connections {
    fn new(config: &TransportConfig) -> Result<Self, Error> {
        let peer = Arc::new(Peer::new(config));
        let client = new_client(config, &peer)?;
        Ok(Self { client, peer })
    }

    /// Records that something was read.
    pub(super) fn saw_read(&self) {
        self.peer.reads.fetch_add(1, Ordering::Relaxed);
    }

    fn reads(&self) -> u64 {
        self.peer.reads.load(Ordering::Relaxed)
    }
}

impl Peer {
    fn new(config: &TransportConfig) -> Self {
        Self {
            names: Arc::clone(&config.names),
            reads: AtomicU64::new(0),
            address: Mutex::new(None),
        }
    }

    /// Records the end of a dial.
    pub(super) fn dialled(&self, address: SocketAddr, error: Option<&diagnosis::BoxError>) {
        match error {
            None => {
                self.names.succeeded(address);
                *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
            }
            Some(error) if diagnosis::is_out_of_files(&**error) => {}
            Some(_) => self.names.failed(address),
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watch over an attempt. If the attempt is dropped although nothing has arrived for some time, the connections
/// are taken for dead.
pub(super) struct Watch<H: AsRef<Clients>> {
    clients: H,
    pub(super) connections: Arc<Connections>,
    state: SendState,
    reads: u64,
    /// The time that the attempt was given, and its end.
    time: Duration,
    ends: Instant,
    is_over: bool,
}

impl<H: AsRef<Clients>> Watch<H> {
    /// Starts the watch over an attempt, which uses the connections of the runtime that the caller is in.
    pub(super) fn start(clients: H, state: SendState, ends: Instant) -> Result<Self, Error> {
        let connections = clients.as_ref().get()?;
        Ok(Self {
            reads: connections.reads(),
            clients,
            connections,
            state,
            time: ends.saturating_duration_since(Instant::now()),
            ends,
            is_over: false,
        })
    }

    /// Ends the watch over an attempt that has got its outcome.
    pub(super) fn end(mut self) {
        self.is_over = true;
    }

    /// Returns whether the server had time enough and did nothing at all.
    fn was_silent(&self) -> bool {
        let Some(time) = self.state.time_since_sent() else {
            return false;
        };
        // An attempt that could connect only late says nothing.
        let has_timed_out = Instant::now() >= self.ends && time >= self.time / 2;
        self.connections.reads() == self.reads && (has_timed_out || time >= SILENCE)
    }
}

impl<H: AsRef<Clients>> Drop for Watch<H> {
    fn drop(&mut self) {
        if !self.is_over && self.was_silent() {
            self.clients.as_ref().retire(&self.connections);
        }
    }
}

/// A resolver of names for the dials of an HTTP client: it returns one address per dial.
struct Resolver {
    names: Arc<Names>,
    /// The host and the port of the server.
    server: Option<(String, u16)>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.names);
        let host = name.as_str().to_owned();
        let port = match &self.server {
            Some((server, port)) if *server == host => *port,
            // The proxy. With 0, its URL's port is used.
            _ => 0,
        };
        Box::pin(async move {
            let addresses = names.addresses(&host, port).await?;
            let picked: Addrs = Box::new(dialer::pick(&addresses).into_iter());
            Ok(picked)
        })
    }
}

/// Creates the HTTP client of a runtime.
fn new_client(config: &TransportConfig, peer: &Arc<Peer>) -> Result<reqwest::Client, Error> {
    let names = Arc::clone(&config.names);
    let server = config
        .url
        .name()
        .map(|(host, port)| (host.to_owned(), port));
    let connect_timeout = config.connect_timeout.unwrap_or(Duration::MAX);
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(config.connections.idle_timeout.unwrap_or(IDLE_TIMEOUT))
        .tcp_keepalive(config.connections.tcp_keepalive.unwrap_or(TCP_KEEPALIVE))
        .tcp_nodelay(true)
        .dns_resolver(Resolver { names, server })
        .connector_layer(DialLayer::new(Arc::clone(peer), connect_timeout))
        .user_agent(config.user_agent.clone());
    if let Some(connections) = config.connections.max_idle {
        builder = builder.pool_max_idle_per_host(connections);
    }
    if config.proxy.is_none() {
        builder = builder.no_proxy();
    }
    let builder = with_user_timeout(with_unix_socket(builder, config));
    with_tls(builder, config)
        .build()
        .map_err(|error| Error::Config(format!("the HTTP client cannot be built: {error}")))
}

/// Bounds the time for which what was sent may be unacknowledged.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn with_user_timeout(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.tcp_user_timeout(TCP_USER_TIMEOUT)
}

#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
fn with_user_timeout(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}

#[cfg(unix)]
fn with_unix_socket(
    builder: reqwest::ClientBuilder,
    config: &TransportConfig,
) -> reqwest::ClientBuilder {
    match &config.connections.unix_socket {
        // Otherwise reqwest would ask a proxy for the socket.
        Some(path) => builder.no_proxy().unix_socket(path.clone()),
        None => builder,
    }
}

#[cfg(not(unix))]
fn with_unix_socket(
    builder: reqwest::ClientBuilder,
    _config: &TransportConfig,
) -> reqwest::ClientBuilder {
    builder
}

#[cfg(feature = "_tls")]
fn with_tls(builder: reqwest::ClientBuilder, config: &TransportConfig) -> reqwest::ClientBuilder {
    let mut tls = config.tls.config.clone();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    builder
        .http2_keep_alive_interval(config.connections.http2_keep_alive)
        .http2_keep_alive_timeout(config.connections.ping_timeout())
        .http2_keep_alive_while_idle(true)
        .tls_backend_preconfigured(tls)
}

#[cfg(not(feature = "_tls"))]
fn with_tls(builder: reqwest::ClientBuilder, _config: &TransportConfig) -> reqwest::ClientBuilder {
    super::without_tls::unused_rustls(builder)
}
