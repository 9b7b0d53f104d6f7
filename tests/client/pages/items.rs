//! The items of pages, one by one.

use centrifugo_api::*;
use futures_util::TryStreamExt as _;

#[cfg(all(feature = "blocking", feature = "grpc", feature = "_http"))]
use crate::server::{Backend, Server, Transport};
use crate::{Env, Outcome};

over_each_transport!(
    items_of_all_pages_come_in_order,
    items_go_on_behind_the_one_that_was_read_last,
    gap_between_pages_is_an_item,
    lost_stream_is_the_last_item,
    error_is_the_last_item,
    entries_of_a_map_come_one_by_one,
);

async fn publish(client: &Client, count: u64) -> Outcome {
    let publications = (1..=count).map(|number| PublishRequest::new("plain:a", number.to_string()));
    let batch: Vec<_> = publications.collect();
    client.batch(batch).await?.all_ok()?;
    Ok(())
}

fn offset(item: Item<Publication>) -> u64 {
    match item {
        Item::Item(publication) => publication.offset,
        other => panic!("{other:?} is not a publication"),
    }
}

/// Reads all items that are left.
async fn offsets(items: Items<HistoryRequest>) -> Result<Vec<u64>, Error> {
    items.map_ok(offset).try_collect().await
}

async fn items_of_all_pages_come_in_order(env: Env) -> Outcome {
    publish(&env.client, 7).await?;
    for limit in [1, 3, 7, 8] {
        let request = HistoryRequest::new("plain:a").limit(limit);
        let forwards = env.client.history_pages(request.clone()).items();
        assert_eq!(offsets(forwards).await?, [1, 2, 3, 4, 5, 6, 7]);
        let backwards = env.client.history_pages(request.reverse(true)).items();
        assert_eq!(offsets(backwards).await?, [7, 6, 5, 4, 3, 2, 1]);
    }
    let mut none = env
        .client
        .history_pages(HistoryRequest::new("plain:empty"))
        .items();
    assert!(none.next().await.is_none() && none.next().await.is_none());
    Ok(())
}

async fn items_go_on_behind_the_one_that_was_read_last(env: Env) -> Outcome {
    publish(&env.client, 7).await?;
    let request = HistoryRequest::new("plain:a").limit(3);
    for (request, all) in [
        (request.clone(), [1, 2, 3, 4, 5, 6, 7]),
        (request.reverse(true), [7, 6, 5, 4, 3, 2, 1]),
    ] {
        for count in 0..=all.len() {
            let mut items = env.client.history_pages(request.clone()).items();
            for expected in &all[..count] {
                let item = items.next().await.transpose()?;
                assert_eq!(item.map(offset), Some(*expected));
            }
            let rest = env.client.history_pages(items.request().clone()).items();
            assert_eq!(offsets(rest).await?, all[count..], "after {count}");
            assert_eq!(offsets(items).await?, all[count..]);
        }
    }
    Ok(())
}

async fn gap_between_pages_is_an_item(env: Env) -> Outcome {
    publish(&env.client, 5).await?;
    let request = HistoryRequest::new("plain:a").limit(3);
    let mut items = env.client.history_pages(request).items();
    for expected in 1..=3 {
        assert_eq!(items.next().await.transpose()?.map(offset), Some(expected));
    }
    let remove = HistoryRemoveRequest::new("plain:a");
    env.client.history_remove(remove).await?;
    let gap = Item::Gap { first: 4, last: 5 };
    assert_eq!(items.next().await.transpose()?, Some(gap));
    publish(&env.client, 2).await?;
    // Reading can stop at the gap and go on behind it.
    let rest = env.client.history_pages(items.request().clone()).items();
    assert_eq!(offsets(rest).await?, [6, 7]);
    assert_eq!(offsets(items).await?, [6, 7]);
    Ok(())
}

async fn lost_stream_is_the_last_item(env: Env) -> Outcome {
    publish(&env.client, 2).await?;
    let request = HistoryRequest::new("plain:a").since(StreamPosition::new(1, "made-up"));
    let mut items = env.client.history_pages(request).items();
    let Some(Item::Lost(error)) = items.next().await.transpose()? else {
        panic!("the stream is not lost")
    };
    assert_eq!(error.code, ApiError::UNRECOVERABLE_POSITION);
    assert!(items.next().await.is_none());
    Ok(())
}

async fn error_is_the_last_item(env: Env) -> Outcome {
    let request = HistoryRequest::new("unknown:a");
    let mut items = env.client.history_pages(request).items();
    let failed = items.next().await.transpose();
    let error = failed.expect_err("the channel is unknown");
    assert_eq!(error.api_code(), Some(ApiError::UNKNOWN_CHANNEL));
    assert!(items.next().await.is_none());
    Ok(())
}

async fn entries_of_a_map_come_one_by_one(env: Env) -> Outcome {
    let entries = (1..=5).map(|number: u64| {
        MapPublishRequest::new("map:a", number.to_string()).key(format!("key-{number}"))
    });
    let batch: Vec<_> = entries.collect();
    env.client.batch(batch).await?.all_ok()?;
    let key = |item: Item<MapEntry>| match item {
        Item::Item(entry) => entry.key,
        other => panic!("{other:?} is not an entry"),
    };
    let expected = ["key-1", "key-2", "key-3", "key-4", "key-5"];
    let state = env
        .client
        .map_read_state_pages(MapReadStateRequest::new("map:a").limit(2));
    let mut keys: Vec<String> = state.items().map_ok(key).try_collect().await?;
    keys.sort();
    assert_eq!(keys, expected);
    let request = MapReadStreamRequest::new("map:a").limit(2);
    let mut stream = env.client.map_read_stream_pages(request).items();
    for expected in &expected[..3] {
        let entry = stream.next().await.transpose()?.map(key);
        assert_eq!(entry.as_deref(), Some(*expected));
    }
    let rest = env.client.map_read_stream_pages(stream.request().clone());
    let rest: Vec<String> = rest.items().map_ok(key).try_collect().await?;
    assert_eq!(rest, expected[3..]);
    Ok(())
}

#[cfg(all(feature = "blocking", feature = "grpc", feature = "_http"))]
#[test]
fn items_block() -> Outcome {
    let server = crate::one_thread().block_on(Server::start(Backend::Embedded));
    for (transport, channel) in [(Transport::Http, "plain:a"), (Transport::Grpc, "plain:b")] {
        let client = server.client_builder(transport).build_blocking()?;
        for number in 1..=5 {
            client.publish(PublishRequest::new(channel, number.to_string()))?;
        }
        let request = HistoryRequest::new(channel).limit(2);
        let mut items = client.history_pages(request).items();
        for expected in 1..=3 {
            assert_eq!(items.next().transpose()?.map(offset), Some(expected));
        }
        let rest = client.history_pages(items.request().clone()).items();
        let rest: Result<Vec<u64>, Error> = rest.map(|item| item.map(offset)).collect();
        assert_eq!(rest?, [4, 5]);
        let all: Result<Vec<u64>, Error> = items.map(|item| item.map(offset)).collect();
        assert_eq!(all?, [4, 5]);
    }
    Ok(())
}
