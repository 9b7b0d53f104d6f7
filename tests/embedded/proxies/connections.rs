//! Clients that connect: what each answer of the connect handler does.

use std::time::{Duration, SystemTime};

use centrifugo_api::{PresenceRequest, json};
use centrifugo_api_testing::{ConnectingClient, Namespace, Server, ServerBuilder};
use centrifugo_proxy::{Caller, ConnectReply, Handlers, Reject, SubscriptionOptions};
use centrifugo_token::{ConnectionClaims, Expiry, Key};

use super::{BYE, Broken, LATER, MINUTE, NO, handlers, misconfigured, refusal, text};
use crate::{Outcome, events_so_far};

/// Returns handlers that answer every client alike.
fn answering<F>(answer: F) -> Handlers
where
    F: Fn() -> Result<ConnectReply, Reject> + Send + Sync + 'static,
{
    let answer = std::sync::Arc::new(answer);
    Handlers::new(Caller::anyone()).connect(move |_| {
        let answer = std::sync::Arc::clone(&answer);
        async move { answer() }
    })
}

fn builder(handlers: &Handlers) -> ServerBuilder {
    Server::builder().proxy(handlers)
}

/// Returns the code and the message with which a client is refused.
async fn refused(handlers: &Handlers) -> Result<(u32, String), centrifugo_api::Error> {
    let server = builder(handlers).start()?;
    Ok(refusal(
        server.connect_client(ConnectingClient::new()).await,
    ))
}

