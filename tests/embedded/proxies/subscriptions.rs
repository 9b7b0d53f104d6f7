//! Clients that subscribe: what each answer of the subscribe handler does, and what needs none.

use std::time::{Duration, SystemTime};

use centrifugo_api::{Error, PresenceRequest};
use centrifugo_api_testing::{Namespace, Server, ServerBuilder, SubscribeOptions};
use centrifugo_proxy::{Handlers, Reject, SubscribeReply};
use centrifugo_token::{Expiry, Key, SubscriptionClaims};

use super::{BYE, Broken, MINUTE, NO, connect, handlers, misconfigured, refusal, text};
use crate::{Outcome, describe};

fn answering<F>(answer: F) -> Handlers
where
    F: Fn() -> Result<SubscribeReply, Reject> + Send + Sync + 'static,
{
    let answer = std::sync::Arc::new(answer);
    handlers().subscribe(move |_| {
        let answer = std::sync::Arc::clone(&answer);
        async move { answer() }
    })
}

fn builder(handlers: &Handlers) -> ServerBuilder {
    let chat = Namespace::new("chat")
        .history_size(10)
        .history_ttl(MINUTE)
        .presence(true)
        .subscribe_proxy_enabled(true);
    Server::builder().proxy(handlers).namespace(chat)
}

async fn refused(handlers: &Handlers) -> Result<(u32, String), Error> {
    let server = builder(handlers).start()?;
    let anna = connect(&server, "anna").await?;
    Ok(refusal(anna.subscribe("chat:1").await))
}

