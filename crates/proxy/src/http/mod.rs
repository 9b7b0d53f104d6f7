//! HTTP: services of tower, one for all events or one per event.

mod body;

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Body;
use http_body_util::Full;
use serde::Serialize;
use tower_service::Service;

use crate::event::{DetailsSlot, EventKind, EventMessage, Head};
use crate::failure::{BoxError, Failure};
use crate::handlers::{Handlers, Work, begin};
use crate::messages::{
    ConnectRequest, MapPublishRequest, MapRemoveRequest, NotifyCacheEmptyRequest,
    NotifyChannelStateRequest, PublishRequest, RefreshRequest, RpcRequest,
    SharedPollRefreshRequest, SubRefreshRequest, SubscribeRequest,
};
use crate::observe::{EventStart, Transport};
use crate::reply::Format;

/// A response of [`HttpService`].
pub type HttpResponse = http::Response<Full<Bytes>>;

/// The future of a response of [`HttpService`].
pub type HttpFuture = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

/// The handlers as a service of [`tower`](https://docs.rs/tower-service) on the types of `http`, for axum, hyper and others.
///
/// actix-web and warp mount no such services. A few lines pass requests on, without collecting their bodies:
/// [`actix.rs`](https://docs.rs/crate/centrifugo-proxy/latest/source/examples/frameworks/actix.rs),
/// [`warp.rs`](https://docs.rs/crate/centrifugo-proxy/latest/source/examples/frameworks/warp.rs).
/// [`hyper.rs`](https://docs.rs/crate/centrifugo-proxy/latest/source/examples/hyper.rs) limits how long the head of a request
/// takes, which `axum::serve` does not.
///
/// | request | status |
/// |---|---|
/// | with an answer, a refusal included | 200 |
/// | of a caller who is not Centrifugo | 401 |
/// | to a path that names no event, a stream, or an event without a handler | 404 |
/// | that is not POST | 405 |
/// | without the type of content `application/json` | 415 |
/// | with a body above the limit | 413 |
/// | with a body that is not that of an event | 400 |
/// | whose handler fails or panics | 500 |
/// | whose body or handler takes too long | 504 |
///
/// To Centrifugo all but 200 are the same: the client gets error 100, unless its configuration has
/// `http.status_to_code_transforms`. The body of a status below 500 says what is wrong, but for that of 401, which is empty as
/// those of 500 and above are: [`Handlers::on_failure`] sees the cause.
///
/// ```
/// use centrifugo_proxy::{Caller, Handlers};
///
/// # fn main() -> Result<(), centrifugo_proxy::Error> {
/// let handlers = Handlers::new(Caller::with_secret("s3cret")?);
/// let router: axum::Router = axum::Router::new()
///     .route("/", axum::routing::get(|| async { "the application" }))
///     .nest_service("/centrifugo", handlers.http()); // POST /centrifugo/connect, /centrifugo/subscribe, …
/// # let _ = router;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct HttpService {
    handlers: Handlers,
    route: Route,
}

#[derive(Clone)]
enum Route {
    /// All events, below this path.
    Below(Arc<str>),
    /// One event, whatever the path.
    Event(EventKind),
}

impl Handlers {
    /// Returns the service of all events, by the last part of the path: `/connect`, `/subscribe` and so on, the
    /// [names](EventKind::name) of events.
    ///
    /// Routers that pass a part of the path on, such as axum's `nest_service`, fit; see [`HttpService::below`] for others.
    #[must_use]
    pub fn http(&self) -> HttpService {
        HttpService {
            handlers: self.clone(),
            route: Route::Below(Arc::from("")),
        }
    }

    /// Returns the service of one event, whatever the path is.
    #[must_use]
    pub fn http_event(&self, kind: EventKind) -> HttpService {
        HttpService {
            handlers: self.clone(),
            route: Route::Event(kind),
        }
    }
}

