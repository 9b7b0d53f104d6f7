//! Dials a node: its addresses are looked up and raced, and the first connection that is ready for calls wins.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Failures, Names, race, set_options};
use crate::error::Error;
use crate::transport::TransportConfig;
use crate::transport::tls::Connector;

/// TCP, TLS or a Unix socket.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// What connections pass through on their way to the node: a proxy.
#[cfg_attr(not(feature = "hyper"), allow(dead_code))]
pub(crate) trait Passage: Send + Sync {
    /// Returns the host and the port to connect to instead of the node's.
    fn host(&self) -> (&str, u16);

    /// Returns the connection to the node, given that to the host.
    fn pass(self: Arc<Self>, socket: Box<dyn Socket>) -> Passing;
}

/// The future of a connection that has passed.
pub(crate) type Passing = Pin<Box<dyn Future<Output = io::Result<Box<dyn Socket>>> + Send>>;

/// A socket that is connected, and the address of its other end if that has one.
pub(crate) struct Connected {
    pub(crate) socket: Box<dyn Socket>,
    pub(crate) address: Option<SocketAddr>,
}

/// The way to a node.
pub(crate) struct Dialer {
    target: Target,
    names: Arc<Names>,
    timeout: Duration,
    socket: Arc<SocketConfig>,
}

enum Target {
    Host(String, u16),
    #[cfg_attr(not(unix), allow(dead_code))]
    Unix(PathBuf),
}

/// The options of each connection.
struct SocketConfig {
    tcp_keepalive: Option<Duration>,
    passage: Option<Arc<dyn Passage>>,
    /// `None` without TLS.
    tls: Option<Connector>,
}

/// The reason why there is no connection.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The host name could not be looked up.
    Lookup(io::Error),
    /// Every address failed.
    Failed(Failures),
    /// The Unix socket failed.
    Socket(io::Error),
    /// The time was over.
    TimedOut,
    /// The runtime ended.
    Ended,
}

impl Dialer {
    /// Creates a dialer of connections that speak a protocol, by its name in TLS: `h2`, `http/1.1`.
    pub(crate) fn new(
        config: &TransportConfig,
        protocol: &'static str,
        passage: Option<Arc<dyn Passage>>,
    ) -> Result<Self, Error> {
        let own_host = (config.url.host(), config.url.port());
        let (host, port) = passage.as_ref().map_or(own_host, |passage| passage.host());
        let target = match &config.connections.unix_socket {
            Some(path) => Target::Unix(path.clone()),
            None => Target::Host(host.to_owned(), port),
        };
        Ok(Self {
            target,
            names: Arc::clone(&config.names),
            timeout: config.connect_timeout.unwrap_or(Duration::MAX),
            socket: Arc::new(SocketConfig {
                tcp_keepalive: config.connections.tcp_keepalive,
                passage,
                tls: Connector::new(config, protocol)?,
            }),
        })
    }

    /// Makes a connection, which `begin` makes ready for calls.
    pub(crate) async fn dial<T, F>(
        &self,
        begin: impl Fn(Connected) -> F + Clone + Send + 'static,
    ) -> Result<T, DialError>
    where
        T: Send + 'static,
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        let dialled = tokio::time::timeout(self.timeout, self.connect(begin)).await;
        dialled.unwrap_or(Err(DialError::TimedOut))
    }

    async fn connect<T, F>(
        &self,
        begin: impl Fn(Connected) -> F + Clone + Send + 'static,
    ) -> Result<T, DialError>
    where
        T: Send + 'static,
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        let (host, port) = match &self.target {
            Target::Host(host, port) => (host, *port),
            Target::Unix(path) => {
                let connected = connect_unix(path).await.map_err(DialError::Socket)?;
                return begin(connected).await.map_err(DialError::Socket);
            }
        };
        let addresses = self.names.addresses(host, port).await;
        let addresses = addresses.map_err(DialError::Lookup)?;
        let connect = |address| {
            let socket = Arc::clone(&self.socket);
            let names = Arc::clone(&self.names);
            let begin = begin.clone();
            async move {
                let begun = match socket.connect(address).await {
                    Ok(connected) => begin(connected).await,
                    Err(error) => Err(error),
                };
                if begun.is_err() {
                    names.failed(address);
                }
                begun
            }
        };
        let (address, begun) = race(&addresses, connect).await.map_err(DialError::Failed)?;
        self.names.succeeded(address);
        Ok(begun)
    }

    /// Records that the connection to an address is dead.
    pub(crate) fn failed(&self, address: Option<SocketAddr>) {
        if let Some(address) = address {
            self.names.failed(address);
        }
    }
}

impl SocketConfig {
    async fn connect(&self, address: SocketAddr) -> io::Result<Connected> {
        let tcp = TcpStream::connect(address).await?;
        set_options(&tcp, self.tcp_keepalive)?;
        let mut socket: Box<dyn Socket> = Box::new(tcp);
        if let Some(passage) = &self.passage {
            socket = Arc::clone(passage).pass(socket).await?;
        }
        if let Some(tls) = &self.tls {
            socket = Box::new(tls.connect(socket).await?);
        }
        Ok(Connected {
            socket,
            address: Some(address),
        })
    }
}

#[cfg(unix)]
async fn connect_unix(path: &PathBuf) -> io::Result<Connected> {
    let socket = tokio::net::UnixStream::connect(path).await?;
    Ok(Connected {
        socket: Box::new(socket),
        address: None,
    })
}

#[cfg(not(unix))]
#[allow(clippy::unused_async)]
async fn connect_unix(_path: &PathBuf) -> io::Result<Connected> {
    Err(io::ErrorKind::Unsupported.into())
}

impl DialError {
    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::Failed(failures) => failures
                .iter()
                .all(|(_, error)| error.kind() == io::ErrorKind::TimedOut),
            _ => false,
        }
    }

    /// Returns the addresses that failed.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let Self::Failed(failures) = self else {
            return Vec::new();
        };
        let mut addresses = Vec::new();
        for (address, _) in failures {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        addresses
    }
}

impl DialError {
    /// Returns what happened, in a few words, if the source does not say it.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Lookup(_) => Some("the host name cannot be resolved"),
            Self::Ended => Some("the runtime has ended"),
            _ => None,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lookup(_) => "the host name cannot be resolved",
            Self::Failed(_) | Self::Socket(_) => "no connection can be made",
            Self::TimedOut => "no connection could be made in time",
            Self::Ended => "the runtime has ended",
        })
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lookup(error) | Self::Socket(error) => Some(error),
            Self::Failed(failures) => failures.last().map(|(_, error)| error as _),
            Self::TimedOut | Self::Ended => None,
        }
    }
}
