//! The history of a channel.

use centrifugo_api::{HistoryRemoveRequest, HistoryRequest, HistoryResult, StreamPosition};

use crate::harness::{Env, Failure, Outcome, code, offsets};
use crate::unchecked::assert_bad_request;

behaviours!(everywhere:
    history_is_read_up_to_a_limit,
    history_without_a_limit_returns_only_the_position,
    history_is_read_after_a_position,
    history_is_read_in_reverse,
    history_in_reverse_since_offset_0_is_an_internal_error,
    history_after_a_position_of_another_epoch_is_unrecoverable,
    history_after_a_trimmed_or_future_position_is_what_is_left,
    history_that_is_off_is_not_available,
    history_of_an_unknown_namespace_is_refused,
    history_of_an_unused_channel_is_empty,
    history_remove_keeps_epoch_and_offset,
    history_remove_is_refused_where_history_is,
);
behaviours!(legacy_commands:
    history_after_a_position_of_another_epoch_is_unrecoverable,
    history_after_a_trimmed_or_future_position_is_what_is_left,
    history_in_reverse_since_offset_0_is_an_internal_error,
    history_is_read_after_a_position,
    history_is_read_in_reverse,
    history_is_read_up_to_a_limit,
    history_of_an_unknown_namespace_is_refused,
    history_of_an_unused_channel_is_empty,
    history_remove_is_refused_where_history_is,
    history_remove_keeps_epoch_and_offset,
    history_that_is_off_is_not_available,
    history_without_a_limit_returns_only_the_position,
);

/// Publishes `count` numbers into `plain:a`, and returns their epoch.
async fn publish_numbers(env: &Env, count: u32) -> Result<String, Failure> {
    let mut epoch = String::new();
    for number in 1..=count {
        epoch = env.publish("plain:a", &number.to_string()).await?.epoch;
    }
    Ok(epoch)
}

async fn history(env: &Env, request: HistoryRequest) -> Result<HistoryResult, Failure> {
    Ok(env.client.call(request).await?)
}

fn request() -> HistoryRequest {
    HistoryRequest::new("plain:a").limit(-1)
}

async fn history_is_read_up_to_a_limit(env: &Env) -> Outcome {
    let epoch = publish_numbers(env, 4).await?;
    for (limit, expected) in [
        (2, vec![1, 2]),
        (10, vec![1, 2, 3, 4]),
        (-1, vec![1, 2, 3, 4]),
    ] {
        let result = history(env, request().limit(limit)).await?;
        assert_eq!(offsets(&result.publications), expected, "limit {limit}");
        assert_eq!((result.offset, &result.epoch), (4, &epoch), "limit {limit}");
    }
    let result = history(env, request()).await?;
    let data: Vec<_> = result
        .publications
        .iter()
        .map(|publication| &publication.data[..])
        .collect();
    assert_eq!(data, [b"1", b"2", b"3", b"4"]);
    assert!(
        result
            .publications
            .iter()
            .all(|publication| publication.info.is_none())
    );
    Ok(())
}

async fn history_without_a_limit_returns_only_the_position(env: &Env) -> Outcome {
    let epoch = publish_numbers(env, 3).await?;
    for request in [HistoryRequest::new("plain:a"), request().limit(0)] {
        let result = history(env, request).await?;
        assert_eq!(
            (result.offset, result.epoch, result.publications.len()),
            (3, epoch.clone(), 0)
        );
    }
    Ok(())
}

async fn history_is_read_after_a_position(env: &Env) -> Outcome {
    let epoch = publish_numbers(env, 4).await?;
    for (position, limit, expected) in [
        (StreamPosition::new(2, epoch.as_str()), -1, vec![3, 4]),
        (StreamPosition::new(1, epoch.as_str()), 2, vec![2, 3]),
        (StreamPosition::new(0, epoch.as_str()), -1, vec![1, 2, 3, 4]),
        (StreamPosition::new(4, epoch.as_str()), -1, vec![]),
        (StreamPosition::new(3, ""), -1, vec![4]),
    ] {
        let result = history(env, request().limit(limit).since(position.clone())).await?;
        assert_eq!(offsets(&result.publications), expected, "{position:?}");
    }
    Ok(())
}

async fn history_is_read_in_reverse(env: &Env) -> Outcome {
    let epoch = publish_numbers(env, 4).await?;
    let result = history(env, request().limit(3).reverse(true)).await?;
    assert_eq!(offsets(&result.publications), [4, 3, 2]);
    let result = history(
        env,
        request().reverse(true).since(StreamPosition::new(3, epoch)),
    )
    .await?;
    assert_eq!(offsets(&result.publications), [2, 1]);
    Ok(())
}

async fn history_in_reverse_since_offset_0_is_an_internal_error(env: &Env) -> Outcome {
    let epoch = publish_numbers(env, 1).await?;
    let request = request().reverse(true).since(StreamPosition::new(0, epoch));
    assert_eq!(code(env.client.call(request).await), 100);
    Ok(())
}

async fn history_after_a_position_of_another_epoch_is_unrecoverable(env: &Env) -> Outcome {
    publish_numbers(env, 1).await?;
    let request = request().since(StreamPosition::new(1, "another"));
    assert_eq!(code(env.client.call(request).await), 112);
    Ok(())
}

async fn history_after_a_trimmed_or_future_position_is_what_is_left(env: &Env) -> Outcome {
    // The configured history_size is 100.
    let epoch = publish_numbers(env, 103).await?;
    let trimmed = request()
        .limit(2)
        .since(StreamPosition::new(1, epoch.as_str()));
    assert_eq!(offsets(&history(env, trimmed).await?.publications), [4, 5]);
    let future = request().since(StreamPosition::new(1_000_000, epoch));
    let result = history(env, future).await?;
    assert_eq!((result.offset, result.publications.len()), (103, 0));
    Ok(())
}

async fn history_that_is_off_is_not_available(env: &Env) -> Outcome {
    assert_eq!(
        code(
            env.client
                .call(HistoryRequest::new("nohist:a").limit(1))
                .await
        ),
        108
    );
    Ok(())
}

async fn history_of_an_unknown_namespace_is_refused(env: &Env) -> Outcome {
    assert_eq!(
        code(env.client.call(HistoryRequest::new("invalid:a")).await),
        102
    );
    assert_bad_request(env, HistoryRequest::new(""), "channel").await;
    Ok(())
}

async fn history_of_an_unused_channel_is_empty(env: &Env) -> Outcome {
    let result = history(env, request()).await?;
    assert_eq!((result.offset, result.publications.len()), (0, 0));
    assert!(!result.epoch.is_empty());
    Ok(())
}

async fn history_remove_keeps_epoch_and_offset(env: &Env) -> Outcome {
    let epoch = publish_numbers(env, 2).await?;
    env.client
        .call(HistoryRemoveRequest::new("plain:a"))
        .await?;
    let result = history(env, request()).await?;
    assert_eq!(
        (result.offset, &result.epoch, result.publications.len()),
        (2, &epoch, 0)
    );
    let next = env.publish("plain:a", "3").await?;
    assert_eq!((next.offset, next.epoch), (3, epoch));
    Ok(())
}

async fn history_remove_is_refused_where_history_is(env: &Env) -> Outcome {
    assert_eq!(
        code(env.client.call(HistoryRemoveRequest::new("nohist:a")).await),
        108
    );
    assert_eq!(
        code(
            env.client
                .call(HistoryRemoveRequest::new("invalid:a"))
                .await
        ),
        102
    );
    Ok(())
}
