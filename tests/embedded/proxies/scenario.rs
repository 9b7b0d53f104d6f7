//! One test of a whole application: token, connect, subscribe, publish, refresh.

use centrifugo_api::HistoryRequest;
use centrifugo_api_testing::{ConnectingClient, Event, Namespace, Server};
use centrifugo_proxy::{
    Caller, ConnectReply, Disconnect, Handlers, PublishReply, RefreshReply, Reject, SubscribeReply,
};
use centrifugo_token::{ConnectionClaims, Expiry, Key};
use serde::Deserialize;

use super::{MINUTE, NO, refusal};
use crate::{Outcome, PATIENCE, soon};

const BANNED: Disconnect = Disconnect::constant(4501, "banned");

#[derive(Deserialize)]
struct Message {
    text: String,
}

/// The handlers of the application under test.
fn application() -> Handlers {
    Handlers::new(Caller::anyone())
        .connect(|event| async move {
            let user = event.header("x-user").ok_or(NO)?.to_owned();
            Ok(ConnectReply::user(user).expire_in(MINUTE))
        })
        .subscribe(|event| async move {
            let user = event.user().ok_or(NO)?;
            if event.channel() != "chat:lobby" {
                return Err(NO.into());
            }
            Ok(SubscribeReply::allow().info(format!(r#"{{"name":"{user}"}}"#)))
        })
        .publish(|event| async move {
            let message: Message = event.json()?;
            if message.text == "spam" {
                return Err(Reject::from(BANNED));
            }
            let text = message.text.to_uppercase();
            Ok(PublishReply::allow().data(format!(r#"{{"text":"{text}"}}"#)))
        })
        .refresh(|event| async move {
            Ok(match event.user() {
                Some("anna") => RefreshReply::for_the_next(MINUTE),
                _ => RefreshReply::expired(),
            })
        })
}

#[tokio::test]
async fn token_connect_subscribe_publish_and_refresh_are_one_test() -> Outcome {
    let key = Key::hs256("the secret of this test, which is long enough")?;
    let chat = Namespace::new("chat")
        .history_size(10)
        .history_ttl(MINUTE)
        .subscribe_proxy_enabled(true)
        .publish_proxy_enabled(true);
    let server = Server::builder()
        .token_key(&key)
        .proxy(&application())
        .proxy_options(centrifugo_api_testing::ProxyOptions::new().http_headers(["X-User"]))
        .namespace(chat)
        .start()?;

    // Anna has a token, and Bert a header of a gateway.
    let token = ConnectionClaims::new("anna", Expiry::after(MINUTE)).sign(&key)?;
    let mut anna = server
        .connect_client(ConnectingClient::new().token(token))
        .await?;
    let bert = ConnectingClient::new().header("x-user", "bert");
    let mut bert = server.connect_client(bert).await?;
    assert_eq!((anna.user(), bert.user()), ("anna", "bert"));

    // Both may enter the lobby.
    anna.subscribe("chat:lobby").await?;
    bert.subscribe("chat:lobby").await?;
    let elsewhere = anna.subscribe("chat:elsewhere").await;
    assert_eq!(refusal(elsewhere), (403, "no".to_owned()));

    // What Anna publishes is changed, and reaches Bert and the history.
    anna.publish("chat:lobby", r#"{"text":"hi"}"#).await?;
    let got = soon("a publication", bert.next_publication()).await;
    let got = got.ok_or("bert was disconnected")?;
    assert_eq!(got.data, r#"{"text":"HI"}"#);
    let info = got.info.ok_or("no publisher")?;
    assert_eq!(
        (&*info.user, &info.chan_info[..]),
        ("anna", &br#"{"name":"anna"}"#[..])
    );
    let history = HistoryRequest::new("chat:lobby").limit(-1);
    let history = server.client().history(history).await?;
    assert_eq!(history.publications.len(), 1);

    // A minute later Anna goes on, and Bert does not.
    server.advance(MINUTE);
    tokio::time::timeout(PATIENCE, server.refreshed()).await?;
    let end = std::iter::from_fn(|| bert.try_next()).last();
    assert!(
        matches!(end, Some(Event::Disconnected { code: 3005, .. })),
        "{end:?}"
    );
    anna.publish("chat:lobby", r#"{"text":"still here"}"#)
        .await?;

    // Spam ends the connection for good.
    let spam = anna.publish("chat:lobby", r#"{"text":"spam"}"#).await;
    assert_eq!(refusal(spam), (4501, "banned".to_owned()));
    let end = std::iter::from_fn(|| anna.try_next()).last();
    assert!(
        matches!(end, Some(Event::Disconnected { code: 4501, .. })),
        "{end:?}"
    );
    Ok(())
}
