//! The handlers on axum and hyper. Those on actix-web and warp are tested in `examples/frameworks`.
#![cfg(feature = "http")]

#[allow(dead_code)]
#[path = "../examples/hyper.rs"]
mod hyper_example;
mod requests;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use self::requests::{assert_answers, exchange, handlers};

type Outcome = Result<(), Box<dyn Error>>;

async fn serve_by_hyper(head_timeout: Duration) -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(hyper_example::serve(listener, handlers(), head_timeout));
    Ok(address)
}

#[tokio::test]
async fn axum_serves_handlers_beside_routes() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = axum::Router::new()
        .route("/", axum::routing::get(|| async { "the application" }))
        .nest_service("/centrifugo", handlers().http());
    tokio::spawn(axum::serve(listener, router).into_future());
    assert_answers(address, "unknown").await?;
    let request = "GET / HTTP/1.1\r\nhost: backend\r\nconnection: close\r\n\r\n";
    let response = exchange(address, request).await?;
    assert!(response.ends_with("the application"), "{response}");
    Ok(())
}

#[tokio::test]
async fn hyper_serves_handlers() -> Outcome {
    let address = serve_by_hyper(Duration::from_secs(60)).await?;
    assert_answers(address, "127.0.0.1").await
}

#[tokio::test]
async fn head_that_does_not_end_is_cut_off_by_hyper() -> Outcome {
    let address = serve_by_hyper(Duration::from_millis(50)).await?;
    let response = exchange(address, "POST /centrifugo/connect HTTP/1.1\r\nhost: ").await?;
    assert!(!response.starts_with("HTTP/1.1 200"), "{response}");
    Ok(())
}
