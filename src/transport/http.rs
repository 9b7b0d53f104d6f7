//! HTTP: a POST of JSON to `{base}/{method}`.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response};
use serde_json::error::Category;

use super::per_runtime::PerRuntime;
use super::{Call, Settings, too_large};
use crate::error::excerpt;
use crate::{ApiError, Error, Method, Status};

/// Centrifugo 6.5 and later close idle connections after 30 s: dropped before, they are never written to while
/// the server closes them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// How much of a body that is no reply is read, for the message.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

pub(crate) struct Http {
    base: String,
    headers: HeaderMap,
    max_response_size: usize,
    clients: Clients,
}

enum Clients {
    Own(Client),
    PerRuntime(PerRuntime<Client>),
}

impl Http {
    pub(super) fn new(mut settings: Settings, own: Option<Client>) -> Result<Self, Error> {
        settings.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let base = settings.target.http_url();
        base.parse::<reqwest::Url>().map_err(|error| Error::Config(format!("url `{base}`: {error}")))?;
        let (headers, max_response_size) =
            (std::mem::take(&mut settings.headers), settings.max_response_size);
        let clients = match own {
            Some(client) => Clients::Own(client),
            None => {
                client(&settings)?;
                Clients::PerRuntime(PerRuntime::new(move || client(&settings)))
            }
        };
        Ok(Self { base, headers, max_response_size, clients })
    }

    pub(super) fn url(&self) -> &str {
        &self.base
    }

    pub(super) async fn send(&self, call: Call, body: Bytes) -> Result<Bytes, Error> {
        let client = match &self.clients {
            Clients::Own(client) => client.clone(),
            Clients::PerRuntime(clients) => clients.get()?,
        };
        let started = Instant::now();
        let network = |error: reqwest::Error| self.network_error(call, error, started);
        let url = format!("{}/{}", self.base, call.method);
        let request = client.post(url).headers(self.headers.clone()).body(body);
        let mut response = request.send().await.map_err(network)?;
        match response.status().as_u16() {
            200..=299 => match read(&mut response, self.max_response_size).await.map_err(network)? {
                (body, true) => Ok(body),
                (_, false) => Err(too_large(call.method, self.max_response_size)),
            },
            401 => Err(Error::Unauthorized { method: call.method, status: Status::Http(401) }),
            status => {
                let limit = ERROR_BODY_LIMIT.min(self.max_response_size);
                // Whatever becomes of the body, the status is the news.
                let body = read(&mut response, limit).await.map(|(body, _)| body).unwrap_or_default();
                Err(refusal(call, status, response.headers(), &body))
            }
        }
    }

    fn network_error(&self, call: Call, error: reqwest::Error, started: Instant) -> Error {
        let (method, elapsed) = (call.method, started.elapsed());
        if error.is_timeout() {
            return Error::Timeout { method, unsent: error.is_connect(), after: elapsed };
        }
        let unsent = error.is_connect() || error.is_builder();
        Error::Network {
            method,
            url: self.base.as_str().into(),
            unsent,
            elapsed,
            source: error.without_url().into(),
        }
    }
}

fn client(settings: &Settings) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(settings.user_agent.clone());
    if let Some(timeout) = settings.connect_timeout {
        builder = builder.connect_timeout(timeout);
    }
    with_tls(builder, settings)
        .build()
        .map_err(|error| Error::Config(format!("the HTTP client cannot be built: {error}")))
}

#[cfg(feature = "tls")]
fn with_tls(builder: reqwest::ClientBuilder, settings: &Settings) -> reqwest::ClientBuilder {
    let mut tls = settings.tls.clone();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    builder.tls_backend_preconfigured(tls)
}

#[cfg(not(feature = "tls"))]
fn with_tls(builder: reqwest::ClientBuilder, _settings: &Settings) -> reqwest::ClientBuilder {
    builder
}

/// Writes the request as Centrifugo's JSON.
pub(super) fn encode<M: Method>(request: &M) -> Result<Bytes, Error> {
    match serde_json::to_vec(request) {
        Ok(body) => Ok(body.into()),
        Err(error) => Err(invalid_request(request, &error)),
    }
}

/// Names the field, at the price of a second try.
fn invalid_request<M: Method>(request: &M, error: &serde_json::Error) -> Error {
    let mut track = serde_path_to_error::Track::new();
    let mut sink = serde_json::Serializer::new(std::io::sink());
    let _ = request.serialize(serde_path_to_error::Serializer::new(&mut sink, &mut track));
    Error::InvalidRequest(format!(
        "{}: `{}` is not JSON ({error}), so HTTP cannot carry it; nothing was sent. Make JSON with json(&value); \
         for other bytes use the binary_… setter where the field has one, or gRPC",
        M::NAME,
        track.path()
    ))
}

/// Reads a reply of Centrifugo's JSON.
pub(super) fn decode<M: Method>(body: &Bytes) -> Result<M::Response, Error> {
    serde_json::from_slice(body).map_err(|error| undecodable::<M>(body, error))
}

/// Names the field, at the price of a second try.
fn undecodable<M: Method>(body: &Bytes, error: serde_json::Error) -> Error {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let place = match serde_path_to_error::deserialize::<_, M::Response>(&mut reader) {
        Err(error) if error.path().iter().len() > 0 => format!(" at `{}`", error.path()),
        _ => String::new(),
    };
    let what = match (error.classify(), std::str::from_utf8(body)) {
        (_, Err(_)) => "the reply holds broken UTF-8, which somebody published; read it over gRPC",
        (Category::Data, _) => "the reply does not have the schema's shape",
        (Category::Eof, _) => "the reply is cut short",
        _ => "the reply is not JSON: is the URL Centrifugo's server API?",
    };
    let message = format!("{what}{place}: {}", excerpt(body));
    Error::Decode { method: Some(M::NAME), message, source: Some(error.into()) }
}

/// Reads a body up to the limit, and says whether that was all of it.
async fn read(response: &mut Response, limit: usize) -> Result<(Bytes, bool), reqwest::Error> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Ok((Bytes::new(), false));
    }
    let Some(first) = response.chunk().await? else { return Ok((Bytes::new(), true)) };
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

/// An answer that is no reply: only its body tells Centrifugo's error from another's.
fn refusal(call: Call, status: u16, headers: &HeaderMap, body: &Bytes) -> Error {
    if let Some(error) = api_error(body) {
        return Error::Api(error);
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let body = match text(LOCATION) {
        Some(location) if (300..400).contains(&status) => format!("to {}", excerpt(location.as_bytes())),
        _ => excerpt(body),
    };
    let retry_after =
        text(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    Error::Transport { method: call.method, status: Status::Http(status), body, retry_after }
}

/// Centrifugo's bare error object, of its transport error mode. Gateways answer objects of the same shape: their
/// `code` is an HTTP status or a gRPC code, below 100.
fn api_error(body: &Bytes) -> Option<ApiError> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let code = object.get("code")?.as_u64()?;
    object.get("message")?.as_str()?;
    if code < 100 || (400..600).contains(&code) {
        return None;
    }
    serde_json::from_slice(body).ok()
}
