//! Records what goes over the wire, by a layer around the transport: the size of each request and its
//! response, and the time between them.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example recording
//! ```

mod support;

use std::env;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use centrifugo_api::http::{Request, Response};
use centrifugo_api::service::Body;
use centrifugo_api::{BroadcastRequest, InfoRequest, PublishRequest};
use support::Report;
use tower_layer::layer_fn;
use tower_service::Service;

/// A tape with a line per request.
type Tape = Arc<Mutex<Vec<String>>>;

/// A transport whose requests are recorded.
#[derive(Clone)]
struct Recorded<S> {
    transport: S,
    tape: Tape,
}

impl<S> Service<Request<Body>> for Recorded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.transport.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        // A look at the bytes, which still leave with the request.
        let size = request.body().peek().map_or(0, |bytes| bytes.len());
        let started = Instant::now();
        let tape = Arc::clone(&self.tape);
        let response = self.transport.call(request);
        Box::pin(async move {
            let response = response.await?;
            let line = format!(
                "{path}: {size} bytes, {} after {:?}",
                response.status(),
                started.elapsed()
            );
            tape.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
            Ok(response)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let tape = Tape::default();
    let layer = {
        let tape = Arc::clone(&tape);
        layer_fn(move |transport| Recorded {
            transport,
            tape: Arc::clone(&tape),
        })
    };
    let is_grpc = env::var("CENTRIFUGO_URL").is_ok_and(|url| url.starts_with("grpc"));
    let builder = support::builder()?;
    let client = if is_grpc {
        builder.grpc_layer(layer).build()?
    } else {
        builder.http_layer(layer).build()?
    };

    client.info(InfoRequest::new()).await?;
    let channel = support::channel();
    let request = PublishRequest::new(&channel, r#"{"text":"hello"}"#);
    client.publish(request).await?;
    let request = BroadcastRequest::new([&channel, "other"], r#"{"text":"hello"}"#);
    client.broadcast(request).await?.all_ok()?;

    for line in &*tape.lock().unwrap_or_else(PoisonError::into_inner) {
        println!("{line}");
    }
    Ok(())
}
