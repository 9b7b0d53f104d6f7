//! Subscriptions that expire: what each answer of the sub_refresh handler does.

use std::time::Duration;

use centrifugo_api_testing::{Namespace, ProxiedConnection, Server};
use centrifugo_proxy::{Failed, Handlers, SubRefreshReply, SubscribeReply};

use super::{Broken, MINUTE, connect, handlers, text};
use crate::{Outcome, describe};

const EXPIRED: &str = "chat:1: 2501 subscription expired";

/// The time after which Centrifugo asks about a subscription that has expired.
const DELAY: Duration = Duration::from_secs(26);

fn answering<F>(answer: F) -> Handlers
where
    F: Fn() -> Result<SubRefreshReply, Failed> + Send + Sync + 'static,
{
    let handlers = handlers().subscribe(|_| async {
        let reply = SubscribeReply::allow().info(r#"{"first":1}"#);
        Ok(reply.expire_in(MINUTE))
    });
    let answer = std::sync::Arc::new(answer);
    handlers.sub_refresh(move |event| {
        assert_eq!((event.channel(), event.user()), ("chat:1", Some("anna")));
        let answer = std::sync::Arc::clone(&answer);
        async move { answer() }
    })
}

async fn subscribed(
    handlers: &Handlers,
) -> Result<(Server, ProxiedConnection), centrifugo_api::Error> {
    let chat = Namespace::new("chat")
        .presence(true)
        .subscribe_proxy_enabled(true)
        .sub_refresh_proxy_enabled(true);
    let server = Server::builder().proxy(handlers).namespace(chat).start()?;
    let anna = connect(&server, "anna").await?;
    anna.subscribe("chat:1").await?;
    Ok((server, anna))
}

async fn events_after(
    server: &Server,
    client: &mut ProxiedConnection,
    duration: Duration,
) -> Vec<String> {
    server.advance(duration);
    server.refreshed().await;
    let events = std::iter::from_fn(|| client.try_next());
    events.map(|event| describe(&event)).collect()
}

#[tokio::test]
async fn subscription_goes_on_as_long_as_the_handler_says() -> Outcome {
    let handlers = answering(|| {
        let reply = SubRefreshReply::for_the_next(MINUTE);
        Ok(reply.info(r#"{"second":2}"#))
    });
    let (server, mut anna) = subscribed(&handlers).await?;
    for _ in 0..2 {
        assert!(
            events_after(&server, &mut anna, MINUTE + DELAY)
                .await
                .is_empty()
        );
    }
    let request = centrifugo_api::PresenceRequest::new("chat:1");
    let presence = server.client().presence(request).await?;
    assert_eq!(
        text(&presence.presence[anna.id()].chan_info),
        r#"{"second":2}"#
    );
    Ok(())
}

#[tokio::test]
async fn handler_is_asked_25_s_after_the_expiry() -> Outcome {
    let (server, mut anna) = subscribed(&answering(|| Ok(SubRefreshReply::expired()))).await?;
    let first = MINUTE + Duration::from_secs(24);
    assert!(events_after(&server, &mut anna, first).await.is_empty());
    let more = Duration::from_secs(2);
    assert_eq!(events_after(&server, &mut anna, more).await, [EXPIRED]);
    anna.subscribe("chat:1").await?;
    Ok(())
}

#[tokio::test]
async fn subscription_may_never_expire_again() -> Outcome {
    let (server, mut anna) = subscribed(&answering(|| Ok(SubRefreshReply::for_ever()))).await?;
    assert!(
        events_after(&server, &mut anna, MINUTE + DELAY)
            .await
            .is_empty()
    );
    assert!(
        events_after(&server, &mut anna, MINUTE * 999)
            .await
            .is_empty()
    );
    Ok(())
}

#[tokio::test]
async fn subscription_goes_on_for_a_minute_after_a_failure() -> Outcome {
    let is_broken = std::sync::atomic::AtomicBool::new(true);
    let handlers = answering(move || {
        if is_broken.swap(false, std::sync::atomic::Ordering::Relaxed) {
            return Err(Broken.into());
        }
        Ok(SubRefreshReply::expired())
    });
    let (server, mut anna) = subscribed(&handlers).await?;
    assert!(
        events_after(&server, &mut anna, MINUTE + DELAY)
            .await
            .is_empty()
    );
    assert!(events_after(&server, &mut anna, MINUTE).await.is_empty());
    assert_eq!(events_after(&server, &mut anna, DELAY).await, [EXPIRED]);
    Ok(())
}

#[tokio::test]
async fn subscription_that_the_server_made_ends_the_connection() -> Outcome {
    let (server, mut anna) = subscribed(&answering(|| Ok(SubRefreshReply::expired()))).await?;
    anna.unsubscribe("chat:1");
    let expires = server.now() + MINUTE;
    let expires = expires.duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let request = centrifugo_api::SubscribeRequest::new("chat:1").user("anna");
    let request = request.expire_at(i64::try_from(expires)?);
    server.client().subscribe(request).await?;
    let events = events_after(&server, &mut anna, MINUTE + DELAY).await;
    let end = events.last().ok_or("no event")?;
    assert_eq!(end, "disconnected: 3006 subscription expired");
    Ok(())
}
