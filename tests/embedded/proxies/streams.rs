//! Subscriptions whose publications come from a stream of the backend.

use std::pin::pin;

use centrifugo_api_testing::{Event, Namespace, ProxiedConnection, Server, ServerBuilder};
use centrifugo_proxy::{Failed, Handlers, StreamPublication, StreamSubscribeReply};
use futures_util::{StreamExt as _, stream};

use super::{BYE, Broken, LATER, MINUTE, NO, connect, handlers, refusal, text};
use crate::{Outcome, describe, soon};

fn builder(handlers: &Handlers) -> ServerBuilder {
    let feed = || Namespace::new("feed").subscribe_stream_proxy_enabled(true);
    let talk = Namespace::new("talk")
        .subscribe_stream_proxy_enabled(true)
        .subscribe_stream_proxy_bidirectional(true);
    Server::builder()
        .proxy(handlers)
        .namespace(feed())
        .namespace(talk)
}

async fn next(client: &mut ProxiedConnection) -> String {
    let event = soon("an event", client.next()).await;
    event.map_or_else(|| "nothing".to_owned(), |event| describe(&event))
}

#[tokio::test]
async fn publications_arrive_and_the_end_unsubscribes_for_good() -> Outcome {
    let handlers = handlers().subscribe_unidirectional(|event| async move {
        assert_eq!((event.channel(), event.user()), ("feed:1", Some("anna")));
        let publications = ["1", "2"].map(|data| Ok(StreamPublication::new(data)));
        let reply = StreamSubscribeReply::allow().data(r#"{"welcome":1}"#);
        Ok((reply, stream::iter(publications)))
    });
    let server = builder(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    let subscribed = anna.subscribe("feed:1").await?;
    assert_eq!(text(&subscribed.data), r#"{"welcome":1}"#);
    assert!(!subscribed.recoverable && !subscribed.positioned);
    let seen = [
        next(&mut anna).await,
        next(&mut anna).await,
        next(&mut anna).await,
    ];
    assert_eq!(
        seen,
        [
            "feed:1: 0 1",
            "feed:1: 0 2",
            "feed:1: 2000 server unsubscribe"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn failure_of_the_stream_lets_the_client_subscribe_again() -> Outcome {
    let handlers = handlers().subscribe_unidirectional(|_| async {
        let publications = [Ok(StreamPublication::new("1")), Err(Failed::from(Broken))];
        Ok((StreamSubscribeReply::allow(), stream::iter(publications)))
    });
    let server = builder(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    for _ in 0..2 {
        anna.subscribe("feed:1").await?;
        let seen = [next(&mut anna).await, next(&mut anna).await];
        assert_eq!(seen, ["feed:1: 0 1", "feed:1: 2500 insufficient state"]);
    }
    Ok(())
}

#[tokio::test]
async fn publications_reach_one_subscription_alone() -> Outcome {
    let handlers = handlers().subscribe_unidirectional(|event| async move {
        let user = format!(r#""{}""#, event.user().unwrap_or_default());
        let first = stream::iter([Ok(StreamPublication::new(user))]);
        Ok((
            StreamSubscribeReply::allow(),
            first.chain(stream::pending()),
        ))
    });
    let server = builder(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    let mut bert = connect(&server, "bert").await?;
    anna.subscribe("feed:1").await?;
    bert.subscribe("feed:1").await?;
    assert_eq!(next(&mut anna).await, r#"feed:1: 0 "anna""#);
    assert_eq!(next(&mut bert).await, r#"feed:1: 0 "bert""#);
    assert_eq!(anna.try_next(), None);
    Ok(())
}

#[tokio::test]
async fn refusals_open_no_stream() -> Outcome {
    let handlers = handlers().subscribe_unidirectional(|event| async move {
        let publications = stream::pending::<Result<StreamPublication, Failed>>();
        match event.channel() {
            "feed:no" => Err(NO.into()),
            "feed:later" => Err(LATER.into()),
            "feed:bye" => Err(BYE.into()),
            "feed:broken" => Err(Broken.into()),
            _ => Ok((StreamSubscribeReply::allow(), publications)),
        }
    });
    let server = builder(&handlers).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.subscribe("feed:no").await), (403, "no".into()));
    // Centrifugo does not tell that the client may try again.
    let later = anna.subscribe("feed:later").await;
    assert!(matches!(later, Err(centrifugo_api::Error::Api(error)) if !error.temporary));
    assert_eq!(refusal(anna.subscribe("feed:broken").await).0, 100);
    assert_eq!(
        refusal(anna.subscribe("feed:bye").await),
        (4500, "bye".into())
    );
    Ok(())
}

#[tokio::test]
async fn client_that_leaves_drops_the_stream() -> Outcome {
    let (dropped, mut drops) = tokio::sync::mpsc::unbounded_channel();
    let handlers = handlers().subscribe_unidirectional(move |_| {
        let guard = Dropped(dropped.clone());
        async move {
            let publications = stream::pending().map(move |publication| {
                let _ = &guard;
                publication
            });
            Ok((StreamSubscribeReply::allow(), publications))
        }
    });
    let server = builder(&handlers).start()?;
    let anna = connect(&server, "anna").await?;
    anna.subscribe("feed:1").await?;
    anna.unsubscribe("feed:1");
    soon("the drop", drops.recv()).await.ok_or("not dropped")?;
    anna.subscribe("feed:1").await?;
    drop(anna);
    soon("the drop", drops.recv()).await.ok_or("not dropped")?;
    Ok(())
}

struct Dropped(tokio::sync::mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn stream_waits_for_a_test_that_does_not_read() -> Outcome {
    let produced = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&produced);
    let handlers = handlers().subscribe_unidirectional(move |_| {
        let counter = std::sync::Arc::clone(&counter);
        async move {
            let publications = stream::repeat_with(move || {
                let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(StreamPublication::new(number.to_string()))
            });
            Ok((StreamSubscribeReply::allow(), publications))
        }
    });
    let server = builder(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    anna.subscribe("feed:1").await?;
    // The server polls streams in the thread that answers this call.
    server
        .client()
        .info(centrifugo_api::InfoRequest::new())
        .await?;
    let produced = || produced.load(std::sync::atomic::Ordering::Relaxed);
    assert!(produced() <= 1000, "{}", produced());
    for number in 0..5000 {
        let publication = soon("a publication", anna.next_publication()).await;
        assert_eq!(publication.ok_or("the end")?.data, number.to_string());
    }
    Ok(())
}

#[tokio::test]
async fn client_publishes_into_a_bidirectional_stream() -> Outcome {
    let handlers = handlers().subscribe_bidirectional(|_, publications| async move {
        let echo = publications.map(|data| Ok(StreamPublication::new(data)));
        Ok((StreamSubscribeReply::allow(), echo))
    });
    let server = builder(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    let unavailable = (108, "not available".to_owned());
    assert_eq!(refusal(anna.publish("talk:1", "1").await), unavailable);
    anna.subscribe("talk:1").await?;
    anna.publish("talk:1", "1").await?;
    anna.publish("talk:1", "2").await?;
    let seen = [next(&mut anna).await, next(&mut anna).await];
    assert_eq!(seen, ["talk:1: 0 1", "talk:1: 0 2"]);
    assert_eq!(refusal(anna.publish("feed:1", "1").await), unavailable);
    anna.unsubscribe("talk:1");
    assert_eq!(refusal(anna.publish("talk:1", "1").await), unavailable);
    Ok(())
}

#[tokio::test]
async fn stream_that_opens_too_late_is_error_100() -> Outcome {
    let handlers = handlers()
        .timeout(MINUTE)
        .subscribe_unidirectional(|_| async {
            let publications = stream::pending::<Result<StreamPublication, Failed>>();
            let mut never = pin!(std::future::pending::<()>());
            never.as_mut().await;
            Ok((StreamSubscribeReply::allow(), publications))
        });
    let options = centrifugo_api_testing::ProxyOptions::new();
    let options = options.timeout(std::time::Duration::from_millis(20));
    let server = builder(&handlers).proxy_options(options).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.subscribe("feed:1").await).0, 100);
    Ok(())
}

#[tokio::test]
async fn stream_may_end_with_the_subscription_that_others_see() -> Outcome {
    let handlers = handlers().subscribe_unidirectional(|_| async {
        let publications = stream::empty::<Result<StreamPublication, Failed>>();
        let reply = StreamSubscribeReply::allow()
            .join_leave(true)
            .force_push_join_leave(true);
        Ok((reply, publications))
    });
    let server = builder(&handlers).start()?;
    let mut anna = connect(&server, "anna").await?;
    anna.subscribe("feed:1").await?;
    let seen = [next(&mut anna).await, next(&mut anna).await];
    assert_eq!(
        seen,
        ["feed:1: anna joined", "feed:1: 2000 server unsubscribe"]
    );
    assert!(matches!(anna.try_next(), None | Some(Event::Left { .. })));
    Ok(())
}
