//! HTTP: a POST of JSON to `{base}/{method}`.

mod bodies;
mod encode;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bodies::undecodable;
pub(super) use bodies::{decode, refusal, split};
use bytes::{Bytes, BytesMut};
pub(super) use encode::{encode, encode_raw};
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Body, Client, Response, Url};

use super::outgoing::Tracked;
use super::peer::Peer;
use super::per_runtime::PerRuntime;
use super::{Outgoing, Sent, Settings, Written, legacy, too_large};
use crate::call::Call;
use crate::error::Attempts;
use crate::{Error, METHODS, Status};

/// Centrifugo 6.5 and later close idle connections after 30 s: dropped before, they are never written to while
/// the server closes them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// How much of a body that is no reply is read, for the message.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

pub(crate) struct Http {
    base: Url,
    /// Of the schema's methods.
    urls: HashMap<&'static str, Url>,
    /// The server for errors.
    shown: Box<str>,
    /// With room for the key, so that no call makes its headers anew.
    headers: HeaderMap,
    secrets: Vec<String>,
    max_response_size: usize,
    /// Whether calls go as command lines to the base URL.
    legacy: bool,
    clients: Clients,
    peer: Peer,
}

enum Clients {
    Own(Client),
    PerRuntime(PerRuntime<Client>),
}

impl Http {
    pub(super) fn new(mut settings: Settings, own: Option<Client>) -> Result<Self, Error> {
        let secrets = settings.secrets();
        let (base, shown, max_response_size) = (
            settings.target.http_url(),
            settings.shown(),
            settings.max_response_size,
        );
        let parse = |url: &str| {
            url.parse::<Url>()
                .map_err(|error| Error::Config(format!("url `{base}`: {error}")))
        };
        let url_of = |method: &&'static str| Ok((*method, parse(&format!("{base}/{method}"))?));
        let (urls, base) = (
            METHODS.iter().map(url_of).collect::<Result<_, Error>>()?,
            parse(&base)?,
        );
        let headers = headers(&mut settings, &base, own.is_some());
        let (legacy, peer) = (settings.legacy_commands, Peer::new(&settings));
        let clients = match own {
            Some(client) => Clients::Own(client),
            None => {
                client(&settings)?;
                Clients::PerRuntime(PerRuntime::new(move || client(&settings)))
            }
        };
        Ok(Self {
            base,
            urls,
            shown,
            headers,
            secrets,
            max_response_size,
            legacy,
            clients,
            peer,
        })
    }

    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    pub(super) fn is_legacy(&self) -> bool {
        self.legacy
    }

    pub(super) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request's JSON, as the endpoint takes it.
    pub(super) fn frame(&self, method: &str, request: Written) -> Result<Written, Error> {
        match self.legacy {
            true => legacy::lines(method, &request.joined())
                .map(Written::from)
                .map_err(|problem| {
                    Error::InvalidRequest(format!("{method}: {problem}; nothing was sent"))
                }),
            false => Ok(request),
        }
    }

    /// The JSON of the reply to a request that was framed.
    pub(super) fn unframe(
        &self,
        method: &'static str,
        request: &Written,
        answer: &Bytes,
    ) -> Result<Bytes, Error> {
        match self.legacy {
            true => legacy::reply(method, &request.joined(), answer)
                .map_err(|error| undecodable(method, answer, "", error)),
            false => Ok(answer.clone()),
        }
    }

    pub(super) async fn send(&self, call: &Call<'_>, outgoing: Outgoing) -> Result<Bytes, Error> {
        let client = match &self.clients {
            Clients::Own(client) => client.clone(),
            Clients::PerRuntime(clients) => clients.get()?,
        };
        let started = Instant::now();
        let network =
            |error: reqwest::Error| self.network_error(call, error, &outgoing.sent, started);
        let mut request = reqwest::Request::new(http::Method::POST, self.url_of(call)?);
        *request.headers_mut() = self.headers.clone();
        if let Some((name, key)) = outgoing.key.clone() {
            request.headers_mut().insert(name, key);
        }
        *request.body_mut() = Some(Body::wrap(Tracked::new(
            outgoing.body.clone(),
            outgoing.sent.clone(),
        )));
        let mut response = client.execute(request).await.map_err(network)?;
        self.peer.answers();
        match response.status().as_u16() {
            200..=299 => match read(&mut response, self.max_response_size)
                .await
                .map_err(network)?
            {
                (body, true) => Ok(body),
                (_, false) => Err(too_large(call.method, self.max_response_size)),
            },
            401 => Err(Error::Unauthorized {
                method: call.method,
                status: Status::Http(401),
            }),
            status => {
                let limit = ERROR_BODY_LIMIT.min(self.max_response_size);
                // Whatever becomes of the body, the status is the news.
                let body = read(&mut response, limit)
                    .await
                    .map(|(body, _)| body)
                    .unwrap_or_default();
                Err(refusal(call, status, response.headers(), &body))
            }
        }
    }

