//! The HTTP transport: a POST to `{base}/{method}`, or to the base URL with legacy commands.

mod response;
#[cfg(not(feature = "_tls"))]
mod without_tls;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ::http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use bytes::{Bytes, BytesMut};
use reqwest::{Body, Response, Url};

use super::diagnosis::{self, Diagnosis};
use super::per_runtime::PerRuntime;
use super::request::TrackedBody;
use super::{OutgoingRequest, OwnConnections, Route, SendState, TransportConfig, too_large};
use crate::api::messages::METHODS;
use crate::error::{Attempts, Effect, Error, Status, cause};
pub(super) use response::error_response;

/// The idle time after which a connection is closed. Centrifugo 6.5 and later close idle connections after 30 s:
/// if the client closes them earlier, no call is sent while the server closes its connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// Centrifugo 6.5 and later cut the connection of a call that takes longer.
const SERVER_CUTS_AFTER: Duration = Duration::from_secs(10);

/// The number of bytes that are read of a body that is not a reply, for the error's text.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// The HTTP connections to a node.
pub(crate) struct Http {
    base: Url,
    /// The URLs of the schema's methods.
    urls: HashMap<&'static str, Url>,
    /// The server as errors show it.
    shown: Box<str>,
    /// The headers of each call, with room for the key, so that no call grows the map.
    headers: HeaderMap,
    max_response_size: usize,
    /// Whether calls are sent as command lines to the base URL.
    legacy: bool,
    clients: Clients,
    diagnosis: Diagnosis,
}

enum Clients {
    Own(reqwest::Client),
    PerRuntime(PerRuntime<reqwest::Client>),
}

impl Http {
    pub(super) fn new(mut config: TransportConfig, own: OwnConnections) -> Result<Self, Error> {
        let base = config.url.to_http();
        let mut urls = HashMap::with_capacity(METHODS.len());
        for method in METHODS {
            urls.insert(*method, parse(&base, &format!("{base}/{method}"))?);
        }
        let base = parse(&base, &base)?;
        let shown = config.shown();
        let max_response_size = config.max_response_size;
        let legacy = config.legacy_commands;
        let diagnosis = Diagnosis::new(&config);
        let headers = headers(&mut config, &base, own.has_http_client());
        let clients = match own.http_client {
            Some(client) => Clients::Own(client),
            None => {
                // Created once here, so that `build` finds what is wrong with the options.
                new_client(&config)?;
                Clients::PerRuntime(PerRuntime::new(move || new_client(&config)))
            }
        };
        Ok(Self {
            base,
            urls,
            shown,
            headers,
            max_response_size,
            legacy,
            clients,
            diagnosis,
        })
    }

    /// Sends a request and returns the body of the reply.
    pub(super) async fn send(
        &self,
        route: &Route<'_>,
        outgoing: OutgoingRequest,
    ) -> Result<Bytes, Error> {
        let client = match &self.clients {
            Clients::Own(client) => client.clone(),
            Clients::PerRuntime(clients) => clients.get()?,
        };
        let started = Instant::now();
        let state = outgoing.state.clone();
        let network = |error| self.network_error(route, error, &state, started);
        let request = self.request(route, outgoing)?;
        let mut response = client.execute(request).await.map_err(network)?;
        self.diagnosis.saw_reply();
        match response.status().as_u16() {
            200..=299 => {
                let body = read(&mut response, self.max_response_size).await;
                let (body, is_whole) = body.map_err(network)?;
                if is_whole {
                    Ok(body)
                } else {
                    Err(too_large(route.method, self.max_response_size))
                }
            }
            401 => Err(Error::Unauthorized {
                method: route.method,
                status: Status::Http(401),
                attempts: Attempts::default(),
            }),
            status => {
                let limit = ERROR_BODY_LIMIT.min(self.max_response_size);
                // The status matters more than the body, which may be unreadable.
                let body = read(&mut response, limit).await;
                let body = body.map(|(body, _)| body).unwrap_or_default();
                Err(error_response(route, status, response.headers(), &body))
            }
        }
    }

    fn request(
        &self,
        route: &Route<'_>,
        outgoing: OutgoingRequest,
    ) -> Result<reqwest::Request, Error> {
        let mut request = reqwest::Request::new(::http::Method::POST, self.url_of(route)?);
        *request.headers_mut() = self.headers.clone();
        if let Some((name, key)) = outgoing.key {
            request.headers_mut().insert(name, key);
        }
        let body = TrackedBody::new(outgoing.body, outgoing.state);
        *request.body_mut() = Some(Body::wrap(body));
        Ok(request)
    }

