//! Handlers on hyper, on port 3000.
//!
//! ```sh
//! cargo run -p centrifugo-proxy --example hyper
//! ```
//!
//! A client that sends the head of its request too slowly is cut off, which `axum::serve` does not do.

use std::error::Error;
use std::time::Duration;

use centrifugo_proxy::{Caller, ConnectReply, Handlers, Peer};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// The time in which the head of a request must have arrived.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves the handlers below `/centrifugo`.
pub(crate) async fn serve(listener: TcpListener, handlers: Handlers, head_timeout: Duration) {
    let service = handlers.http().below("/centrifugo");
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new());
    server.header_read_timeout(head_timeout);
    loop {
        let (connection, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("no connection: {error}");
                // It may be that too many files are open.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = service
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(address));
                request
            });
        let service = TowerToHyperService::new(service);
        let connection = server.serve_connection(TokioIo::new(connection), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let handlers = Handlers::new(Caller::with_secret("s3cret")?)
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .on_failure(|failed| eprintln!("{failed}"));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    serve(listener, handlers, HEAD_TIMEOUT).await;
    Ok(())
}
