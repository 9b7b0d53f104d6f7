//! Pages of a channel's history.

use centrifugo_api::*;
use futures_util::TryStreamExt as _;

use super::{assert_lost, assert_page, read, until_up};
#[cfg(feature = "blocking")]
use crate::server::{Backend, Server, Transport, Version};
use crate::{Env, Outcome};

over_each_transport!(
    pages_go_forwards,
    pages_go_backwards,
    pages_start_after_a_position,
    page_of_an_empty_channel_is_empty,
    pages_of_a_trimmed_channel_have_what_is_left,
    missing_limit_is_100_and_negative_limit_reads_all,
    position_of_another_epoch_is_lost_once,
    channel_lost_between_pages_is_reported_once,
    channel_that_is_gone_between_pages_is_lost,
    publications_trimmed_between_pages_are_a_gap,
    history_removed_between_pages_is_a_gap,
    pages_carry_the_position_and_the_epoch,
    errors_end_the_pages,
    pages_are_a_stream,
    pages_are_json,
);

async fn publish(client: &Client, channel: &str, count: u64) -> Result<(), Error> {
    let results = client
        .batch(
            (1..=count)
                .map(|number: u64| PublishRequest::new(channel, number.to_string()))
                .collect::<Vec<_>>(),
        )
        .await?;
    Ok(results
        .into_iter()
        .try_for_each(|result| result.map(drop))?)
}

fn offsets(result: HistoryResult) -> Vec<u64> {
    result
        .publications
        .iter()
        .map(|publication| publication.offset)
        .collect()
}

async fn pages_go_forwards(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let pages = |limit: i32| {
        read(
            env.client
                .history_pages(HistoryRequest::new("plain:a").limit(limit)),
            offsets,
        )
    };
    assert_eq!(pages(3).await?, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
    assert_eq!(pages(4).await?, [vec![1, 2, 3, 4], vec![5, 6, 7]]);
    assert_eq!(pages(8).await?, [[1, 2, 3, 4, 5, 6, 7]]);
    assert_eq!(pages(1).await?.concat(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(pages(7).await?.concat(), [1, 2, 3, 4, 5, 6, 7]);
    Ok(())
}

async fn pages_go_backwards(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let request = HistoryRequest::new("plain:a").reverse(true);
    let pages = |limit: i32| {
        read(
            env.client.history_pages(request.clone().limit(limit)),
            offsets,
        )
    };
    assert_eq!(pages(3).await?, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
    assert_eq!(pages(7).await?, [[7, 6, 5, 4, 3, 2, 1]]);
    assert_eq!(pages(8).await?, [[7, 6, 5, 4, 3, 2, 1]]);
    assert_eq!(pages(1).await?, [[7], [6], [5], [4], [3], [2], [1]]);
    Ok(())
}

async fn pages_start_after_a_position(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let epoch = env
        .client
        .history(HistoryRequest::new("plain:a"))
        .await?
        .epoch;
    for epoch in [epoch.as_str(), ""] {
        let request = |offset| {
            HistoryRequest::new("plain:a")
                .limit(2)
                .since(StreamPosition::new(offset, epoch))
        };
        let forwards = env.client.history_pages(request(4));
        assert_eq!(read(forwards, offsets).await?, [vec![5, 6], vec![7]]);
        let backwards = env.client.history_pages(request(4).reverse(true));
        assert_eq!(read(backwards, offsets).await?, [vec![3, 2], vec![1]]);
        assert_eq!(
            read(env.client.history_pages(request(7)), offsets).await?,
            [[0; 0]]
        );
        assert_eq!(
            read(env.client.history_pages(request(100)), offsets).await?,
            [[0; 0]]
        );
    }
    Ok(())
}

async fn page_of_an_empty_channel_is_empty(env: Env) -> Outcome {
    for request in [
        HistoryRequest::new("plain:a"),
        HistoryRequest::new("plain:a").limit(3).reverse(true),
    ] {
        assert_eq!(
            read(env.client.history_pages(request), offsets).await?,
            [[0; 0]]
        );
    }
    Ok(())
}

/// The namespace keeps 100 publications.
async fn pages_of_a_trimmed_channel_have_what_is_left(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 130).await?;
    let request = HistoryRequest::new("plain:a").limit(30);
    let forwards = read(env.client.history_pages(request.clone()), offsets).await?;
    assert_eq!(
        forwards.iter().map(Vec::len).collect::<Vec<_>>(),
        [30, 30, 30, 10]
    );
    assert!(forwards.concat().into_iter().eq(31..=130));
    let backwards = read(env.client.history_pages(request.reverse(true)), offsets).await?;
    assert!(backwards.concat().into_iter().eq((31..=130).rev()));
    let trimmed = HistoryRequest::new("plain:a")
        .limit(30)
        .since(StreamPosition::new(3, ""));
    let mut pages = env.client.history_pages(trimmed);
    assert_eq!(pages.next().await.transpose()?, Some(gap(4, 30)));
    assert!(
        read(pages, offsets)
            .await?
            .concat()
            .into_iter()
            .eq(31..=130)
    );
    Ok(())
}

fn gap(first: u64, last: u64) -> Page<HistoryResult> {
    Page::Gap { first, last }
}

/// The namespace keeps 100 publications.
async fn publications_trimmed_between_pages_are_a_gap(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 100).await?;
    let request = HistoryRequest::new("plain:a").limit(30);
    let mut pages = env.client.history_pages(request.clone());
    let mut reversed = env.client.history_pages(request.reverse(true));
    assert_page(&mut pages).await;
    assert_page(&mut reversed).await;
    publish(&env.client, "plain:a", 85).await?;
    let page = pages.next().await.transpose()?;
    assert_eq!(page, Some(gap(31, 85)));
    // Reading can stop at the gap and go on behind it.
    let rest = env.client.history_pages(pages.request().clone());
    assert!(read(rest, offsets).await?.concat().into_iter().eq(86..=185));
    assert!(
        read(pages, offsets)
            .await?
            .concat()
            .into_iter()
            .eq(86..=185)
    );
    // In reverse, the oldest publications are the last ones: nothing is missing in between.
    assert_eq!(read(reversed, offsets).await?, [[0; 0]]);
    Ok(())
}

async fn history_removed_between_pages_is_a_gap(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let request = HistoryRequest::new("plain:a").limit(3);
    let mut pages = env.client.history_pages(request);
    assert_page(&mut pages).await;
    let remove = HistoryRemoveRequest::new("plain:a");
    env.client.history_remove(remove).await?;
    assert_eq!(pages.next().await.transpose()?, Some(gap(4, 7)));
    assert_eq!(read(pages, offsets).await?, [[0; 0]]);
    Ok(())
}

async fn missing_limit_is_100_and_negative_limit_reads_all(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 99).await?;
    for request in [
        HistoryRequest::new("plain:a"),
        HistoryRequest::new("plain:a").limit(-1),
    ] {
        let pages = read(env.client.history_pages(request), offsets).await?;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [99]);
    }
    Ok(())
}

