//! The builder of a server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use centrifugo_api::Error;

use crate::namespace::{Namespace, Namespaces};
use crate::wire::ServerConfig;

/// The default API key.
const DEFAULT_KEY: &str = "secret";

/// The default of gRPC in Go, and of Centrifugo's `grpc_api.max_receive_message_size`.
const DEFAULT_MAX_RECEIVE_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

/// The number of requests that are recorded by default.
const DEFAULT_RECORDED: usize = 10_000;

/// A builder of a [`Server`](crate::Server); mistakes are reported by [`start`](Self::start).
#[derive(Clone)]
#[must_use]
pub struct ServerBuilder {
    port: u16,
    http_key: Option<String>,
    grpc_key: Option<String>,
    http_error_mode_transport: bool,
    grpc_error_mode_transport: bool,
    prefix: String,
    max_receive_message_size: usize,
    recorded: usize,
    namespaces: Option<Vec<Namespace>>,
    /// The first mistake in a configuration.
    problem: Option<String>,
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            port: 0,
            http_key: Some(DEFAULT_KEY.to_owned()),
            grpc_key: Some(DEFAULT_KEY.to_owned()),
            http_error_mode_transport: false,
            grpc_error_mode_transport: false,
            prefix: "/api".to_owned(),
            max_receive_message_size: DEFAULT_MAX_RECEIVE_MESSAGE_SIZE,
            recorded: DEFAULT_RECORDED,
            namespaces: None,
            problem: None,
        }
    }

    /// Sets the port of 127.0.0.1 to listen on; a free port by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the API key for HTTP and gRPC; `secret` by default.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.http_key = Some(key.clone());
        self.grpc_key = Some(key);
        self
    }

    /// Lets calls pass without an API key.
    pub fn insecure(mut self) -> Self {
        self.http_key = None;
        self.grpc_key = None;
        self
    }

    /// Reports errors as HTTP statuses and gRPC codes: sets Centrifugo's `error_mode` of both APIs
    /// to `transport`.
    pub fn error_mode_transport(mut self) -> Self {
        self.http_error_mode_transport = true;
        self.grpc_error_mode_transport = true;
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

    /// Checks the options, and listens on the port.
    pub(crate) fn listen(self) -> Result<Listening, Error> {
        if let Some(problem) = self.problem {
            return Err(Error::Config(problem));
        }
        for key in [&self.http_key, &self.grpc_key].into_iter().flatten() {
            check_key(key).map_err(|problem| Error::Config(problem.to_owned()))?;
        }
        let namespaces = self.namespaces.unwrap_or_else(|| vec![default_namespace()]);
        let namespaces = Namespaces::checked(namespaces)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = TcpListener::bind(address).map_err(|error| {
            Error::Config(format!(
                "cannot listen on port {} of 127.0.0.1: {error}; leave the port out for a free one",
                self.port
            ))
        })?;
        let config = ServerConfig {
            http_key: self.http_key,
            grpc_key: self.grpc_key,
            http_error_mode_transport: self.http_error_mode_transport,
            grpc_error_mode_transport: self.grpc_error_mode_transport,
            prefix: self.prefix,
            max_receive_message_size: self.max_receive_message_size,
        };
        Ok(Listening {
            listener,
            namespaces,
            config,
            recorded: self.recorded,
        })
    }

    pub(crate) fn set_keys(&mut self, http: Option<String>, grpc: Option<String>) {
        self.http_key = http;
        self.grpc_key = grpc;
    }

    pub(crate) fn set_error_modes(&mut self, http_transport: bool, grpc_transport: bool) {
        self.http_error_mode_transport = http_transport;
        self.grpc_error_mode_transport = grpc_transport;
    }

    pub(crate) fn set_prefix(&mut self, prefix: &str) {
        self.prefix = prefix.trim_end_matches('/').to_owned();
    }

    pub(crate) fn set_max_receive_message_size(&mut self, bytes: usize) {
        self.max_receive_message_size = bytes;
    }

    /// Keeps the first mistake, for [`start`](Self::start) to report.
    pub(crate) fn set_problem(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }
}

/// A valid configuration, and the listener of its port.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) namespaces: Namespaces,
    pub(crate) config: ServerConfig,
    /// The number of requests to keep.
    pub(crate) recorded: usize,
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
            .field("http_error_mode_transport", &self.http_error_mode_transport)
            .field("grpc_error_mode_transport", &self.grpc_error_mode_transport)
            .field("prefix", &self.prefix)
            .field("max_receive_message_size", &self.max_receive_message_size)
            .field("recorded_requests", &self.recorded)
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