    fn url_of(&self, call: &Call<'_>) -> Result<Url, Error> {
        match self.urls.get(&*call.name) {
            _ if self.legacy => Ok(self.base.clone()),
            Some(url) => Ok(url.clone()),
            // A method that the schema lacks.
            None => format!("{}/{}", self.url(), call.name)
                .parse()
                .map_err(|error| {
                    Error::InvalidRequest(format!(
                        "{}: its name makes no URL: {error}; nothing was sent",
                        call.name
                    ))
                }),
        }
    }

    fn network_error(
        &self,
        call: &Call<'_>,
        error: reqwest::Error,
        sent: &Sent,
        started: Instant,
    ) -> Error {
        let (method, elapsed, attempts) = (call.method, started.elapsed(), Attempts::default());
        let unsent = error.is_connect() || error.is_builder() || !sent.give_up();
        if error.is_timeout() {
            return Error::Timeout {
                method,
                unsent,
                after: elapsed,
                attempts,
            };
        }
        Error::Network {
            method,
            url: self.shown.clone(),
            unsent,
            elapsed,
            hint: self.peer.hint(error.is_connect(), &error),
            source: error.without_url().into(),
            attempts,
        }
    }
}

/// The headers of each call, those too which the layers below would add one by one.
fn headers(settings: &mut Settings, base: &Url, is_own_client: bool) -> HeaderMap {
    let mut headers = std::mem::take(&mut settings.headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(
        settings
            .key_header
            .clone()
            .map(|name| (Some(name), HeaderValue::from_static(""))),
    );
    if is_own_client {
        return headers;
    }
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, settings.user_agent.clone());
    let host = base.host_str().map(|host| match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    // HTTP/2, which TLS may choose, has none.
    let host = host
        .filter(|_| !settings.target.tls)
        .and_then(|host| HeaderValue::try_from(host).ok());
    headers.extend(host.map(|host| (Some(HOST), host)));
    headers
}

fn client(settings: &Settings) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(settings.connections.idle_timeout.unwrap_or(IDLE_TIMEOUT))
        .tcp_keepalive(settings.connections.tcp_keepalive)
        .tcp_nodelay(true)
        .user_agent(settings.user_agent.clone());
    if let Some(timeout) = settings.connect_timeout {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(connections) = settings.connections.max_idle {
        builder = builder.pool_max_idle_per_host(connections);
    }
    if settings.connections.no_proxy {
        builder = builder.no_proxy();
    }
    if let (Some(address), Some((name, _))) = (settings.address, settings.target.name()) {
        builder = builder.resolve(name, address);
    }
    builder = with_unix_socket(builder, settings);
    with_tls(builder, settings)
        .build()
        .map_err(|error| Error::Config(format!("the HTTP client cannot be built: {error}")))
}

#[cfg(unix)]
fn with_unix_socket(
    builder: reqwest::ClientBuilder,
    settings: &Settings,
) -> reqwest::ClientBuilder {
    match &settings.connections.unix_socket {
        // A proxy would be asked for the socket.
        Some(path) => builder.no_proxy().unix_socket(path.clone()),
        None => builder,
    }
}

#[cfg(not(unix))]
fn with_unix_socket(
    builder: reqwest::ClientBuilder,
    _settings: &Settings,
) -> reqwest::ClientBuilder {
    builder
}

#[cfg(feature = "tls")]
fn with_tls(builder: reqwest::ClientBuilder, settings: &Settings) -> reqwest::ClientBuilder {
    let mut tls = settings.tls.config.clone();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    builder
        .http2_keep_alive_interval(settings.connections.http2_keep_alive)
        .tls_backend_preconfigured(tls)
}

#[cfg(not(feature = "tls"))]
fn with_tls(builder: reqwest::ClientBuilder, _settings: &Settings) -> reqwest::ClientBuilder {
    builder
}

/// Reads a body up to the limit, and says whether that was all of it.
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
