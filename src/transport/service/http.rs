//! Calls over HTTP through a service: that of the user, or the built-in transport with layers around it.

use std::collections::HashMap;
use std::io;

use ::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT,
};
use ::http::{Method, Request, Uri, response};
use bytes::{Bytes, BytesMut};

use super::{Body, Call, Facts, HttpTransport};
use crate::api::messages::METHODS;
use crate::error::Error;
use crate::platform::{self, Instant};
use crate::transport::diagnosis::{BoxError, Diagnosis};
use crate::transport::refusal::{BODY_LIMIT, BODY_TIME, refusal, unauthorized};
use crate::transport::{
    OutgoingRequest, OwnConnections, Route, TransportConfig, too_large, uses_hyper,
};

/// A node that is called over HTTP through a service.
pub(crate) struct HttpService {
    uris: Uris,
    /// The server as errors show it.
    shown: Box<str>,
    /// The headers of each call.
    headers: HeaderMap,
    max_response_size: usize,
    /// True if calls are sent as command lines to the base URL.
    legacy: bool,
    proxy: Option<String>,
    transport: HttpTransport,
    diagnosis: Diagnosis,
}

impl HttpService {
    pub(in crate::transport) fn new(
        mut config: TransportConfig,
        own: OwnConnections,
    ) -> Result<Self, Error> {
        let mut diagnosis = Diagnosis::new(&config);
        let services = own.http.clone();
        let is_own_client = own.has_http_client();
        let transport = match services.service.clone() {
            Some(service) => {
                diagnosis = diagnosis.of_own_service();
                service
            }
            None => built_in(config.clone(), own)?,
        };
        let mut headers = std::mem::take(&mut config.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if !is_own_client {
            headers.insert(USER_AGENT, config.user_agent.clone());
        }
        Ok(Self {
            uris: Uris::new(&config.url.to_http())?,
            shown: config.shown(),
            headers,
            max_response_size: config.max_response_size,
            legacy: config.legacy_commands,
            proxy: config.proxy,
            transport: services.around(transport),
            diagnosis,
        })
    }

    /// Sends a request and returns the body of the reply.
    pub(in crate::transport) async fn send(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Error> {
        let state = &outgoing.state;
        let facts = Facts {
            route,
            shown: &self.shown,
            diagnosis: &self.diagnosis,
            started: Instant::now(),
        };
        let request = self.request(route, outgoing)?;
        let response = self.transport.send(request).await;
        let response = response.map_err(|error| facts.error(error, state))?;
        state.answered();
        self.diagnosis.saw_reply();
        let (head, body) = response.into_parts();
        match head.status.as_u16() {
            200..=299 => {
                let body = read(&head, body, self.max_response_size).await;
                match body.map_err(|error| facts.error(error, state))? {
                    (body, true) => Ok(body),
                    (_, false) => Err(too_large(route.method, self.max_response_size)),
                }
            }
            401 => Err(unauthorized(route)),
            _ => Err(self.refused(route, &head, body).await),
        }
    }

    fn request(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Request<Body>, Error> {
        let call = Call {
            method: route.method,
            ends: outgoing.ends,
        };
        let body = Body::of_call(outgoing.body.clone(), outgoing.state.clone(), call);
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = if self.legacy {
            self.uris.base.clone()
        } else {
            self.uris.of(&route.name)?
        };
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        outgoing.add_headers(headers);
        Ok(request)
    }

    /// Returns the error of a response with an error status.
    async fn refused(&self, route: &Route<'_>, head: &response::Parts, body: Body) -> Error {
        let limit = BODY_LIMIT.min(self.max_response_size);
        // The status matters more than the body, which may be unreadable or have no end.
        let body = platform::timeout(BODY_TIME, read(head, body, limit)).await;
        let body = body.map(Result::unwrap_or_default).unwrap_or_default().0;
        let proxy = self.proxy.as_deref();
        refusal(route, head.status.as_u16(), &head.headers, &body, proxy)
    }
}

/// Returns the built-in transport.
fn built_in(config: TransportConfig, own: OwnConnections) -> Result<HttpTransport, Error> {
    if uses_hyper(&config) {
        on_hyper(&config)
    } else {
        on_reqwest(config, own)
    }
}

#[cfg(feature = "http")]
fn on_reqwest(config: TransportConfig, own: OwnConnections) -> Result<HttpTransport, Error> {
    let http = crate::transport::http::Http::new(config, own)?;
    Ok(HttpTransport::built_in(std::sync::Arc::new(http)))
}

#[cfg(not(feature = "http"))]
fn on_reqwest(config: TransportConfig, _own: OwnConnections) -> Result<HttpTransport, Error> {
    on_hyper(&config)
}

#[cfg(feature = "hyper")]
fn on_hyper(config: &TransportConfig) -> Result<HttpTransport, Error> {
    let http = crate::transport::http1::Http1::new(config)?;
    Ok(HttpTransport::built_in(std::sync::Arc::new(http)))
}

/// Returns an error: there is only the user's service.
#[cfg(not(feature = "hyper"))]
fn on_hyper(config: &TransportConfig) -> Result<HttpTransport, Error> {
    Err(Error::Config(format!(
        "url `{}`: it needs an http_service, or the feature `http` of centrifugo-api",
        config.url
    )))
}

/// The URIs of a node.
struct Uris {
    base: Uri,
    /// The URIs of the schema's methods.
    methods: HashMap<&'static str, Uri>,
}

impl Uris {
    /// Returns the URIs below the base URL.
    fn new(base: &str) -> Result<Self, Error> {
        let parse = |uri: &str| {
            let parsed = uri.parse::<Uri>();
            parsed.map_err(|error| Error::Config(format!("url `{base}`: {error}")))
        };
        let mut methods = HashMap::with_capacity(METHODS.len());
        for method in METHODS {
            methods.insert(*method, parse(&format!("{base}/{method}"))?);
        }
        Ok(Self {
            base: parse(base)?,
            methods,
        })
    }

    /// Returns the URI of a method.
    fn of(&self, name: &str) -> Result<Uri, Error> {
        if let Some(uri) = self.methods.get(name) {
            return Ok(uri.clone());
        }
        // A method that the schema does not have.
        let base = self.base.to_string();
        let base = base.trim_end_matches('/');
        format!("{base}/{name}").parse().map_err(|error| {
            let problem =
                format!("{name}: its name does not make a URL: {error}; nothing was sent");
            Error::InvalidRequest(problem.into())
        })
    }
}

/// Reads a body up to the limit, and returns whether that is all of it. A body in one frame is not copied.
async fn read(
    head: &response::Parts,
    mut body: Body,
    limit: usize,
) -> Result<(Bytes, bool), BoxError> {
    let announced = announced_length(&head.headers);
    if announced.is_some_and(|length| length > limit) {
        return Ok((Bytes::new(), false));
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        if first.len().max(all.len()) > limit {
            break;
        }
    }
    let whole = if all.is_empty() { first } else { all.freeze() };
    if whole.len() > limit {
        return Ok((whole.slice(..limit), false));
    }
    match announced {
        Some(length) if length > whole.len() => Err(ended_early(whole.len(), length)),
        _ => Ok((whole, true)),
    }
}

/// Returns the length that a response announces, unless that may be the length of compressed bytes.
fn announced_length(headers: &HeaderMap) -> Option<usize> {
    if headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns the error of a body that ended early.
fn ended_early(length: usize, announced: usize) -> BoxError {
    let text = format!("the body ended after {length} of {announced} bytes");
    io::Error::new(io::ErrorKind::UnexpectedEof, text).into()
}
