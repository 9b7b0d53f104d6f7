//! Handlers on warp, on port 3000.
//!
//! ```sh
//! cargo run --manifest-path tests/frameworks/Cargo.toml --example warp
//! ```

use std::net::SocketAddr;

use bytes::Buf;
use centrifugo_proxy::{Caller, ConnectReply, Handlers, HttpService, Peer};
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, Method, Request};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tower::ServiceExt as _;
use warp::filters::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

/// Returns a filter that passes requests on to the handlers: warp mounts no services of tower.
pub fn centrifugo(
    service: HttpService,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    warp::any()
        .map(move || service.clone())
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(warp::addr::remote())
        .and(warp::body::stream())
        .then(answer)
}

async fn answer<S, D>(
    service: HttpService,
    method: Method,
    path: FullPath,
    headers: HeaderMap,
    address: Option<SocketAddr>,
    body: S,
) -> Response
where
    S: Stream<Item = Result<D, warp::Error>> + Send + 'static,
    D: Buf + Send,
{
    let body = StreamBody::new(body.map(|data| data.map(Frame::data)));
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path.as_str().parse().expect("it is the path of a URI");
    *request.headers_mut() = headers;
    if let Some(address) = address {
        request.extensions_mut().insert(Peer(address));
    }
    let Ok(response) = service.oneshot(request).await;
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    Response::from_parts(head, body.to_bytes().into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let handlers = Handlers::new(Caller::with_secret("s3cret")?)
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .on_failure(|failed| eprintln!("{failed}"));
    let service = handlers.http().below("/centrifugo");
    let routes = warp::path::end().map(|| "the application");
    let routes = routes.or(warp::path("centrifugo").and(centrifugo(service)));
    warp::serve(routes).run(([127, 0, 0, 1], 3000)).await;
    Ok(())
}
