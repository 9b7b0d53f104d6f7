//! The HTTP transport: a POST to `{base}/{method}`, or to the base URL with legacy commands.

mod connections;
mod dialer;
mod hedge;
mod response;
#[cfg(test)]
#[cfg(all(feature = "blocking", feature = "_tls", target_os = "linux"))]
mod tests;
#[cfg(not(feature = "_tls"))]
mod without_tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ::http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use bytes::{Bytes, BytesMut};
use reqwest::{Body, Response, Url};

use super::diagnosis::{self, Diagnosis};
use super::request::TrackedBody;
use super::{OutgoingRequest, OwnConnections, Route, SendState, TransportConfig, too_large};
use crate::api::messages::METHODS;
use crate::error::{Attempts, Error, Status, cause};
use connections::{Clients, Connections, Watch};
pub(super) use response::error_response;

/// Centrifugo 6.5 and later cut the connection of a call that takes longer.
const SERVER_CUTS_AFTER: Duration = Duration::from_secs(10);

/// The number of bytes that are read of a body that is not a reply, for the error's text.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// The time that such a body has to arrive.
const ERROR_BODY_TIME: Duration = Duration::from_millis(250);

/// The number of times that a request is sent again at once because the server refused it unread.
const MAX_REFUSALS: usize = 2;

/// A connection that was used before and is lost this soon after a request was probably closed while it was idle.
const CLOSED_EARLY: Duration = Duration::from_secs(1);
const CLOSED_WHILE_IDLE: &str = "the connection had been used before: if this happens after pauses, the server or a proxy \
                                 closes idle connections earlier than the client: set idle_timeout below its keep-alive";

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
    proxy: Option<String>,
    clients: Clients,
    diagnosis: Diagnosis,
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
        let proxy = config.proxy.clone();
        let clients = Clients::new(config, own.http_client)?;
        Ok(Self {
            base,
            urls,
            shown,
            headers,
            max_response_size,
            legacy,
            proxy,
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
        let connections = self.clients.get()?;
        let state = outgoing.state.clone();
        let ends = outgoing.ends;
        let watch = Watch::start(&self.clients, &connections, state, ends);
        let outcome = self.exchange(route, &outgoing, &connections).await;
        watch.end();
        outcome
    }

    /// Sends a request over those connections and returns the body of the reply.
    async fn exchange(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest,
        connections: &Connections,
    ) -> Result<Bytes, Error> {
        let started = Instant::now();
        let network = |error| self.network_error(route, error, &outgoing.state, started);
        let mut response = self.execute(route, outgoing, connections, started).await?;
        self.diagnosis.saw_reply();
        match response.status().as_u16() {
            200..=299 => {
                let body = read(&mut response, connections, self.max_response_size).await;
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
                // The status matters more than the body, which may be unreadable or have no end.
                let body = read(&mut response, connections, limit);
                let body = tokio::time::timeout(ERROR_BODY_TIME, body).await;
                let body = body.map(Result::unwrap_or_default).unwrap_or_default().0;
                let proxy = self.proxy.as_deref();
                Err(error_response(
                    route,
                    status,
                    response.headers(),
                    &body,
                    proxy,
                ))
            }
        }
    }

    /// Sends a request, also once more if the server certainly did not process it. Returns the head of the response.
    async fn execute(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest,
        connections: &Connections,
        started: Instant,
    ) -> Result<Response, Error> {
        let state = &outgoing.state;
        let mut refusals = 0;
        loop {
            let copy = state.new_copy();
            let first = self.request(route, outgoing, copy)?;
            let make = |copy| self.request(route, outgoing, copy).ok();
            let outcome = hedge::execute(&connections.client, state, (copy, first), make).await;
            let error = match outcome {
                Ok(response) => {
                    connections.saw_read();
                    return self.checked_origin(route, response);
                }
                Err(error) => error,
            };
            let is_refused = diagnosis::is_refused(&error);
            if is_refused {
                connections.saw_read();
                state.take_back();
                refusals += 1;
            }
            if !is_refused || refusals > MAX_REFUSALS {
                return Err(self.network_error(route, error, state, started));
            }
        }
    }

    /// Returns a response unless it came from another URL: a client that the user made may follow redirects.
    fn checked_origin(&self, route: &Route<'_>, response: Response) -> Result<Response, Error> {
        if matches!(self.clients, Clients::PerRuntime(_))
            || *response.url() == self.url_of(route)?
        {
            return Ok(response);
        }
        let message = format!(
            "the http_client has followed a redirect to {}, where the key was sent too: build it with \
             redirect(reqwest::redirect::Policy::none())",
            response.url().origin().ascii_serialization()
        );
        Err(Error::Decode {
            method: Some(route.method),
            message,
            source: None,
            attempts: Attempts::default(),
        })
    }

    /// Returns a copy of a request.
    fn request(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest,
        copy: u8,
    ) -> Result<reqwest::Request, Error> {
        let mut request = reqwest::Request::new(::http::Method::POST, self.url_of(route)?);
        *request.headers_mut() = self.headers.clone();
        if let Some((name, key)) = outgoing.key.clone() {
            request.headers_mut().insert(name, key);
        }
        let body = TrackedBody::copy(outgoing.body.clone(), outgoing.state.clone(), copy);
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

    /// Returns the server as errors show it, with the addresses that were dialled.
    fn shown_with(&self, addresses: &[SocketAddr]) -> Box<str> {
        if addresses.is_empty() || self.proxy.is_some() {
            return self.shown.clone();
        }
        let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("{} at {}", self.shown, addresses.join(", ")).into()
    }

    /// Returns whether a connection was lost that was there before the call, and soon after it was used.
    fn was_closed_while_idle(&self, state: &SendState) -> bool {
        let is_early = state
            .time_since_sent()
            .is_some_and(|time| time < CLOSED_EARLY);
        let dials = matches!(self.clients, Clients::PerRuntime(_));
        is_early && dials && !state.dials().have_begun()
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
        let effect = state.abandon();
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
        } else if self.was_closed_while_idle(state) {
            CLOSED_WHILE_IDLE
        } else {
            self.diagnosis.hint(error.is_connect(), &error)
        };
        Error::Network {
            method,
            url: self.shown_with(&state.dials().addresses()),
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

/// Reads a body up to the limit, and returns whether that is all of it. A body in one chunk is not copied.
async fn read(
    response: &mut Response,
    connections: &Connections,
    limit: usize,
) -> Result<(Bytes, bool), reqwest::Error> {
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
        connections.saw_read();
        match response.chunk().await? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok((body.freeze(), true)),
        }
    }
    body.truncate(limit);
    Ok((body.freeze(), false))
}
