//! Tests code that uses Centrifugo on the embedded server: the same `Client` with another URL.
//!
//! ```sh
//! cargo run --example testing
//! ```
//!
//! In your own project these are tests, and `centrifugo-api-testing` is a dev-dependency.

use std::time::Duration;

use centrifugo_api::{
    ApiError, BlockUserRequest, BlockUserResult, BroadcastRequest, Client, DisconnectRequest,
    Error, HistoryRequest, PublishRequest, json,
};
use centrifugo_api_testing::{Event, Fault, Namespace, Server, User};

/// The part of an application that calls Centrifugo. It takes a client and contains nothing for
/// tests.
struct Shop {
    centrifugo: Client,
}

impl Shop {
    /// Notifies a customer of a paid order, at most once however often it is called.
    async fn paid(&self, customer: &str, order: u32) -> Result<(), Error> {
        let data = json(&serde_json::json!({"order": order, "state": "paid"}))?;
        let request = PublishRequest::new(format!("orders:{customer}"), data);
        self.centrifugo
            .publish(request.idempotency_key(format!("paid-{order}")))
            .await?;
        Ok(())
    }

    /// Sends customers an offer, and returns those who could not be reached.
    async fn offer(&self, customers: &[&str]) -> Result<Vec<String>, Error> {
        let channels = customers
            .iter()
            .map(|customer| format!("orders:{customer}"));
        let result = self
            .centrifugo
            .broadcast(BroadcastRequest::new(channels, r#"{"offer":"tea"}"#))
            .await?;
        Ok(result
            .failed()
            .map(|(channel, _)| channel.to_owned())
            .collect())
    }

    /// Disconnects a user, and with Centrifugo PRO blocks the user.
    async fn ban(&self, user: &str) -> Result<(), Error> {
        self.centrifugo
            .block_user(BlockUserRequest::new(user))
            .await?;
        self.centrifugo
            .disconnect(DisconnectRequest::new(user))
            .await?;
        Ok(())
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Returns a server with the channels of production, and the application using it.
fn shop() -> Result<(Server, Shop), Error> {
    let orders = Namespace::new("orders")
        .history_size(10)
        .history_ttl(Duration::from_secs(60))
        .presence(true);
    let server = Server::builder().namespace(orders).start()?;
    let shop = Shop {
        centrifugo: server.client(),
    };
    Ok((server, shop))
}

async fn customer_is_notified_of_order_once() -> Outcome {
    let (server, shop) = shop()?;
    let mut alice = server.connect(User::new("alice").info(r#"{"name":"Alice"}"#));
    alice.subscribe("orders:alice")?;
    shop.paid("alice", 42).await?;
    shop.paid("alice", 42).await?;
    assert_eq!(
        alice.next_publication().await.ok_or("disconnected")?.offset,
        1
    );
    assert_eq!(alice.try_next(), None);
    Ok(())
}

async fn order_is_forgotten_after_a_minute() -> Outcome {
    let (server, shop) = shop()?;
    shop.paid("alice", 42).await?;
    server.advance(Duration::from_secs(60));
    let history = shop
        .centrifugo
        .history(HistoryRequest::new("orders:alice").limit(-1))
        .await?;
    assert_eq!((history.publications.len(), history.offset), (0, 1));
    Ok(())
}

async fn offer_reports_who_could_not_be_reached() -> Outcome {
    let (server, shop) = shop()?;
    server.fail_next(
        1,
        Fault::api_error(ApiError::INTERNAL).channel("orders:bob"),
    )?;
    assert_eq!(shop.offer(&["alice", "bob"]).await?, ["orders:bob"]);
    assert!(server.unused_faults().is_empty());
    Ok(())
}

async fn lost_reply_does_no_harm() -> Outcome {
    let (server, shop) = shop()?;
    server.fail_next(1, Fault::close_after())?;
    // The client retries because the publication has an idempotency key.
    shop.paid("alice", 42).await?;
    assert_eq!(server.requests().len(), 2);
    let history = shop
        .centrifugo
        .history(HistoryRequest::new("orders:alice").limit(-1))
        .await?;
    assert_eq!(history.publications.len(), 1);
    Ok(())
}

async fn banned_user_is_blocked_and_disconnected() -> Outcome {
    let (server, shop) = shop()?;
    server.on(|_: BlockUserRequest| Ok(BlockUserResult::default()));
    let mut mallory = server.connect("mallory");
    shop.ban("mallory").await?;
    assert!(matches!(
        mallory.next().await,
        Some(Event::Disconnected { code: 3503, .. })
    ));
    let requests = server.requests();
    let methods: Vec<_> = requests.iter().map(|request| request.method).collect();
    assert_eq!(methods, ["block_user", "disconnect"]);
    let blocked: BlockUserRequest = requests[0].request().ok_or("another type of request")?;
    assert_eq!(blocked.user, "mallory");
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    customer_is_notified_of_order_once().await?;
    order_is_forgotten_after_a_minute().await?;
    offer_reports_who_could_not_be_reached().await?;
    lost_reply_does_no_harm().await?;
    banned_user_is_blocked_and_disconnected().await?;
    println!("5 tests of an application passed, on 5 embedded servers.");
    Ok(())
}