    /// Returns the URL of a method.
    fn url_of(&self, route: &Route<'_>) -> Result<Url, Error> {
        if self.legacy {
            return Ok(self.base.clone());
        }
        if let Some(url) = self.urls.get(&*route.name) {
            return Ok(url.clone());
        }
        // A method that the schema does not have.
        let name = &route.name;
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/{name}").parse().map_err(|error| {
            let problem =
                format!("{name}: its name does not make a URL: {error}; nothing was sent");
            Error::InvalidRequest(problem.into())
        })
    }

    /// Returns the error of a call whose connection failed.
    fn network_error(
        &self,
        route: &Route<'_>,
        error: reqwest::Error,
        state: &SendState,
        started: Instant,
    ) -> Error {
        let method = route.method;
        let elapsed = started.elapsed();
        let attempts = Attempts::default();
        let effect = if error.is_connect() || error.is_builder() {
            Effect::Unsent
        } else {
            state.abandon()
        };
        if error.is_timeout() {
            return Error::Timeout {
                method,
                effect,
                after: elapsed,
                attempts,
            };
        }
        let hint = if !effect.is_unsent() && elapsed >= SERVER_CUTS_AFTER {
            "Centrifugo 6.5 and later cut replies that take longer than 10 s over HTTP"
        } else {
            self.diagnosis.hint(error.is_connect(), &error)
        };
        Error::Network {
            method,
            url: self.shown.clone(),
            effect,
            elapsed,
            reason: diagnosis::reason(&error),
            hint,
            source: cause(error.without_url()),
            attempts,
        }
    }
}

fn parse(base: &str, url: &str) -> Result<Url, Error> {
    url.parse()
        .map_err(|error| Error::Config(format!("url `{base}`: {error}")))
}

/// Returns the headers of each call, including those that the layers below would add one by one.
fn headers(config: &mut TransportConfig, base: &Url, is_own_client: bool) -> HeaderMap {
    let mut headers = std::mem::take(&mut config.headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(name) = config.key_header.clone() {
        headers.insert(name, HeaderValue::from_static(""));
    }
    if is_own_client {
        return headers;
    }
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, config.user_agent.clone());
    // HTTP/2, which TLS may negotiate, has no header `Host`.
    if !config.url.tls
        && let Some(host) = host_header(base)
    {
        headers.insert(HOST, host);
    }
    headers
}

/// Returns the header `Host` of calls to a URL.
fn host_header(base: &Url) -> Option<HeaderValue> {
    let host = base.host_str()?;
    let text = match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(text).ok()
}

/// Creates the HTTP client of a runtime.
fn new_client(config: &TransportConfig) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(config.connections.idle_timeout.unwrap_or(IDLE_TIMEOUT))
        .tcp_keepalive(config.connections.tcp_keepalive)
        .tcp_nodelay(true)
        .user_agent(config.user_agent.clone());
    if let Some(timeout) = config.connect_timeout {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(connections) = config.connections.max_idle {
        builder = builder.pool_max_idle_per_host(connections);
    }
    if config.connections.no_proxy {
        builder = builder.no_proxy();
    }
    if let Some(address) = config.address
        && let Some((name, _)) = config.url.name()
    {
        builder = builder.resolve(name, address);
    }
    builder = with_unix_socket(builder, config);
    with_tls(builder, config)
        .build()
        .map_err(|error| Error::Config(format!("the HTTP client cannot be built: {error}")))
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
        .tls_backend_preconfigured(tls)
}

#[cfg(not(feature = "_tls"))]
fn with_tls(builder: reqwest::ClientBuilder, _config: &TransportConfig) -> reqwest::ClientBuilder {
    without_tls::unused_rustls(builder)
}

/// Reads a body up to the limit, and returns whether that is all of it. A body in one chunk is not copied.
async fn read(response: &mut Response, limit: usize) -> Result<(Bytes, bool), reqwest::Error> {
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Ok((Bytes::new(), false));
    }
    let Some(first) = response.chunk().await? else {
        return Ok((Bytes::new(), true));
    };
    if announced == Some(first.len()) {
        return Ok((first, true));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(first.len()));
    body.extend_from_slice(&first);
    while body.len() <= limit {
        match response.chunk().await? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok((body.freeze(), true)),
        }
    }
    body.truncate(limit);
    Ok((body.freeze(), false))
}
