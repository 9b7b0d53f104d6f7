//! Handlers on actix-web, on port 3000.
//!
//! ```sh
//! cargo run --manifest-path tests/frameworks/Cargo.toml --example actix
//! ```

use std::io;

use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use centrifugo_proxy::{Caller, ConnectReply, Handlers, HttpService, Peer};
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

/// Passes a request on to the handlers, in the types of `http`, and their response back.
pub async fn centrifugo(
    request: HttpRequest,
    payload: Payload,
    service: Data<HttpService>,
) -> actix_web::Result<HttpResponse> {
    let mut converted = http::Request::builder()
        .method(request.method().as_str())
        .uri(request.path());
    for (name, value) in request.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    if let Some(address) = request.peer_addr() {
        converted = converted.extension(Peer(address));
    }
    let converted = converted.body(body(payload));
    let converted = converted.map_err(actix_web::error::ErrorBadRequest)?;
    let service = HttpService::clone(&service);
    let Ok(response) = service.oneshot(converted).await;
    let mut answer = HttpResponse::build(convert(response.status()));
    for (name, value) in response.headers() {
        answer.insert_header((name.as_str(), value.as_bytes()));
    }
    let Ok(body) = response.into_body().collect().await;
    Ok(answer.body(body.to_bytes()))
}

fn convert(status: http::StatusCode) -> actix_web::http::StatusCode {
    let status = actix_web::http::StatusCode::from_u16(status.as_u16());
    status.expect("both have the same statuses")
}

/// Returns the body of a request, which may be sent between threads. It is read only as far as the handlers want it.
fn body(
    mut payload: Payload,
) -> impl http_body::Body<Data = bytes::Bytes, Error = io::Error> + Send + 'static {
    let (sender, receiver) = mpsc::channel(1);
    actix_web::rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map(Frame::data).map_err(io::Error::other);
            if sender.send(chunk).await.is_err() {
                return;
            }
        }
    });
    StreamBody::new(stream::unfold(receiver, async |mut receiver| {
        Some((receiver.recv().await?, receiver))
    }))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let handlers = Handlers::new(Caller::with_secret("s3cret")?)
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .on_failure(|failed| eprintln!("{failed}"));
    let service = Data::new(handlers.http().below("/centrifugo"));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(service.clone())
            .route("/centrifugo/{event}", web::to(centrifugo))
    });
    Ok(server.bind("127.0.0.1:3000")?.run().await?)
}
