//! Pages of a map's state and stream.

use std::collections::BTreeSet;

use centrifugo_api::*;

use super::{assert_lost, assert_page, read, until_up};
use crate::{Env, Outcome};

over_each_transport!(
    state_comes_in_pages,
    state_of_one_key_is_one_page,
    state_of_an_empty_map_is_an_empty_page,
    stream_comes_in_pages,
    stream_of_another_epoch_is_lost_once,
    state_of_another_life_is_lost_once,
    stream_of_another_life_is_lost_once,
);

async fn fill(client: &Client, count: usize) -> Outcome {
    let results = client
        .batch(
            (1..=count)
                .map(|number: usize| {
                    MapPublishRequest::new("map:a", number.to_string()).key(format!("key-{number}"))
                })
                .collect::<Vec<_>>(),
        )
        .await?;
    Ok(results
        .into_iter()
        .try_for_each(|result| result.map(drop))?)
}

fn keys(result: MapReadStateResult) -> Vec<String> {
    result.entries.into_iter().map(|entry| entry.key).collect()
}

fn offsets(result: MapReadStreamResult) -> Vec<u64> {
    result.entries.iter().map(|entry| entry.offset).collect()
}

async fn state_comes_in_pages(env: Env) -> Outcome {
    fill(&env.client, 7).await?;
    let expected: BTreeSet<_> = (1..=7).map(|number| format!("key-{number}")).collect();
    for (limit, sizes) in [
        (3, &[3, 3, 1][..]),
        (7, &[7]),
        (8, &[7]),
        (-1, &[7]),
        (0, &[7]),
        (1, &[1; 7]),
    ] {
        let pages = env
            .client
            .map_read_state_pages(MapReadStateRequest::new("map:a").limit(limit));
        let pages = read(pages, keys).await?;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(
            pages.concat().into_iter().collect::<BTreeSet<_>>(),
            expected
        );
    }
    Ok(())
}

async fn state_of_one_key_is_one_page(env: Env) -> Outcome {
    fill(&env.client, 7).await?;
    let pages = env
        .client
        .map_read_state_pages(MapReadStateRequest::new("map:a").key("key-3").limit(1));
    assert_eq!(read(pages, keys).await?, [["key-3"]]);
    Ok(())
}

async fn state_of_an_empty_map_is_an_empty_page(env: Env) -> Outcome {
    let pages = env
        .client
        .map_read_state_pages(MapReadStateRequest::new("map:a").limit(2));
    assert_eq!(read(pages, keys).await?, [Vec::<String>::new()]);
    let pages = env
        .client
        .map_read_stream_pages(MapReadStreamRequest::new("map:a").limit(2));
    assert_eq!(read(pages, offsets).await?, [[0; 0]]);
    Ok(())
}

async fn stream_comes_in_pages(env: Env) -> Outcome {
    fill(&env.client, 7).await?;
    let request = MapReadStreamRequest::new("map:a").limit(3);
    let forwards = env.client.map_read_stream_pages(request.clone());
    assert_eq!(
        read(forwards, offsets).await?,
        [vec![1, 2, 3], vec![4, 5, 6], vec![7]]
    );
    let backwards = env
        .client
        .map_read_stream_pages(request.clone().reverse(true));
    assert_eq!(
        read(backwards, offsets).await?,
        [vec![7, 6, 5], vec![4, 3, 2], vec![1]]
    );

    let epoch = env.client.map_read_stream(request.clone()).await?.epoch;
    let behind = request.since_offset(5u64).since_epoch(epoch);
    assert_eq!(
        read(env.client.map_read_stream_pages(behind.clone()), offsets).await?,
        [[6, 7]]
    );
    let backwards = env.client.map_read_stream_pages(behind.reverse(true));
    assert_eq!(read(backwards, offsets).await?, [vec![4, 3, 2], vec![1]]);
    Ok(())
}

async fn stream_of_another_epoch_is_lost_once(env: Env) -> Outcome {
    fill(&env.client, 7).await?;
    let request = MapReadStreamRequest::new("map:a")
        .limit(3)
        .since_offset(5u64)
        .since_epoch("made-up");
    let mut pages = env.client.map_read_stream_pages(request);
    assert_lost(&mut pages).await;
    Ok(())
}

/// Reads pages of a map before and after a restart, with the map empty or filled again.
async fn map_of_another_life_is_lost_once<R: Paged + 'static>(
    mut env: Env,
    pages: impl Fn(&Client) -> Pages<R>,
) -> Outcome {
    for refills in [0, 7] {
        fill(&env.client, 7).await?;
        let mut pages = pages(&env.client);
        assert_page(&mut pages).await;
        // A server that keeps everything in memory loses it.
        env.server.restart().await;
        until_up(&env.client).await;
        fill(&env.client, refills).await?;
        assert_lost(&mut pages).await;
    }
    Ok(())
}

async fn state_of_another_life_is_lost_once(env: Env) -> Outcome {
    let request = MapReadStateRequest::new("map:a").limit(3);
    let pages = |client: &Client| client.map_read_state_pages(request.clone());
    map_of_another_life_is_lost_once(env, pages).await
}

async fn stream_of_another_life_is_lost_once(env: Env) -> Outcome {
    let request = MapReadStreamRequest::new("map:a").limit(3);
    let pages = |client: &Client| client.map_read_stream_pages(request.clone());
    map_of_another_life_is_lost_once(env, pages).await
}
