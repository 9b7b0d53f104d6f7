//! Clients that publish: what each answer of the publish handler does, and what needs none.

use centrifugo_api::{Error, binary};
use centrifugo_api_testing::{
    DataFormat, Event, Namespace, ProxiedConnection, Server, ServerBuilder,
};
use centrifugo_proxy::{Handlers, PublishReply, Reject};

use super::{BYE, Broken, MINUTE, NO, connect, handlers, misconfigured, refusal, text};
use crate::{Outcome, describe, published};

fn answering<F>(answer: F) -> Handlers
where
    F: Fn() -> Result<PublishReply, Reject> + Send + Sync + 'static,
{
    let answer = std::sync::Arc::new(answer);
    handlers().publish(move |_| {
        let answer = std::sync::Arc::clone(&answer);
        async move { answer() }
    })
}

fn builder(handlers: &Handlers) -> ServerBuilder {
    let chat = Namespace::new("chat")
        .history_size(10)
        .history_ttl(MINUTE)
        .allow_subscribe_for_client(true)
        .publish_proxy_enabled(true);
    Server::builder().proxy(handlers).namespace(chat)
}

async fn subscribed(server: &Server) -> Result<ProxiedConnection, Error> {
    let anna = connect(server, "anna").await?;
    anna.subscribe("chat:1").await?;
    Ok(anna)
}

fn publications(client: &mut ProxiedConnection) -> Vec<centrifugo_api::Publication> {
    let mut publications = Vec::new();
    while let Some(event) = client.try_next() {
        if let Event::Publication { publication, .. } = event {
            publications.push(publication);
        }
    }
    publications
}

#[tokio::test]
async fn reply_replaces_data_and_adds_tags() -> Outcome {
    let handlers = answering(|| {
        let reply = PublishReply::allow().data(r#"{"changed":1}"#);
        Ok(reply.tags([("k", "v")]))
    });
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server).await?;
    anna.publish("chat:1", r#"{"in":1}"#).await?;
    let got = publications(&mut anna);
    assert_eq!(
        (got.len(), text(&got[0].data)),
        (1, r#"{"changed":1}"#.to_owned())
    );
    assert_eq!((got[0].offset, got[0].tags["k"].as_str()), (1, "v"));
    let publisher = got[0]
        .info
        .as_ref()
        .map(|info| (&*info.user, &*info.client));
    assert_eq!(publisher, Some(("anna", anna.id())));
    Ok(())
}

#[tokio::test]
async fn client_that_is_not_subscribed_may_publish() -> Outcome {
    let server = builder(&answering(|| Ok(PublishReply::allow()))).start()?;
    let anna = connect(&server, "anna").await?;
    anna.publish("chat:1", "1").await?;
    assert_eq!(published(&server.client(), "chat:1").await?, ["1"]);
    Ok(())
}

#[tokio::test]
async fn skip_history_keeps_publication_out_of_the_history() -> Outcome {
    let handlers = answering(|| Ok(PublishReply::allow().skip_history(true)));
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server).await?;
    anna.publish("chat:1", "1").await?;
    let got = publications(&mut anna);
    assert_eq!((got.len(), got[0].offset), (1, 0));
    assert!(published(&server.client(), "chat:1").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn repeated_keys_and_versions_are_dropped() -> Outcome {
    let by_key = || Ok(PublishReply::allow().idempotency_key("key"));
    let by_version = || Ok(PublishReply::allow().version(3).version_epoch("epoch"));
    for handlers in [answering(by_key), answering(by_version)] {
        let server = builder(&handlers).start()?;
        let mut anna = subscribed(&server).await?;
        anna.publish("chat:1", "1").await?;
        anna.publish("chat:1", "2").await?;
        assert_eq!(publications(&mut anna).len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn refusals_and_failures_reach_the_client() -> Outcome {
    let server = builder(&answering(|| Err(NO.into()))).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.publish("chat:1", "1").await),
        (403, "no".into())
    );
    let server = builder(&answering(|| Err(Broken.into()))).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.publish("chat:1", "1").await).0, 100);
    assert!(published(&server.client(), "chat:1").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn disconnect_ends_the_connection() -> Outcome {
    let server = builder(&answering(|| Err(BYE.into()))).start()?;
    let mut anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.publish("chat:1", "1").await),
        (4500, "bye".into())
    );
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 4500 bye");
    Ok(())
}

#[tokio::test]
async fn mistakes_of_client_are_found_before_the_handler_is_asked() -> Outcome {
    let handlers = answering(|| panic!("the handler is not asked"));
    let objects = Namespace::new("objects")
        .data_format(DataFormat::JsonObject)
        .publish_proxy_enabled(true);
    let server = builder(&handlers)
        .namespace(Namespace::new("closed"))
        .namespace(objects)
        .start()?;
    let mut anna = connect(&server, "anna").await?;
    for (channel, code) in [("closed:1", 103), ("unknown:1", 102), ("objects:1", 107)] {
        let outcome = anna.publish(channel, "1").await;
        assert_eq!(refusal(outcome).0, code, "{channel}");
    }
    // A client with JSON cannot send other bytes.
    assert_eq!(
        refusal(anna.publish("chat:1", binary("\u{1}")).await).0,
        3501
    );
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 3501 bad request");
    Ok(())
}

#[tokio::test]
async fn permissions_decide_without_proxy() -> Outcome {
    let subscribers = Namespace::new("subscribers")
        .allow_subscribe_for_client(true)
        .allow_publish_for_subscriber(true);
    let server = Server::builder()
        .proxy(&handlers())
        .namespace(subscribers)
        .namespace(Namespace::new("users").allow_publish_for_client(true))
        .start()?;
    let anna = connect(&server, "anna").await?;
    let nobody = connect(&server, "").await?;
    assert_eq!(refusal(anna.publish("subscribers:1", "1").await).0, 103);
    anna.subscribe("subscribers:1").await?;
    anna.publish("subscribers:1", "1").await?;
    anna.publish("users:1", "1").await?;
    assert_eq!(refusal(nobody.publish("users:1", "1").await).0, 103);
    Ok(())
}

#[tokio::test]
async fn missing_handler_is_named() -> Outcome {
    let server = builder(&handlers()).start()?;
    let anna = connect(&server, "anna").await?;
    let problem = misconfigured(anna.publish("chat:1", "1").await);
    assert!(problem.contains("`publish`"), "{problem}");
    Ok(())
}