impl HttpService {
    /// Returns a service whose paths begin with a prefix, such as `/centrifugo`. That of one event stays at any path.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        if let Route::Below(below) = &mut self.route {
            let prefix = prefix.trim_matches('/');
            let slash = if prefix.is_empty() { "" } else { "/" };
            *below = Arc::from(format!("{slash}{prefix}"));
        }
        self
    }

    async fn respond<B>(self, request: Request<B>) -> Result<HttpResponse, Infallible>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let kind = self.kind(parts.uri.path());
        let start = EventStart {
            kind,
            transport: Transport::Http,
            headers: &parts.headers,
            extensions: &parts.extensions,
        };
        let answered = match begin(&self.handlers, &start) {
            Ok(begun) => {
                let details = begun.details();
                let work = self.work(kind, parts, body, &details);
                begun.run(pin!(work)).await
            }
            Err(failure) => Err(failure),
        };
        Ok(match answered {
            Ok(json) => answer(json),
            Err(failure) => refusal(&failure),
        })
    }

    fn kind(&self, path: &str) -> Option<EventKind> {
        match &self.route {
            Route::Event(kind) => Some(*kind),
            Route::Below(prefix) => {
                let name = path.strip_prefix(&**prefix)?.strip_prefix('/')?;
                EventKind::named(name)
            }
        }
    }

    async fn work<B>(
        &self,
        kind: Option<EventKind>,
        parts: Parts,
        body: B,
        details: &DetailsSlot,
    ) -> Work<Bytes>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let kind = kind.ok_or_else(|| Failure::NoHandler(parts.uri.path().to_owned()))?;
        if kind.is_stream() {
            return Err(Failure::StreamOverHttp(kind));
        }
        if !self.handlers.parts().table.has(kind) {
            return Err(Failure::no_handler(kind));
        }
        check_head(&parts)?;
        let limit = self.handlers.parts().body_limit;
        let json = body::read(body, &parts.headers, limit).await?;
        let head = Head::new(parts.headers, parts.extensions);
        match kind {
            EventKind::Connect => self.answer::<ConnectRequest>(json, head, details).await,
            EventKind::Refresh => self.answer::<RefreshRequest>(json, head, details).await,
            EventKind::Subscribe => self.answer::<SubscribeRequest>(json, head, details).await,
            EventKind::Publish => self.answer::<PublishRequest>(json, head, details).await,
            EventKind::Rpc => self.answer::<RpcRequest>(json, head, details).await,
            EventKind::SubRefresh => self.answer::<SubRefreshRequest>(json, head, details).await,
            EventKind::MapPublish => self.answer::<MapPublishRequest>(json, head, details).await,
            EventKind::MapRemove => self.answer::<MapRemoveRequest>(json, head, details).await,
            EventKind::SharedPollRefresh => {
                self.answer::<SharedPollRefreshRequest>(json, head, details)
                    .await
            }
            EventKind::CacheEmpty => {
                self.answer::<NotifyCacheEmptyRequest>(json, head, details)
                    .await
            }
            EventKind::ChannelState => {
                self.answer::<NotifyChannelStateRequest>(json, head, details)
                    .await
            }
            EventKind::SubscribeUnidirectional | EventKind::SubscribeBidirectional => {
                Err(Failure::StreamOverHttp(kind))
            }
        }
    }

    async fn answer<M: EventMessage>(
        &self,
        json: Bytes,
        head: Head,
        details: &DetailsSlot,
    ) -> Work<Bytes> {
        let message: M = crate::api::json::from_bytes(&json)
            .map_err(|error| Failure::request(error.to_string()))?;
        let handlers = &self.handlers;
        let answer = handlers.start(message, head, details, Format::over_http);
        let answer = answer.await?;
        Ok((to_json(&answer.response)?, answer.summary))
    }
}

/// Checks the method and the type of content.
fn check_head(parts: &Parts) -> Result<(), Failure> {
    if parts.method != Method::POST {
        return Err(Failure::Method);
    }
    // Centrifugo sends it always; browsers send requests without it to anywhere, unasked.
    let content_type = parts.headers.get(CONTENT_TYPE);
    if content_type.is_some_and(is_json) {
        return Ok(());
    }
    Err(Failure::ContentType("application/json"))
}

fn is_json(content_type: &HeaderValue) -> bool {
    let content_type = content_type.to_str().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn to_json(response: &impl Serialize) -> Result<Bytes, Failure> {
    let json = serde_json::to_vec(response);
    json.map(Bytes::from)
        .map_err(|error| Failure::reply(error.to_string()))
}

fn answer(json: Bytes) -> HttpResponse {
    let mut response = HttpResponse::new(Full::new(json));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn refusal(failure: &Failure) -> HttpResponse {
    let status = failure.status();
    let is_told = status.is_client_error() && status != StatusCode::UNAUTHORIZED;
    let text = if is_told {
        failure.to_string()
    } else {
        String::new()
    };
    let mut response = HttpResponse::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    add_headers(response.headers_mut(), status);
    response
}

fn add_headers(headers: &mut HeaderMap, status: StatusCode) {
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
}

impl<B> Service<Request<B>> for HttpService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = HttpFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> HttpFuture {
        Box::pin(self.clone().respond(request))
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("HttpService");
        match &self.route {
            Route::Below(prefix) => shown.field("below", prefix),
            Route::Event(kind) => shown.field("event", kind),
        };
        shown.field("handlers", &self.handlers).finish()
    }
}
