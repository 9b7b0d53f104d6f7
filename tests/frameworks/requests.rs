//! Requests to the handlers of `centrifugo-proxy` on actix-web and warp.

#[allow(dead_code)]
#[path = "../../crates/proxy/examples/frameworks/actix.rs"]
mod actix;
#[path = "../../crates/proxy/tests/requests/mod.rs"]
mod requests;
#[allow(dead_code)]
#[path = "../../crates/proxy/examples/frameworks/warp.rs"]
mod warp_example;

use std::error::Error;

use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use warp::Filter as _;

use self::requests::{assert_answers, exchange, handlers};

type Outcome = Result<(), Box<dyn Error>>;

const GET: &str = "GET / HTTP/1.1\r\nhost: backend\r\nconnection: close\r\n\r\n";

#[actix_web::test]
async fn actix_serves_handlers_beside_routes() -> Outcome {
    let service = Data::new(handlers().http().below("/centrifugo"));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(service.clone())
            .route("/", web::get().to(|| async { "the application" }))
            .route("/centrifugo/{event}", web::to(actix::centrifugo))
    });
    // It closes a connection 1 s after a body that it has not read.
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0")?;
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    assert_answers(address, "127.0.0.1").await?;
    let response = exchange(address, GET).await?;
    assert!(response.ends_with("the application"), "{response}");
    Ok(())
}

#[tokio::test]
async fn warp_serves_handlers_beside_routes() -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = handlers().http().below("/centrifugo");
    let routes = warp::path::end().map(|| "the application");
    let routes = routes.or(warp::path("centrifugo").and(warp_example::centrifugo(service)));
    tokio::spawn(warp::serve(routes).incoming(listener).run());
    assert_answers(address, "127.0.0.1").await?;
    let response = exchange(address, GET).await?;
    assert!(response.ends_with("the application"), "{response}");
    Ok(())
}
