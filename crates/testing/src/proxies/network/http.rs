//! Backends over HTTP.

use bytes::Bytes;
use centrifugo_proxy::EventMessage;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::proxies::proxy::Unanswered;

/// A backend over HTTP.
#[derive(Clone)]
pub(crate) struct HttpBackend {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Url,
}

/// The URL of a backend.
#[derive(Clone)]
enum Url {
    /// That of one event, or of several.
    Exact(Uri),
    /// The part of the URL in front of the name of the event and its `/`.
    Base(String),
}

impl HttpBackend {
    /// Returns the backend at a URL.
    pub(crate) fn at(url: &str) -> Result<Self, String> {
        Ok(Self::new(Url::Exact(parse(url)?)))
    }

    /// Returns the backend whose URLs are this one, a `/` and the name of an event.
    pub(crate) fn below(url: &str) -> Result<Self, String> {
        parse(url)?;
        let base = url.strip_suffix('/').unwrap_or(url);
        Ok(Self::new(Url::Base(base.to_owned())))
    }

    fn new(url: Url) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, url }
    }

    pub(crate) async fn ask<M: EventMessage>(
        self,
        message: M,
        mut headers: HeaderMap,
    ) -> Result<M::Response, Unanswered> {
        let body = serde_json::to_vec(&message).map_err(failed)?;
        let uri = match self.url {
            Url::Exact(uri) => uri,
            Url::Base(base) => parse(&format!("{base}/{}", M::KIND.name())).map_err(failed)?,
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut request = Request::post(uri)
            .body(Full::new(Bytes::from(body)))
            .map_err(failed)?;
        *request.headers_mut() = headers;
        let response = self.client.request(request).await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(Unanswered::Status(response.status().as_u16()));
        }
        let body = response.into_body().collect().await.map_err(failed)?;
        serde_json::from_slice(&body.to_bytes()).map_err(failed)
    }
}

fn parse(url: &str) -> Result<Uri, String> {
    let uri = url.parse::<Uri>();
    let uri = uri.map_err(|error| format!("`{url}` is not a URL: {error}"))?;
    if uri.scheme_str() == Some("http") {
        Ok(uri)
    } else {
        Err(format!("`{url}` does not begin with http://"))
    }
}

/// Hides why a backend did not answer, as Centrifugo does from the client.
fn failed<E>(_: E) -> Unanswered {
    Unanswered::Failed
}
