//! Dials a node: its addresses are looked up and raced, and the first connection that is ready for calls wins.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::connection::{Connection, KeepAlive};
use super::stream::Socket;
use crate::error::Error;
use crate::transport::TransportConfig;
use crate::transport::dial::{Failures, Names, race, set_options};
use crate::transport::tls::Connector;

/// The way to a node.
pub(super) struct Dialer {
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
    /// `None` without TLS.
    tls: Option<Connector>,
    keep_alive: Option<KeepAlive>,
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
    pub(super) fn new(config: &TransportConfig) -> Result<Self, Error> {
        let target = match &config.connections.unix_socket {
            Some(path) => Target::Unix(path.clone()),
            None => Target::Host(config.url.host().to_owned(), config.url.port()),
        };
        let options = &config.connections;
        let keep_alive = options.http2_keep_alive.map(|interval| KeepAlive {
            interval,
            timeout: options.ping_timeout(),
        });
        Ok(Self {
            target,
            names: Arc::clone(&config.names),
            timeout: config.connect_timeout.unwrap_or(Duration::MAX),
            socket: Arc::new(SocketConfig {
                tcp_keepalive: options.tcp_keepalive,
                tls: Connector::new(config)?,
                keep_alive,
            }),
        })
    }

    /// Makes a connection. `changed` is told when it takes more calls, or none.
    pub(super) async fn dial(&self, changed: Arc<Notify>) -> Result<Connection, DialError> {
        let dialled = tokio::time::timeout(self.timeout, self.connect(&changed)).await;
        dialled.unwrap_or(Err(DialError::TimedOut))
    }

    async fn connect(&self, changed: &Arc<Notify>) -> Result<Connection, DialError> {
        let (host, port) = match &self.target {
            Target::Host(host, port) => (host, *port),
            Target::Unix(path) => {
                let connected = self.socket.connect_unix(path, changed).await;
                return connected.map_err(DialError::Socket);
            }
        };
        let addresses = self.names.addresses(host, port).await;
        let addresses = addresses.map_err(DialError::Lookup)?;
        let connect = |address| {
            let socket = Arc::clone(&self.socket);
            let names = Arc::clone(&self.names);
            let changed = Arc::clone(changed);
            async move {
                let connected = socket.connect(address, changed).await;
                if connected.is_err() {
                    names.failed(address);
                }
                connected
            }
        };
        let (address, connection) = race(&addresses, connect).await.map_err(DialError::Failed)?;
        self.names.succeeded(address);
        Ok(connection)
    }

    /// Records that the connection to an address is dead.
    pub(super) fn failed(&self, address: Option<SocketAddr>) {
        if let Some(address) = address {
            self.names.failed(address);
        }
    }
}

impl SocketConfig {
    async fn connect(&self, address: SocketAddr, changed: Arc<Notify>) -> io::Result<Connection> {
        let tcp = TcpStream::connect(address).await?;
        set_options(&tcp, self.tcp_keepalive)?;
        let socket: Box<dyn Socket> = match &self.tls {
            Some(tls) => Box::new(tls.connect(tcp).await?),
            None => Box::new(tcp),
        };
        Connection::new(socket, Some(address), self.keep_alive, changed).await
    }

    #[cfg(unix)]
    async fn connect_unix(&self, path: &PathBuf, changed: &Arc<Notify>) -> io::Result<Connection> {
        let socket = Box::new(tokio::net::UnixStream::connect(path).await?);
        Connection::new(socket, None, self.keep_alive, Arc::clone(changed)).await
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_async)]
    async fn connect_unix(
        &self,
        _path: &PathBuf,
        _changed: &Arc<Notify>,
    ) -> io::Result<Connection> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl DialError {
    pub(super) fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::Failed(failures) => failures
                .iter()
                .all(|(_, error)| error.kind() == io::ErrorKind::TimedOut),
            _ => false,
        }
    }

    /// Returns the addresses that failed.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
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
    pub(super) fn reason(&self) -> Option<&'static str> {
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
