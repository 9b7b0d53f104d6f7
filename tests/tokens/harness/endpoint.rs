//! A small HTTP server of the test: a JWKS, and a proxy for calls of clients.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server whose JWKS can change.
pub(crate) struct Endpoint {
    origin: String,
    jwks: Arc<Mutex<String>>,
    calls: mpsc::UnboundedReceiver<String>,
}

impl Endpoint {
    pub(crate) async fn start(jwks: String) -> std::io::Result<Self> {
        let jwks = Arc::new(Mutex::new(jwks));
        let served = Arc::clone(&jwks);
        let serve = async move || {
            let body = served.lock().expect("no thread panics").clone();
            ([(CONTENT_TYPE, "application/json")], body)
        };
        let (sender, calls) = mpsc::unbounded_channel();
        let answer = async move |body: String| {
            // The test may have ended.
            let _ = sender.send(body);
            r#"{"result":{"data":{}}}"#
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/jwks", get(serve))
            .route("/rpc", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            origin,
            jwks,
            calls,
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn set_jwks(&self, jwks: String) {
        *self.jwks.lock().expect("no thread panics") = jwks;
    }

    /// Waits for the body of the next request that a server makes for a client's call.
    pub(crate) async fn call(&mut self) -> String {
        let call = tokio::time::timeout(super::DEADLINE, self.calls.recv()).await;
        call.expect("a call comes in time")
            .expect("the endpoint lives")
    }
}
