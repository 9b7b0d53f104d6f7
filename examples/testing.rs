//! Tests code that uses Centrifugo on an embedded server: the same `Client` with another URL.
//!
//! `cargo run --example testing` runs the tests below. In your project each is a `#[tokio::test]`.

use std::time::Duration;

use centrifugo_api::{Client, Error, HistoryRequest, PublishRequest};
use centrifugo_api_testing::{Fault, Server};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The code under test. It takes a client, and has nothing in it for tests.
async fn notify_of_payment(client: &Client, order: u32) -> Result<(), Error> {
    let request = PublishRequest::new("orders", format!(r#"{{"paid":{order}}}"#));
    let key = format!("paid-{order}");
    client.publish(request.idempotency_key(key)).await.map(drop)
}

async fn users_are_notified_once() -> Outcome {
    // `Server::builder` takes the channels of production, also from Centrifugo's configuration.
    let server = Server::start()?;
    let mut alice = server.connect("alice");
    alice.subscribe("orders")?;
    notify_of_payment(&server.client(), 42).await?;
    notify_of_payment(&server.client(), 42).await?;
    let publication = alice.next_publication().await.ok_or("disconnected")?;
    assert_eq!(publication.data, r#"{"paid":42}"#);
    assert_eq!(alice.try_next(), None);
    println!("The code ran twice, and Alice was notified once.");
    Ok(())
}

async fn lost_reply_does_no_harm() -> Outcome {
    let server = Server::start()?;
    server.fail_next(1, Fault::close_after())?; // the call runs, and its reply is lost
    notify_of_payment(&server.client(), 42).await?;
    assert!(server.unused_faults().is_empty());
    let requests = server.requests().len();
    println!("A reply was lost, and the client made {requests} requests.");
    Ok(())
}

async fn notifications_are_forgotten_after_a_day() -> Outcome {
    let server = Server::start()?;
    notify_of_payment(&server.client(), 42).await?;
    server.advance(Duration::from_secs(24 * 60 * 60));
    let request = HistoryRequest::new("orders").limit(-1);
    let history = server.client().history(request).await?;
    assert!(history.publications.is_empty());
    println!("A day passed in no time, and the history is empty.");
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    users_are_notified_once().await?;
    lost_reply_does_no_harm().await?;
    notifications_are_forgotten_after_a_day().await
}
