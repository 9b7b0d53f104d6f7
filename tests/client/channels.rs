//! Channels whose publications have a type.

use centrifugo_api::*;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

#[cfg(all(feature = "blocking", feature = "grpc", feature = "_http"))]
use crate::server::{Backend, Server, Transport};
use crate::{Env, Outcome};

over_each_transport!(
    values_come_back_as_they_were_published,
    request_for_a_value_takes_further_options,
    history_begins_and_ends_where_it_is_asked_to,
    gaps_and_lost_streams_stay_visible,
    publication_of_another_type_has_an_error_that_names_it,
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    text: String,
    at: u64,
}

fn message(at: u64) -> Message {
    Message {
        text: format!("\"{at}\" <ä>"),
        at,
    }
}

async fn publish(channel: &Channel<Message>, count: u64) -> Outcome {
    for at in 1..=count {
        assert_eq!(channel.publish(&message(at)).await?.offset, at);
    }
    Ok(())
}

/// Returns the data of an item, whose offset must be the message's.
#[track_caller]
fn data(item: Item<TypedPublication<Message>>) -> Message {
    let Item::Item(item) = item else {
        panic!("{item:?} is not a publication")
    };
    let message = item.data.expect("the publication is a message");
    assert_eq!(item.publication.offset, message.at);
    message
}

async fn values_come_back_as_they_were_published(env: Env) -> Outcome {
    let channel = env.client.channel::<Message>("plain:a");
    assert_eq!(channel.name(), "plain:a");
    publish(&channel, 5).await?;
    let history = channel.clone().history().with(|request| request.limit(2));
    let all: Vec<Message> = history.items().map_ok(data).try_collect().await?;
    assert_eq!(all, (1..=5).map(message).collect::<Vec<_>>());
    let mut none = env
        .client
        .channel::<Message>("plain:empty")
        .history()
        .items();
    assert!(none.next().await.is_none());
    Ok(())
}

async fn request_for_a_value_takes_further_options(env: Env) -> Outcome {
    let channel = env.client.channel::<Message>("plain:a");
    let once = channel.publication(&message(1))?.idempotency_key("once");
    let first = env.client.publish(once.clone()).await?;
    assert_eq!(env.client.publish(once).await?, first);
    let batch = (
        channel.publication(&message(2))?,
        channel.publication(&message(3))?,
    );
    let (second, third) = env.client.batch(batch).await?;
    assert_eq!([second?.offset, third?.offset], [2, 3]);
    let all: Vec<Message> = channel.history().items().map_ok(data).try_collect().await?;
    assert_eq!(all, (1..=3).map(message).collect::<Vec<_>>());
    Ok(())
}

async fn history_begins_and_ends_where_it_is_asked_to(env: Env) -> Outcome {
    let channel = env.client.channel::<Message>("plain:a");
    publish(&channel, 5).await?;
    let newest_first = channel
        .history()
        .with(|request| request.reverse(true).limit(2));
    let mut items = newest_first.items();
    for at in [5, 4, 3] {
        assert_eq!(items.next().await.transpose()?.map(data), Some(message(at)));
    }
    let request = items.request().clone();
    let rest = channel.history().with(|_| request);
    let rest: Vec<Message> = rest.items().map_ok(data).try_collect().await?;
    assert_eq!(rest, [message(2), message(1)]);
    Ok(())
}

async fn gaps_and_lost_streams_stay_visible(env: Env) -> Outcome {
    let channel = env.client.channel::<Message>("plain:a");
    publish(&channel, 3).await?;
    let mut items = channel.history().with(|request| request.limit(2)).items();
    for at in [1, 2] {
        assert_eq!(items.next().await.transpose()?.map(data), Some(message(at)));
    }
    let remove = HistoryRemoveRequest::new("plain:a");
    env.client.history_remove(remove).await?;
    let gap = items.next().await.transpose()?;
    assert!(
        matches!(gap, Some(Item::Gap { first: 3, last: 3 })),
        "{gap:?}"
    );

    let since = StreamPosition::new(1, "made-up");
    let mut lost = channel
        .history()
        .with(|request| request.since(since))
        .items();
    let Some(Item::Lost(error)) = lost.next().await.transpose()? else {
        panic!("the stream is not lost")
    };
    assert_eq!(error.code, ApiError::UNRECOVERABLE_POSITION);
    assert!(lost.next().await.is_none());
    Ok(())
}

async fn publication_of_another_type_has_an_error_that_names_it(env: Env) -> Outcome {
    let channel = env.client.channel::<Message>("plain:a");
    channel.publish(&message(1)).await?;
    let other = PublishRequest::new("plain:a", r#"{"text":"no time","at":"late"}"#);
    env.client.publish(other).await?;
    channel.publish(&message(3)).await?;
    let mut items = channel.history().items();
    assert_eq!(items.next().await.transpose()?.map(data), Some(message(1)));
    let Some(Item::Item(item)) = items.next().await.transpose()? else {
        panic!("no publication")
    };
    assert_eq!(item.publication.offset, 2);
    assert!(item.publication.data.starts_with(br#"{"text":"no time""#));
    let error = item.data.expect_err("the publication is no message");
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert_eq!(error.method(), Some("history"));
    assert_eq!(
        error.to_string(),
        "history: the publication at offset 2 of plain:a: the payload `{\"text\":\"no time\",\"at\":\"late\"}` does not \
         fit the type asked for at its field `at`"
    );
    assert_eq!(items.next().await.transpose()?.map(data), Some(message(3)));
    assert!(items.next().await.is_none());
    Ok(())
}

#[cfg(all(feature = "blocking", feature = "grpc", feature = "_http"))]
#[test]
fn channels_block() -> Outcome {
    let server = crate::one_thread().block_on(Server::start(Backend::Embedded));
    for (transport, name) in [(Transport::Http, "plain:a"), (Transport::Grpc, "plain:b")] {
        let client = server.client_builder(transport).build_blocking()?;
        let channel = client.channel::<Message>(name);
        assert_eq!(channel.name(), name);
        for at in 1..=5 {
            assert_eq!(channel.publish(&message(at))?.offset, at);
        }
        let history = channel.clone().history().with(|request| request.limit(2));
        let mut items = history.items();
        for at in 1..=3 {
            assert_eq!(items.next().transpose()?.map(data), Some(message(at)));
        }
        let request = items.request().clone();
        let rest = channel.history().with(|_| request).items();
        let rest: Result<Vec<Message>, Error> = rest.map(|item| item.map(data)).collect();
        assert_eq!(rest?, [message(4), message(5)]);
    }
    Ok(())
}
