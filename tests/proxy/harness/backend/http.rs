//! The backend over HTTP.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use centrifugo_proxy::EventKind;
use tokio::net::TcpListener;

use super::{Backend, Call};
use crate::harness::answer::Raw;

pub(super) const LONGEST_BODY: usize = 1 << 20;

impl Backend {
    /// Serves on a free port, and returns the URL in front of the names of events.
    pub(crate) async fn serve_http(&self) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let handlers = if self.is_of_cent {
            self.handlers_of_cent()
        } else {
            Router::new().fallback_service(self.handlers().http())
        };
        let router = handlers.layer(from_fn_with_state(self.clone(), intercept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(origin)
    }
}

/// Gives the answers that no handler can give. The handlers of `cent` get them with the request, since they can give some.
async fn intercept(State(backend): State<Backend>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Some(kind) = EventKind::named(parts.uri.path().trim_start_matches('/')) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let body = to_bytes(body, LONGEST_BODY).await;
    let body = body.expect("Centrifugo sends the whole body");
    let call = Call {
        kind,
        headers: HeaderMap::clone(&parts.headers),
        body: serde_json::from_slice(&body).expect("Centrifugo sends JSON"),
    };
    let (raw, _told) = backend.intercept(call);
    let mut request = Request::from_parts(parts, Body::from(body));
    match raw {
        None => next.run(request).await,
        Some(raw) if backend.is_of_cent => {
            request.extensions_mut().insert(raw);
            next.run(request).await
        }
        Some(Raw::Response(response)) => response.to_string().into_response(),
        Some(Raw::Garbage) => "{\"result\":".into_response(),
        Some(Raw::Status(status)) => StatusCode::from_u16(status)
            .expect("the status is valid")
            .into_response(),
    }
}
