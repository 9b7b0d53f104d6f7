//! The builder of a server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use centrifugo_api::Error;

use crate::configuration::Sources;
use crate::namespace::Namespace;
use crate::namespaces::Namespaces;
#[cfg(feature = "proxy")]
use crate::proxies::{ConfiguredProxies, ProxySettings};
use crate::release::Release;
#[cfg(feature = "_token")]
use crate::tokens::Tokens;
use crate::wire::ServerConfig;

/// The number of requests that are recorded by default.
const DEFAULT_RECORDED: usize = 10_000;

/// A builder of a [`Server`](crate::Server); mistakes are reported by [`start`](Self::start).
///
/// An option that is set in code wins over the [`environment`](Self::environment), and that over a
/// [`configuration`](Self::configuration), whatever comes first.
#[derive(Clone)]
#[must_use]
pub struct ServerBuilder {
    port: u16,
    key: Key,
    error_mode_transport: bool,
    recorded: usize,
    release: Release,
    namespaces: Option<Vec<Namespace>>,
    pub(crate) sources: Sources,
    #[cfg(feature = "_token")]
    pub(crate) tokens: Tokens,
    #[cfg(feature = "proxy")]
    pub(crate) proxies: ProxySettings,
}

/// The API key that was set in code.
#[derive(Clone)]
enum Key {
    /// None was set.
    Unset,
    /// The key for HTTP and gRPC; `None` if calls need none.
    Set(Option<String>),
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            port: 0,
            key: Key::Unset,
            error_mode_transport: false,
            recorded: DEFAULT_RECORDED,
            release: Release::default(),
            namespaces: None,
            sources: Sources::default(),
            #[cfg(feature = "_token")]
            tokens: Tokens::default(),
            #[cfg(feature = "proxy")]
            proxies: ProxySettings::default(),
        }
    }

    /// Sets the port of 127.0.0.1 to listen on; a free port by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the API key for HTTP and gRPC; `secret` by default.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Key::Set(Some(key.into()));
        self
    }

    /// Lets calls pass without an API key.
    pub fn insecure(mut self) -> Self {
        self.key = Key::Set(None);
        self
    }

    /// Reports errors as HTTP statuses and gRPC codes: sets Centrifugo's `error_mode` of both APIs
    /// to `transport`.
    pub fn error_mode_transport(mut self) -> Self {
        self.error_mode_transport = true;
        self
    }

    /// Adds a namespace. A namespace with an empty name configures channels without a namespace.
    ///
    /// Once a namespace is added, only configured channels exist. By default every channel without
    /// a namespace has history, presence, and join and leave events.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.get_or_insert_default().push(namespace);
        self
    }

    /// Sets how many of the last requests [`Server::requests`](crate::Server::requests) returns; 10,000 by default.
    pub fn recorded_requests(mut self, requests: usize) -> Self {
        self.recorded = requests;
        self
    }

    /// Sets the release of Centrifugo whose behaviour the server has; [`Release::V6_9`] by default.
    pub fn release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    /// Returns the options that channels have if no namespace is configured.
    #[cfg(feature = "proxy")]
    fn default_namespace(&self) -> Namespace {
        default_namespace().clients(self.proxies.default_options())
    }

    /// Returns the options that channels have if no namespace is configured.
    #[cfg(not(feature = "proxy"))]
    #[allow(clippy::unused_self)] // As with proxies.
    fn default_namespace(&self) -> Namespace {
        default_namespace()
    }

    #[cfg(feature = "proxy")]
    fn check_proxies(&self) -> Result<(), Error> {
        self.proxies.check()
    }

    #[cfg(not(feature = "proxy"))]
    #[allow(clippy::unnecessary_wraps, clippy::unused_self)] // As with proxies.
    fn check_proxies(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Checks the options, and listens on the port.
    pub(crate) fn listen(self) -> Result<Listening, Error> {
        let default_namespace = self.default_namespace();
        let settings = self.sources.clone().read();
        let settings =
            settings.map_err(|problem| Error::Config(format!("configuration: {problem}")))?;
        self.check_proxies()?;
        let mut config = settings.config;
        if let Key::Set(key) = self.key {
            config.http_key.clone_from(&key);
            config.grpc_key = key;
        }
        config.http_error_mode_transport |= self.error_mode_transport;
        config.grpc_error_mode_transport |= self.error_mode_transport;
        for key in [&config.http_key, &config.grpc_key].into_iter().flatten() {
            check_key(key).map_err(|problem| Error::Config(problem.to_owned()))?;
        }
        let mut namespaces = settings.namespaces;
        namespaces.extend(self.namespaces);
        let namespaces = if namespaces.is_empty() {
            vec![default_namespace]
        } else {
            namespaces.into_iter().flatten().collect()
        };
        let namespaces = Namespaces::checked(namespaces)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = TcpListener::bind(address).map_err(|error| {
            Error::Config(format!(
                "cannot listen on port {} of 127.0.0.1: {error}; leave the port out for a free one",
                self.port
            ))
        })?;
        Ok(Listening {
            listener,
            namespaces,
            config,
            release: self.release,
            recorded: self.recorded,
            #[cfg(feature = "_token")]
            tokens: self.tokens.or(settings.tokens),
            #[cfg(feature = "proxy")]
            proxies: self.proxies,
            #[cfg(feature = "proxy")]
            configured_proxies: settings.proxies,
        })
    }
}

/// A valid configuration, and the listener of its port.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) namespaces: Namespaces,
    pub(crate) config: ServerConfig,
    pub(crate) release: Release,
    /// The number of requests to keep.
    pub(crate) recorded: usize,
    #[cfg(feature = "_token")]
    pub(crate) tokens: Tokens,
    #[cfg(feature = "proxy")]
    pub(crate) proxies: ProxySettings,
    #[cfg(feature = "proxy")]
    pub(crate) configured_proxies: ConfiguredProxies,
}

/// Checks that a client can send the key.
fn check_key(key: &str) -> Result<(), &'static str> {
    if key.trim().is_empty() {
        return Err("api_key is empty: set it, or call insecure for a server without a key");
    }
    let is_trimmed = key.trim() == key;
    if is_trimmed && key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(())
    } else {
        Err(
            "api_key cannot be sent in a header: use ASCII without control characters and \
             without spaces at its ends",
        )
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerBuilder")
            .field("port", &self.port)
            .field("error_mode_transport", &self.error_mode_transport)
            .field("recorded_requests", &self.recorded)
            .field("release", &self.release)
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}

/// Returns the options that channels have by default.
fn default_namespace() -> Namespace {
    Namespace::new("")
        .history_size(100)
        .history_ttl(Duration::from_secs(300))
        .presence(true)
        .join_leave(true)
        .force_push_join_leave(true)
        .force_recovery(true)
}