async fn pages_are_json(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 1).await?;
    let mut pages = env.client.history_pages(HistoryRequest::new("plain:a"));
    let page = pages.next().await.ok_or("no page")??;
    let json = serde_json::to_value(&page)?;
    assert_eq!(json["Page"]["publications"][0]["data"], 1, "{json}");
    assert_eq!(json["Page"]["offset"], 1, "{json}");

    let lost = HistoryRequest::new("plain:a").since(StreamPosition::new(1, "made-up"));
    let mut pages = env.client.history_pages(lost);
    let page = pages.next().await.ok_or("no page")??;
    let json = serde_json::to_value(&page)?;
    assert_eq!(json["Lost"]["code"], 112, "{json}");
    assert_eq!(json["Lost"]["channel"], "plain:a", "{json}");

    let json = serde_json::to_value(gap(4, 30))?;
    assert_eq!(json, serde_json::json!({"Gap": {"first": 4, "last": 30}}));
    Ok(())
}

async fn position_of_another_epoch_is_lost_once(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let request = HistoryRequest::new("plain:a").since(StreamPosition::new(2, "made-up"));
    for request in [request.clone(), request.reverse(true)] {
        let mut pages = env.client.history_pages(request);
        assert_lost(&mut pages).await;
    }
    Ok(())
}

async fn channel_lost_between_pages_is_reported_once(mut env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let mut pages = env
        .client
        .history_pages(HistoryRequest::new("plain:a").limit(3));
    assert!(
        matches!(pages.next().await, Some(Ok(Page::Page(page))) if offsets(page.clone()) == [1, 2, 3])
    );
    // A server that keeps everything in memory loses it.
    env.server.restart().await;
    while publish(&env.client, "plain:a", 7)
        .await
        .is_err_and(|error| error.is_network())
    {}
    assert_lost(&mut pages).await;
    Ok(())
}

async fn channel_that_is_gone_between_pages_is_lost(mut env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let request = HistoryRequest::new("plain:a").limit(3);
    let mut pages = env.client.history_pages(request);
    assert_page(&mut pages).await;
    env.server.restart().await;
    until_up(&env.client).await;
    assert_lost(&mut pages).await;
    Ok(())
}

