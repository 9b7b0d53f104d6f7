use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use super::configuration;
use super::namespace::{Namespace, Namespaces};
use super::server::Server;
use super::wire::ServerConfig;
use centrifugo_api::Error;

/// The key that calls need unless another is set.
const DEFAULT_KEY: &str = "secret";

/// As gRPC has it in Go, and Centrifugo where `grpc_api.max_receive_message_size` is not set.
const DEFAULT_MAX_RECEIVE_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

const DEFAULT_RECORDED: usize = 10_000;

/// Configures a [`Server`]; every mistake is found in [`start`](Self::start).
#[derive(Clone)]
#[must_use]
pub struct ServerBuilder {
    port: u16,
    http_key: Option<String>,
    grpc_key: Option<String>,
    error_mode: [bool; 2],
    prefix: String,
    max_receive_message_size: usize,
    recorded: usize,
    namespaces: Option<Vec<Namespace>>,
    problem: Option<String>,
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            port: 0,
            http_key: Some(DEFAULT_KEY.to_owned()),
            grpc_key: Some(DEFAULT_KEY.to_owned()),
            error_mode: [false; 2],
            prefix: "/api".to_owned(),
            max_receive_message_size: DEFAULT_MAX_RECEIVE_MESSAGE_SIZE,
            recorded: DEFAULT_RECORDED,
            namespaces: None,
            problem: None,
        }
    }

    /// Listens on that port of 127.0.0.1; on a free one unless set.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the key of both APIs; it is `secret` unless set.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        (self.http_key, self.grpc_key) = (Some(key.clone()), Some(key));
        self
    }

    /// Asks for no key.
    pub fn insecure(mut self) -> Self {
        (self.http_key, self.grpc_key) = (None, None);
        self
    }

    /// Answers errors as HTTP statuses and gRPC codes: Centrifugo's `error_mode` of both APIs, set to `transport`.
    pub fn error_mode_transport(mut self) -> Self {
        self.error_mode = [true; 2];
        self
    }

    /// Adds a namespace, or with an empty name the options of channels without one.
    ///
    /// As soon as one is added, channels are what is configured. Until then, every channel without a namespace has
    /// history, presence, and events of those who come and go.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.get_or_insert_default().push(namespace);
        self
    }

    /// Takes over a Centrifugo configuration of v6, as JSON, so that the tests have the namespaces of production.
    ///
    /// Read are `channel` with its `namespaces` and `without_namespace`, and of `http_api` and `grpc_api` the `key`,
    /// `error_mode`, `handler_prefix`, `insecure` and `max_receive_message_size`. The rest is left alone.
    pub fn configuration(self, json: &str) -> Self {
        configuration::apply(self, json)
    }

    /// Remembers that many of the last requests, for [`Server::requests`]; 10,000 unless set.
    pub fn recorded_requests(mut self, requests: usize) -> Self {
        self.recorded = requests;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option, when options contradict each other or the port is in use.
    pub fn start(self) -> Result<Server, Error> {
        if let Some(problem) = self.problem {
            return Err(Error::Config(problem));
        }
        for key in [&self.http_key, &self.grpc_key].into_iter().flatten() {
            check_key(key).map_err(|problem| Error::Config(problem.to_owned()))?;
        }
        let namespaces =
            Namespaces::checked(self.namespaces.unwrap_or_else(|| vec![everything()]))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = TcpListener::bind(address).map_err(|error| {
            Error::Config(format!(
                "port {} of 127.0.0.1 cannot be listened on: {error}; leave the port out for a free one",
                self.port
            ))
        })?;
        let config = ServerConfig {
            http_key: self.http_key,
            grpc_key: self.grpc_key,
            http_error_mode: self.error_mode[0],
            grpc_error_mode: self.error_mode[1],
            prefix: self.prefix,
            max_receive_message_size: self.max_receive_message_size,
        };
        Server::run(listener, namespaces, config, self.recorded)
    }

    // What a configuration sets one by one.

    pub(crate) fn set_keys(&mut self, http: Option<String>, grpc: Option<String>) {
        (self.http_key, self.grpc_key) = (http, grpc);
    }

    pub(crate) fn set_error_modes(&mut self, http: bool, grpc: bool) {
        self.error_mode = [http, grpc];
    }

    pub(crate) fn set_prefix(&mut self, prefix: &str) {
        self.prefix = prefix.trim_end_matches('/').to_owned();
    }

    pub(crate) fn set_max_receive_message_size(&mut self, bytes: usize) {
        self.max_receive_message_size = bytes;
    }

    pub(crate) fn set_problem(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }
}

/// Refuses what no client can send.
fn check_key(key: &str) -> Result<(), &'static str> {
    if key.trim().is_empty() {
        return Err("api_key is empty: give one, or use insecure for a server without");
    }
    match key.trim() == key && key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        true => Ok(()),
        false => Err(
            "api_key cannot be sent in a header: give ASCII without control characters and outer spaces",
        ),
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerBuilder")
            .field("port", &self.port)
            .field("error_mode", &self.error_mode)
            .field("prefix", &self.prefix)
            .field("max_receive_message_size", &self.max_receive_message_size)
            .field("recorded_requests", &self.recorded)
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}

/// What channels are where nothing is configured.
fn everything() -> Namespace {
    Namespace::new("")
        .history_size(100)
        .history_ttl(Duration::from_secs(300))
        .presence(true)
        .join_leave(true)
        .force_push_join_leave(true)
        .force_recovery(true)
}
