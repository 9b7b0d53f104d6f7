//! The HTTP service, which gets requests of Centrifugo and others.
#![cfg(feature = "http")]

mod answers;
mod bodies;
mod callers;
mod failures;
mod paths;
mod payloads;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use centrifugo_proxy::{Caller, Handlers, HttpResponse, HttpService};
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use tower::ServiceExt as _;

fn anyone() -> Handlers {
    Handlers::new(Caller::anyone())
}

async fn send<B>(service: HttpService, request: Request<B>) -> HttpResponse
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Ok(response) = service.oneshot(request).await;
    response
}

fn post(path: &str, body: &str) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body).expect("the request is valid")
}

async fn text(response: HttpResponse) -> String {
    let body = response.into_body().collect().await;
    let Ok(body) = body;
    String::from_utf8(body.to_bytes().to_vec()).expect("the body is text")
}

/// Returns the status and the body of the response to an event.
async fn ask(handlers: &Handlers, path: &str, body: &str) -> (StatusCode, String) {
    let response = send(handlers.http(), post(path, body)).await;
    (response.status(), text(response).await)
}

/// The failures that `on_failure` saw.
#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    fn watch(&self, handlers: Handlers) -> Handlers {
        let seen = Arc::clone(&self.0);
        handlers.on_failure(move |failed| {
            let mut seen = seen.lock().expect("no other test panics");
            seen.push(failed.to_string());
        })
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no other test panics")).join("\n")
    }
}