async fn pages_carry_the_position_and_the_epoch(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 3).await?;
    let top = env.client.history(HistoryRequest::new("plain:a")).await?;
    let mut pages = env
        .client
        .history_pages(HistoryRequest::new("plain:a").limit(2));
    let Some(Ok(Page::Page(first))) = pages.next().await else {
        return Err("no page".into());
    };
    assert_eq!((first.offset, &first.epoch), (3, &top.epoch));
    publish(&env.client, "plain:a", 1).await?;
    let Some(Ok(Page::Page(second))) = pages.next().await else {
        return Err("no page".into());
    };
    assert_eq!((second.offset, &second.epoch), (4, &top.epoch));
    assert_eq!((offsets(first), offsets(second)), (vec![1, 2], vec![3, 4]));
    Ok(())
}

async fn errors_end_the_pages(mut env: Env) -> Outcome {
    for (channel, code) in [("nohist:a", 108), ("unknown:a", 102)] {
        let mut pages = env.client.history_pages(HistoryRequest::new(channel));
        assert!(matches!(pages.next().await, Some(Err(error)) if error.api_code() == Some(code)));
        assert!(pages.next().await.is_none());
    }
    publish(&env.client, "plain:a", 7).await?;
    let mut pages = env
        .client
        .history_pages(HistoryRequest::new("plain:a").limit(3));
    assert_page(&mut pages).await;
    env.server.kill();
    assert!(matches!(pages.next().await, Some(Err(error)) if error.is_network()));
    assert!(pages.next().await.is_none());
    Ok(())
}

async fn pages_are_a_stream(env: Env) -> Outcome {
    publish(&env.client, "plain:a", 7).await?;
    let pages = env
        .client
        .history_pages(HistoryRequest::new("plain:a").limit(3));
    let pages: Vec<Page<HistoryResult>> = pages.try_collect().await?;
    let sizes = pages.iter().map(|page| match page {
        Page::Page(page) => page.publications.len(),
        _ => panic!("lost"),
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [3, 3, 1]);

    let pages = env.client.history_pages(HistoryRequest::new("unknown:a"));
    let error = pages
        .try_collect::<Vec<_>>()
        .await
        .expect_err("the channel is unknown");
    assert_eq!(error.api_code(), Some(102));
    Ok(())
}

#[cfg(feature = "blocking")]
#[tokio::test]
async fn pages_are_an_iterator_of_a_blocking_client_embedded() -> Outcome {
    pages_are_an_iterator_of_a_blocking_client(Backend::Embedded).await
}

#[cfg(feature = "blocking")]
#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn pages_are_an_iterator_of_a_blocking_client_6_9_1() -> Outcome {
    pages_are_an_iterator_of_a_blocking_client(Backend::Real(Version::V6)).await
}

#[cfg(feature = "blocking")]
async fn pages_are_an_iterator_of_a_blocking_client(backend: Backend) -> Outcome {
    let transport = if cfg!(feature = "_http") {
        Transport::Http
    } else {
        Transport::Grpc
    };
    let server = Server::start(backend).await;
    let client = server.client_builder(transport).build_blocking()?;
    for number in 1..=7 {
        client.publish(PublishRequest::new("plain:a", number.to_string()))?;
    }
    let pages = client.history_pages(HistoryRequest::new("plain:a").limit(3).reverse(true));
    let pages: Vec<Page<HistoryResult>> = pages.collect::<Result<_, _>>()?;
    let pages = pages.into_iter().map(|page| match page {
        Page::Page(page) => offsets(page),
        _ => panic!("lost"),
    });
    assert_eq!(
        pages.collect::<Vec<_>>(),
        [vec![7, 6, 5], vec![4, 3, 2], vec![1]]
    );

    let mut pages = client
        .history_pages(HistoryRequest::new("plain:a").since(StreamPosition::new(1, "made-up")));
    assert!(matches!(pages.next(), Some(Ok(Page::Lost(_)))));
    assert!(pages.next().is_none());
    let mut pages = client.history_pages(HistoryRequest::new("plain:a").limit(3));
    assert!(matches!(pages.next(), Some(Ok(Page::Page(_)))));
    client.history_remove(HistoryRemoveRequest::new("plain:a"))?;
    assert_eq!(pages.next().transpose()?, Some(gap(4, 7)));
    assert!(matches!(pages.next(), Some(Ok(Page::Page(page))) if offsets(page.clone()).is_empty()));
    assert!(pages.next().is_none());
    let mut pages = client.history_pages(HistoryRequest::new("nohist:a"));
    assert!(matches!(pages.next(), Some(Err(error)) if error.api_code() == Some(108)));
    assert!(pages.next().is_none());
    Ok(())
}
