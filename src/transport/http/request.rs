//! Requests as they are sent: their URLs, headers and bodies.

use std::collections::HashMap;

use ::http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Body, Url};

use super::Http;
use crate::api::messages::METHODS;
use crate::error::Error;
use crate::transport::request::TrackedBody;
use crate::transport::{OutgoingRequest, Route, TransportConfig};

/// The URLs of a node.
pub(super) struct Urls {
    pub(super) base: Url,
    /// The URLs of the schema's methods.
    methods: HashMap<&'static str, Url>,
}

impl Urls {
    /// Returns the URLs below the base URL.
    pub(super) fn new(base: &str) -> Result<Self, Error> {
        let mut methods = HashMap::with_capacity(METHODS.len());
        for method in METHODS {
            methods.insert(*method, parse(base, &format!("{base}/{method}"))?);
        }
        Ok(Self {
            base: parse(base, base)?,
            methods,
        })
    }

    /// Returns the URL of a method.
    fn of(&self, name: &str) -> Result<Url, Error> {
        if let Some(url) = self.methods.get(name) {
            return Ok(url.clone());
        }
        // A method that the schema does not have.
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/{name}").parse().map_err(|error| {
            let problem =
                format!("{name}: its name does not make a URL: {error}; nothing was sent");
            Error::InvalidRequest(problem.into())
        })
    }
}

impl Http {
    /// Returns a copy of a request.
    pub(super) fn request(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
        copy: u8,
    ) -> Result<reqwest::Request, Error> {
        let mut request = reqwest::Request::new(::http::Method::POST, self.url_of(route)?);
        *request.headers_mut() = self.headers.clone();
        outgoing.add_headers(request.headers_mut());
        let body = TrackedBody::copy(outgoing.body.clone(), outgoing.state.clone(), copy);
        *request.body_mut() = Some(Body::wrap(body));
        Ok(request)
    }

    /// Returns the URL of a method, or the base URL for command lines.
    pub(super) fn url_of(&self, route: &Route<'_>) -> Result<Url, Error> {
        if self.legacy {
            return Ok(self.urls.base.clone());
        }
        self.urls.of(&route.name)
    }
}

fn parse(base: &str, url: &str) -> Result<Url, Error> {
    url.parse()
        .map_err(|error| Error::Config(format!("url `{base}`: {error}")))
}

/// Returns the headers of each call, including those that the layers below would add one by one.
pub(super) fn headers(config: &mut TransportConfig, base: &Url, is_own_client: bool) -> HeaderMap {
    let mut headers = std::mem::take(&mut config.headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for name in config.credential_headers.clone() {
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
