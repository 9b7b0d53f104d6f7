//! Connections that expire: what each answer of the refresh handler does.

use std::time::{Duration, SystemTime};

use centrifugo_api::{PresenceRequest, RefreshRequest};
use centrifugo_api_testing::{ConnectingClient, ProxiedConnection, Server};
use centrifugo_proxy::{Failed, Handlers, Head, RefreshReply, RpcReply};
use centrifugo_token::{ConnectionClaims, Expiry, Key};

use super::{Broken, MINUTE, Seen, connect, handlers, refusal, text};
use crate::{Outcome, describe};

const EXPIRED: &str = "disconnected: 3005 connection expired";

/// Returns handlers that let clients in for a minute, and refresh them alike.
fn answering<F>(answer: F) -> Handlers
where
    F: Fn(&Head) -> Result<RefreshReply, Failed> + Send + Sync + 'static,
{
    let handlers = handlers().connect(|event| async move {
        let reply = centrifugo_proxy::ConnectReply::user(event.name());
        Ok(reply
            .info(r#"{"first":1}"#)
            .meta(r#"{"first":1}"#)
            .expire_in(MINUTE))
    });
    let answer = std::sync::Arc::new(answer);
    handlers.refresh(move |event| {
        let answer = std::sync::Arc::clone(&answer);
        async move { answer(event.head()) }
    })
}

async fn after_a_minute(
    handlers: &Handlers,
) -> Result<(Server, ProxiedConnection), centrifugo_api::Error> {
    let options = centrifugo_api_testing::ProxyOptions::new().include_connection_meta(true);
    let server = Server::builder()
        .proxy(handlers)
        .proxy_options(options)
        .start()?;
    let anna = connect(&server, "anna").await?;
    server.advance(MINUTE);
    server.refreshed().await;
    Ok((server, anna))
}

fn events(client: &mut ProxiedConnection) -> Vec<String> {
    let events = std::iter::from_fn(|| client.try_next());
    events.map(|event| describe(&event)).collect()
}

#[tokio::test]
async fn connection_goes_on_as_long_as_the_handler_says() -> Outcome {
    let asked = Seen::default();
    let seen = asked.clone();
    let handlers = answering(move |_| {
        seen.add("asked");
        Ok(RefreshReply::for_the_next(MINUTE))
    });
    let (server, mut anna) = after_a_minute(&handlers).await?;
    assert_eq!((asked.take().len(), events(&mut anna)), (1, Vec::new()));
    assert_eq!(anna.expires_in(), None, "the client need not know");
    server.advance(MINUTE - Duration::from_secs(5));
    server.refreshed().await;
    assert_eq!(asked.take().len(), 0);
    server.advance(Duration::from_secs(5));
    server.refreshed().await;
    assert_eq!((asked.take().len(), events(&mut anna)), (1, Vec::new()));
    Ok(())
}

#[tokio::test]
async fn handler_ends_the_connection() -> Outcome {
    let past = SystemTime::now() - MINUTE;
    let (_server, mut anna) = after_a_minute(&answering(|_| Ok(RefreshReply::expired()))).await?;
    assert_eq!(events(&mut anna), [EXPIRED]);
    let (_server, mut anna) =
        after_a_minute(&answering(move |_| Ok(RefreshReply::until(past)))).await?;
    assert_eq!(events(&mut anna), [EXPIRED]);
    Ok(())
}

/// Centrifugo keeps the time that has passed.
#[tokio::test]
async fn reply_without_time_ends_the_connection() -> Outcome {
    let without_time = || RefreshReply::expired().edit(|result| result.expired = false);
    let (_server, mut anna) = after_a_minute(&answering(move |_| Ok(without_time()))).await?;
    assert_eq!(events(&mut anna), [EXPIRED]);
    Ok(())
}

#[tokio::test]
async fn handler_may_decide_by_the_time_of_the_server() -> Outcome {
    let begin = SystemTime::now();
    let handlers = answering(move |head| {
        let session = begin + MINUTE * 3;
        Ok(if head.now() < session {
            RefreshReply::until(session)
        } else {
            RefreshReply::expired()
        })
    });
    let (server, mut anna) = after_a_minute(&handlers).await?;
    assert!(events(&mut anna).is_empty());
    // The end of the session is rounded up to whole seconds.
    server.advance(MINUTE * 2 + Duration::from_secs(1));
    server.refreshed().await;
    assert_eq!(events(&mut anna), [EXPIRED]);
    Ok(())
}

#[tokio::test]
async fn connection_goes_on_for_a_minute_after_a_failure() -> Outcome {
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let handlers =
        answering(
            move |_| match failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(Broken.into()),
                1 => panic!("the handler panics"),
                _ => Ok(RefreshReply::expired()),
            },
        );
    let (server, mut anna) = after_a_minute(&handlers).await?;
    for expected in [&[][..], &[EXPIRED]] {
        assert!(events(&mut anna).is_empty());
        server.advance(Duration::from_secs(58));
        server.refreshed().await;
        assert!(events(&mut anna).is_empty(), "it has another minute");
        server.advance(Duration::from_secs(3));
        server.refreshed().await;
        if !expected.is_empty() {
            assert_eq!(events(&mut anna), expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn info_and_meta_are_replaced() -> Outcome {
    let handlers = answering(|_| {
        let reply = RefreshReply::for_the_next(MINUTE);
        Ok(reply.info(r#"{"second":2}"#).meta(r#"{"second":2}"#))
    });
    let handlers = handlers.rpc(|event| async move { Ok(RpcReply::new(event.meta().clone())) });
    let (server, anna) = after_a_minute(&handlers).await?;
    assert_eq!(text(&anna.rpc("meta", "1").await?), r#"{"second":2}"#);
    anna.subscribe("news").await?;
    let presence = server
        .client()
        .presence(PresenceRequest::new("news"))
        .await?;
    assert_eq!(
        text(&presence.presence[anna.id()].conn_info),
        r#"{"second":2}"#
    );
    Ok(())
}

#[tokio::test]
async fn invalid_base64_ends_the_connection_for_a_moment() -> Outcome {
    let handlers = answering(|_| {
        let reply = RefreshReply::for_the_next(MINUTE);
        Ok(reply.edit(|result| "?".clone_into(&mut result.b64info)))
    });
    let (_server, mut anna) = after_a_minute(&handlers).await?;
    assert_eq!(
        events(&mut anna),
        ["disconnected: 3004 internal server error"]
    );
    Ok(())
}

#[tokio::test]
async fn time_that_passes_by_itself_asks_the_handler_too() -> Outcome {
    let handlers = handlers()
        .connect(|_| async {
            let reply = centrifugo_proxy::ConnectReply::user("anna");
            Ok(reply.expire_in(Duration::from_secs(1)))
        })
        .refresh(|_| async { Ok(RefreshReply::expired()) });
    let server = Server::builder().proxy(&handlers).start()?;
    let mut anna = server.connect_client(ConnectingClient::new()).await?;
    let end = crate::soon("the end", anna.next())
        .await
        .ok_or("no event")?;
    assert_eq!(describe(&end), EXPIRED);
    Ok(())
}

#[tokio::test]
async fn token_does_not_refresh_what_the_proxy_does() -> Outcome {
    let key = Key::hs256("the secret of this test, which is long enough")?;
    let handlers = answering(|_| Ok(RefreshReply::for_the_next(MINUTE)));
    let server = Server::builder().proxy(&handlers).token_key(&key).start()?;
    let claims = ConnectionClaims::new("anna", Expiry::after(MINUTE));
    let client = ConnectingClient::new().token(claims.sign(&key)?);
    let mut anna = server.connect_client(client).await?;
    // The proxy refreshes clients with tokens too, and those of other tests.
    let mut bert = server.connect_with_token(&claims.sign(&key)?)?;
    server.advance(MINUTE + Duration::from_secs(30));
    server.refreshed().await;
    assert_eq!((anna.try_next(), bert.try_next()), (None, None));
    let later = ConnectionClaims::new("anna", Expiry::after(MINUTE * 9)).sign(&key)?;
    assert_eq!(refusal(anna.refresh(&later)).0, 3501);
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 3501 bad request");
    Ok(())
}

#[tokio::test]
async fn call_of_refresh_puts_the_question_off() -> Outcome {
    let asked = Seen::default();
    let seen = asked.clone();
    let handlers = answering(move |_| {
        seen.add("asked");
        Ok(RefreshReply::for_the_next(MINUTE))
    });
    let server = Server::builder().proxy(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    let expires = server.now() + MINUTE * 2;
    let expires = expires.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let request = RefreshRequest::new("anna").expire_at(i64::try_from(expires)?);
    server.client().refresh(request).await?;
    server.advance(MINUTE + Duration::from_secs(30));
    server.refreshed().await;
    assert!(asked.take().is_empty());
    server.advance(MINUTE);
    server.refreshed().await;
    assert_eq!(asked.take().len(), 1);
    let events = std::iter::from_fn(|| anna.try_next()).count();
    assert_eq!(events, 1, "that of the call");
    Ok(())
}