#[tokio::test]
async fn reply_decides_info_data_and_options() -> Outcome {
    let handlers = answering(|| {
        Ok(SubscribeReply::allow()
            .info(r#"{"rank":1}"#)
            .data(r#"{"welcome":1}"#)
            .force_recovery(true))
    });
    let server = builder(&handlers).start()?;
    let anna = connect(&server, "anna").await?;
    let subscribed = anna.subscribe("chat:1").await?;
    assert_eq!(text(&subscribed.data), r#"{"welcome":1}"#);
    assert!(subscribed.recoverable && subscribed.positioned && !subscribed.epoch.is_empty());
    let presence = server
        .client()
        .presence(PresenceRequest::new("chat:1"))
        .await?;
    let info = &presence.presence[anna.id()];
    assert_eq!(
        (&*info.user, text(&info.chan_info)),
        ("anna", r#"{"rank":1}"#.to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn handler_learns_of_token_and_data() -> Outcome {
    let handlers = handlers().subscribe(|event| async move {
        let seen = format!(
            r#""{} {} {}""#,
            event.channel(),
            event.token(),
            text(event.data())
        );
        Ok(SubscribeReply::allow().data(seen))
    });
    let server = builder(&handlers).start()?;
    let anna = connect(&server, "anna").await?;
    let options = SubscribeOptions::new().data("7");
    let subscribed = anna.subscribe_with("chat:1", options).await?;
    assert_eq!(subscribed.expires_in, None);
    assert_eq!(text(&subscribed.data), r#""chat:1  7""#);
    Ok(())
}

#[tokio::test]
async fn refusals_and_failures_reach_the_client() -> Outcome {
    assert_eq!(
        refused(&answering(|| Err(NO.into()))).await?,
        (403, "no".into())
    );
    assert_eq!(refused(&answering(|| Err(Broken.into()))).await?.0, 100);
    assert_eq!(
        refused(&answering(|| panic!("the handler panics")))
            .await?
            .0,
        100
    );
    let past = SystemTime::now() - Duration::from_secs(10);
    let expired = answering(move || Ok(SubscribeReply::allow().expire_at(past)));
    assert_eq!(refused(&expired).await?, (110, "expired".into()));
    Ok(())
}

#[tokio::test]
async fn disconnect_ends_the_connection() -> Outcome {
    let server = builder(&answering(|| Err(BYE.into()))).start()?;
    let mut anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.subscribe("chat:1").await),
        (4500, "bye".into())
    );
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 4500 bye");
    assert_eq!(refusal(anna.subscribe("chat:2").await).0, 3000);
    Ok(())
}

#[tokio::test]
async fn mistakes_of_client_are_found_before_the_handler_is_asked() -> Outcome {
    let handlers = answering(|| Ok(SubscribeReply::allow()));
    let server = builder(&handlers)
        .namespace(Namespace::new("closed"))
        .start()?;
    let mut anna = connect(&server, "anna").await?;
    anna.subscribe("chat:1").await?;
    for (channel, code) in [
        ("chat:1", 105),
        ("closed:1", 103),
        ("$chat:1", 103),
        ("unknown:1", 102),
        ("chat:ü", 107),
    ] {
        assert_eq!(refusal(anna.subscribe(channel).await).0, code, "{channel}");
    }
    assert_eq!(refusal(anna.subscribe("").await).0, 3501);
    let end = std::iter::from_fn(|| anna.try_next())
        .last()
        .ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 3501 bad request");
    Ok(())
}

#[tokio::test]
async fn permissions_decide_without_proxy() -> Outcome {
    let server = Server::builder()
        .proxy(&handlers())
        .namespace(Namespace::new("users").allow_subscribe_for_client(true))
        .namespace(
            Namespace::new("all")
                .allow_subscribe_for_client(true)
                .allow_subscribe_for_anonymous(true),
        )
        .start()?;
    let anna = connect(&server, "anna").await?;
    let nobody = connect(&server, "").await?;
    anna.subscribe("users:1").await?;
    anna.subscribe("all:1").await?;
    assert_eq!(
        refusal(nobody.subscribe("users:1").await),
        (103, "permission denied".into())
    );
    nobody.subscribe("all:1").await?;
    Ok(())
}

#[tokio::test]
async fn channels_without_configuration_ask_the_handlers_that_are_there() -> Outcome {
    let server = Server::builder().proxy(&handlers()).start()?;
    let anna = connect(&server, "anna").await?;
    anna.subscribe("news").await?;
    let refusing = answering(|| Err(NO.into()));
    let server = Server::builder().proxy(&refusing).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.subscribe("news").await).0, 403);
    // Clients of other tests stay as they were: no permission, no proxy.
    server.connect("bert").subscribe("news")?;
    Ok(())
}

#[tokio::test]
async fn token_is_verified_in_place_of_the_handler() -> Outcome {
    let key = Key::hs256("the secret of this test, which is long enough")?;
    let refusing = answering(|| Err(NO.into()));
    let server = builder(&refusing).token_key(&key).start()?;
    let anna = connect(&server, "anna").await?;
    let token = SubscriptionClaims::user("anna")
        .channel("chat:1", Expiry::after(MINUTE))
        .sign(&key)?;
    anna.subscribe_with("chat:1", SubscribeOptions::new().token(token))
        .await?;
    let invalid = SubscribeOptions::new().token("a.b.c");
    assert_eq!(refusal(anna.subscribe_with("chat:2", invalid).await).0, 103);
    Ok(())
}

#[tokio::test]
async fn missing_handler_is_named() -> Outcome {
    let server = builder(&handlers()).start()?;
    let anna = connect(&server, "anna").await?;
    let problem = misconfigured(anna.subscribe("chat:1").await);
    assert!(problem.contains("`subscribe`"), "{problem}");
    Ok(())
}

#[tokio::test]
async fn connection_that_ends_meanwhile_ends_the_call() -> Outcome {
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let asked = std::sync::Mutex::new(Some(asked));
    let handlers = handlers().timeout(MINUTE).subscribe(move |_| {
        let asked = asked.lock().expect("no panic").take();
        let _ = asked.map(|asked| asked.send(()));
        std::future::pending()
    });
    let options = centrifugo_api_testing::ProxyOptions::new().timeout(MINUTE);
    let server = builder(&handlers).proxy_options(options).start()?;
    let anna = connect(&server, "anna").await?;
    let client = server.client();
    let end = async {
        is_asked.await.expect("the handler is asked");
        let request = centrifugo_api::DisconnectRequest::new("anna");
        client.disconnect(request).await
    };
    let (subscribed, disconnected) = tokio::join!(anna.subscribe("chat:1"), end);
    disconnected?;
    assert_eq!(refusal(subscribed), (3000, "connection closed".into()));
    Ok(())
}