#[tokio::test]
async fn reply_decides_user_info_data_and_channels() -> Outcome {
    let handlers = answering(|| {
        let options = SubscriptionOptions::new()
            .data(r#"{"from":"subs"}"#)
            .presence(true);
        Ok(ConnectReply::user("anna")
            .info(r#"{"name":"Anna"}"#)
            .data(r#"{"welcome":1}"#)
            .channel("news")
            .subscription("other:1", options))
    });
    let server = builder(&handlers)
        .namespace(Namespace::new(""))
        .namespace(Namespace::new("other").presence(false))
        .start()?;
    let mut anna = server.connect_client(ConnectingClient::new()).await?;
    assert_eq!(
        (anna.user(), text(anna.data())),
        ("anna", r#"{"welcome":1}"#.to_owned())
    );
    let mut channels = Vec::new();
    while let Some(centrifugo_api_testing::Event::Subscribed { channel, data, .. }) =
        anna.try_next()
    {
        channels.push((channel, text(&data)));
    }
    let expected = [("news", ""), ("other:1", r#"{"from":"subs"}"#)];
    assert_eq!(
        channels,
        expected.map(|(channel, data)| (channel.to_owned(), data.to_owned()))
    );
    // The namespace has no presence that anyone can see.
    let presence = server
        .client()
        .presence(PresenceRequest::new("other:1"))
        .await;
    assert_eq!(
        presence.map_err(|error| error.api_code()).err(),
        Some(Some(108))
    );
    Ok(())
}

#[tokio::test]
async fn refusals_reach_the_client() -> Outcome {
    assert_eq!(
        refused(&answering(|| Err(NO.into()))).await?,
        (403, "no".into())
    );
    assert_eq!(
        refused(&answering(|| Err(BYE.into()))).await?,
        (4500, "bye".into())
    );
    let server = builder(&answering(|| Err(LATER.into()))).start()?;
    let error = server.connect_client(ConnectingClient::new()).await;
    let error = error.expect_err("the handler refuses");
    assert!(matches!(error, centrifugo_api::Error::Api(error) if error.temporary));
    Ok(())
}

#[tokio::test]
async fn failures_are_error_100() -> Outcome {
    let expected = (100, "internal server error".to_owned());
    assert_eq!(refused(&answering(|| Err(Broken.into()))).await?, expected);
    assert_eq!(
        refused(&answering(|| panic!("the handler panics"))).await?,
        expected
    );
    // Not JSON, which the handlers refuse to send.
    let invalid = answering(|| Ok(ConnectReply::user("anna").data("{")));
    assert_eq!(refused(&invalid).await?, expected);
    Ok(())
}

#[tokio::test]
async fn handler_that_takes_too_long_is_error_100() -> Outcome {
    let never = Handlers::new(Caller::anyone())
        .timeout(MINUTE)
        .connect(|_| std::future::pending());
    let options = centrifugo_api_testing::ProxyOptions::new().timeout(Duration::from_millis(20));
    let server = builder(&never).proxy_options(options.clone()).start()?;
    let refused = server.connect_client(ConnectingClient::new()).await;
    assert_eq!(refusal(refused).0, 100);
    // One that blocks is not interrupted, and is late all the same.
    let blocking = Handlers::new(Caller::anyone()).connect(|_| {
        std::thread::sleep(Duration::from_millis(60));
        async { Ok(ConnectReply::user("anna")) }
    });
    let server = builder(&blocking).proxy_options(options).start()?;
    let refused = server.connect_client(ConnectingClient::new()).await;
    assert_eq!(refusal(refused).0, 100);
    Ok(())
}

#[tokio::test]
async fn client_without_credentials_is_refused_unless_anonymous_ones_are_allowed() -> Outcome {
    let unknown = answering(|| Ok(ConnectReply::no_credentials().data("1")));
    assert_eq!(refused(&unknown).await?, (3501, "bad request".into()));
    let server = builder(&unknown)
        .allow_anonymous_connect_without_token(true)
        .start()?;
    let nobody = server.connect_client(ConnectingClient::new()).await?;
    assert_eq!((nobody.user(), &nobody.data()[..]), ("", &b""[..]));
    Ok(())
}

#[tokio::test]
async fn unknown_channel_and_too_many_channels_are_refused() -> Outcome {
    let unknown = answering(|| Ok(ConnectReply::user("anna").channel("unknown:1")));
    assert_eq!(refused(&unknown).await?, (102, "unknown channel".into()));
    let many = || (0..129).map(|index| format!("c{index}"));
    let many = answering(move || Ok(ConnectReply::user("anna").channels(many())));
    assert_eq!(refused(&many).await?, (3505, "channel limit".into()));
    Ok(())
}

#[tokio::test]
async fn connection_that_would_have_expired_is_refused() -> Outcome {
    let past = || SystemTime::now() - Duration::from_secs(10);
    let expired = answering(move || Ok(ConnectReply::user("anna").expire_at(past())));
    assert_eq!(refused(&expired).await?, (110, "expired".into()));
    Ok(())
}

#[tokio::test]
async fn connection_without_refresh_proxy_ends_25_s_after_it_expires() -> Outcome {
    let server = builder(&answering(|| {
        Ok(ConnectReply::user("anna").expire_in(MINUTE))
    }))
    .start()?;
    let mut anna = server.connect_client(ConnectingClient::new()).await?;
    assert!(
        anna.expires_in() > Some(MINUTE / 2),
        "{:?}",
        anna.expires_in()
    );
    server.advance(Duration::from_secs(84));
    assert_eq!(anna.try_next(), None);
    server.advance(Duration::from_secs(3));
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(
        crate::describe(&end),
        "disconnected: 3005 connection expired"
    );
    Ok(())
}

#[tokio::test]
async fn client_with_token_is_not_asked_about() -> Outcome {
    let key = Key::hs256("the secret of this test, which is long enough")?;
    let handlers = answering(|| panic!("the handler is not asked"));
    let server = builder(&handlers).token_key(&key).start()?;
    let token = ConnectionClaims::new("anna", Expiry::after(MINUTE)).sign(&key)?;
    let anna = server
        .connect_client(ConnectingClient::new().token(token))
        .await?;
    assert_eq!(anna.user(), "anna");
    let invalid = server
        .connect_client(ConnectingClient::new().token("a.b.c"))
        .await;
    assert_eq!(refusal(invalid).0, 3500);
    Ok(())
}

#[tokio::test]
async fn client_with_token_gets_channels_that_it_may_subscribe_to() -> Outcome {
    let key = Key::hs256("the secret of this test, which is long enough")?;
    let server = builder(&handlers())
        .token_key(&key)
        .namespace(Namespace::new("open").allow_subscribe_for_client(true))
        .namespace(Namespace::new("closed"))
        .namespace(
            Namespace::new("asked")
                .allow_subscribe_for_client(true)
                .subscribe_proxy_enabled(true),
        )
        .start()?;
    let claims = ConnectionClaims::new("anna", Expiry::after(MINUTE));
    let client = ConnectingClient::new().token(claims.sign(&key)?);
    let channels = ["open:1", "closed:1", "asked:1", "$open:1"];
    let mut anna = server
        .connect_client(client.clone().channels(channels))
        .await?;
    // Anna subscribed by the server is described without its position.
    let mut anna_sees = Vec::new();
    while let Some(event) = anna.try_next() {
        anna_sees.push(crate::describe(&event));
    }
    assert_eq!(anna_sees, ["open:1: subscribed at 0"]);
    let unknown = server.connect_client(client.channels(["unknown:1"])).await;
    assert_eq!(refusal(unknown), (3501, "bad request".into()));
    Ok(())
}

#[tokio::test]
async fn reply_that_is_not_json_ends_client_with_json() -> Outcome {
    let handlers = answering(|| {
        let data = centrifugo_api::binary("\u{1}");
        Ok(ConnectReply::user("anna").data(data))
    });
    let server = builder(&handlers).start()?;
    let json_client = server.connect_client(ConnectingClient::new()).await;
    assert_eq!(
        refusal(json_client),
        (3506, "inappropriate protocol".into())
    );
    let anna = server
        .connect_client(ConnectingClient::new().protobuf())
        .await?;
    assert_eq!(anna.data(), "\u{1}");
    Ok(())
}

#[tokio::test]
async fn server_without_backend_says_so() -> Outcome {
    let server = builder(&Handlers::new(Caller::anyone())).start()?;
    let refused = server.connect_client(ConnectingClient::new()).await;
    assert_eq!(refusal(refused).0, 3501);
    let configured = r#"{"client": {"proxy": {"connect": {"enabled": true}}}}"#;
    let server = builder(&Handlers::new(Caller::anyone()))
        .configuration(configured)
        .start()?;
    let problem = misconfigured(server.connect_client(ConnectingClient::new()).await);
    assert!(problem.contains("`connect`"), "{problem}");
    Ok(())
}

#[tokio::test]
async fn client_that_connects_joins_its_channels() -> Outcome {
    let handlers = answering(|| Ok(ConnectReply::user("anna").info(json(&1)?).channel("news")));
    let server = builder(&handlers).start()?;
    let mut watcher = server.connect("watcher");
    watcher.subscribe("news")?;
    let anna = server.connect_client(ConnectingClient::new()).await?;
    drop(anna);
    let seen = events_so_far(&mut watcher);
    assert_eq!(
        seen,
        [
            "news: watcher joined",
            "news: anna joined",
            "news: anna left"
        ]
    );
    Ok(())
}
