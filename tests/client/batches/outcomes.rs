//! The outcome of each channel of a broadcast.

use centrifugo_api::*;

use crate::{Env, Outcome, code, failure};

over_each_transport!(
    outcomes_come_in_the_order_of_the_channels,
    duplicated_channels_keep_their_positions,
    failed_names_the_channels,
    all_ok_makes_one_error_of_the_failures,
    broadcast_within_a_batch_keeps_its_channels,
    broadcast_refused_whole_is_an_error,
    outcomes_of_a_batch_make_one_error_of_the_failures,
    outcomes_of_a_batch_are_json,
);

/// Returns the offset of each channel, or the code of its error.
fn summary(result: &BroadcastResult) -> Vec<Result<u64, u32>> {
    result
        .outcomes()
        .map(|outcome| {
            outcome
                .map(|result| result.offset)
                .map_err(|error| error.code)
        })
        .collect()
}

/// Returns a broadcast that the server refuses as a whole.
fn refused_whole() -> BroadcastRequest {
    BroadcastRequest::new(["plain:a"], "").b64data("not base64")
}

async fn outcomes_come_in_the_order_of_the_channels(Env { client, .. }: Env) -> Outcome {
    let result = client
        .broadcast(BroadcastRequest::new(["invalid:1", "2"], "1"))
        .await?;
    assert_eq!(result.channels(), ["invalid:1", "2"]);
    assert_eq!(
        (result.outcomes().len(), summary(&result)),
        (2, vec![Err(102), Ok(0)])
    );
    let outcomes: Vec<Result<PublishResult, ApiError>> = result.into_outcomes();
    let [unknown, published] = outcomes.try_into().map_err(|_| "not two outcomes")?;
    assert_eq!((code(unknown), published?.epoch.as_str()), (102, ""));

    let channels: Vec<_> = (0..100)
        .map(|n| {
            if n % 3 == 0 {
                format!("plain:{n}")
            } else {
                format!("u{n}:a")
            }
        })
        .collect();
    let result = client
        .broadcast(BroadcastRequest::new(&channels, "1"))
        .await?;
    assert_eq!(result.channels(), channels);
    assert!(
        summary(&result)
            .into_iter()
            .eq((0..100).map(|n| if n % 3 == 0 { Ok(1) } else { Err(102) }))
    );
    Ok(())
}

async fn duplicated_channels_keep_their_positions(Env { client, .. }: Env) -> Outcome {
    let channels = ["plain:a", "unknown:a", "plain:a", "unknown:a", "plain:b"];
    let result = client
        .broadcast(BroadcastRequest::new(channels, "1"))
        .await?;
    assert_eq!(result.channels(), channels);
    assert_eq!(
        result
            .failed()
            .map(|(channel, _)| channel)
            .collect::<Vec<_>>(),
        ["unknown:a", "unknown:a"]
    );
    // Centrifugo publishes to the channels concurrently, so either of the two may be first.
    let mut outcomes = summary(&result);
    let first = if outcomes[0] == Ok(1) { 0 } else { 2 };
    outcomes.swap(0, first);
    assert_eq!(outcomes, [Ok(1), Err(102), Ok(2), Err(102), Ok(1)]);
    Ok(())
}

async fn failed_names_the_channels(Env { client, .. }: Env) -> Outcome {
    let result = client
        .broadcast(BroadcastRequest::new(
            ["plain:a", "", "unknown:a", "plain:b"],
            "1",
        ))
        .await?;
    let failed: Vec<_> = result
        .failed()
        .map(|(channel, error)| (channel, error.code))
        .collect();
    assert_eq!(failed, [("", 107), ("unknown:a", 102)]);
    let result = client
        .broadcast(BroadcastRequest::new(["plain:a"], "1"))
        .await?;
    assert_eq!(result.failed().count(), 0);
    Ok(())
}

async fn all_ok_makes_one_error_of_the_failures(Env { client, .. }: Env) -> Outcome {
    let result = client
        .broadcast(BroadcastRequest::new(["plain:a", "plain:b"], "1"))
        .await?;
    let results: Vec<PublishResult> = result.all_ok()?;
    assert_eq!(
        results
            .iter()
            .map(|result| result.offset)
            .collect::<Vec<_>>(),
        [1, 1]
    );

    let result = client
        .broadcast(BroadcastRequest::new(
            ["plain:a", "unknown:a", "", "unknown:a"],
            "1",
        ))
        .await?;
    let error = failure(result.all_ok());
    assert_eq!(
        (error.api_code(), error.is_retryable(), error.is_unsent()),
        (None, false, false)
    );
    let message = error.to_string();
    assert!(
        message.starts_with(
            "broadcast: 3 of 4 parts failed: `unknown:a`: Centrifugo returned error 102"
        ),
        "{message}"
    );
    let Error::Partial {
        method, failed, of, ..
    } = error
    else {
        panic!("{error:?}")
    };
    let failed: Vec<_> = failed
        .iter()
        .map(|(channel, error)| (channel.as_str(), error.code))
        .collect();
    assert_eq!((method, of), ("broadcast", 4));
    assert_eq!(failed, [("unknown:a", 102), ("", 107), ("unknown:a", 102)]);

    let channels = (0..7).map(|number| format!("unknown:{number}"));
    let message = failure(
        client
            .broadcast(BroadcastRequest::new(channels, "1"))
            .await?
            .all_ok(),
    )
    .to_string();
    assert!(
        message.contains("`unknown:4`") && !message.contains("`unknown:5`"),
        "{message}"
    );
    assert!(message.ends_with("; and 2 more"), "{message}");
    Ok(())
}

async fn broadcast_within_a_batch_keeps_its_channels(Env { client, .. }: Env) -> Outcome {
    let broadcasts = (
        BroadcastRequest::new(["plain:a", "unknown:a", "plain:b"], "1"),
        BroadcastRequest::new(["unknown:b"], "2"),
        refused_whole(),
    );
    let (first, second, third) = client.batch(broadcasts.clone()).await?;
    let first = first?;
    let second = second?;
    assert_eq!(first.channels(), ["plain:a", "unknown:a", "plain:b"]);
    assert_eq!(
        (summary(&first), summary(&second)),
        (vec![Ok(1), Err(102), Ok(1)], vec![Err(102)])
    );
    assert_eq!(
        second
            .failed()
            .map(|(channel, _)| channel)
            .collect::<Vec<_>>(),
        ["unknown:b"]
    );
    assert!(matches!(second.all_ok(), Err(Error::Partial { of: 1, .. })));
    assert_eq!(code(third), 107);

    let results = client
        .batch(Parallel(vec![broadcasts.0, broadcasts.1]))
        .await?;
    let results: Vec<BroadcastResult> = results.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(
        results.iter().map(summary).collect::<Vec<_>>(),
        [vec![Ok(2), Err(102), Ok(2)], vec![Err(102)]]
    );
    Ok(())
}

async fn broadcast_refused_whole_is_an_error(Env { client, .. }: Env) -> Outcome {
    let error = failure(client.broadcast(refused_whole()).await);
    assert!(
        matches!(&error, Error::Api(error) if error.code == ApiError::BAD_REQUEST),
        "{error:?}"
    );
    Ok(())
}

/// Returns the outcomes of two publications, the second of which fails.
async fn one_of_two(client: &Client) -> Result<Outcomes<PublishResult>, Error> {
    let publish = |channel: &str| PublishRequest::new(channel, "1");
    client
        .batch(vec![publish("nohist:a"), publish("unknown:a")])
        .await
}

async fn outcomes_of_a_batch_make_one_error_of_the_failures(Env { client, .. }: Env) -> Outcome {
    let outcomes = one_of_two(&client).await?;
    let failed: Vec<_> = outcomes
        .failed()
        .map(|(position, error)| (position, error.code, error.method(), error.channel()))
        .collect();
    assert_eq!(failed, [(1, 102, Some("publish"), Some("unknown:a"))]);
    let error = failure(outcomes.all_ok());
    assert_eq!(
        error.to_string(),
        "batch: 1 of 2 parts failed: `commands[1]`: publish: Centrifugo returned error 102: \
         unknown channel (the namespace of channel `unknown:a` is not configured)"
    );
    let Error::Partial {
        method, failed, of, ..
    } = error
    else {
        panic!("{error:?}")
    };
    let failed: Vec<_> = failed
        .iter()
        .map(|(name, error)| (name.as_str(), error.code))
        .collect();
    assert_eq!((method, of), ("batch", 2));
    assert_eq!(failed, [("commands[1]", 102)]);

    let history = vec![HistoryRequest::new("plain:a"); 3];
    let results: Vec<HistoryResult> = client.batch(history).await?.all_ok()?;
    assert_eq!(results.len(), 3);
    Ok(())
}

async fn outcomes_of_a_batch_are_json(Env { client, .. }: Env) -> Outcome {
    let error = serde_json::json!({
        "code": 102, "message": "unknown channel", "temporary": false,
        "method": "publish", "channel": "unknown:a",
    });
    assert_eq!(
        serde_json::to_value(one_of_two(&client).await?)?,
        serde_json::json!([{"Ok": {}}, {"Err": error}])
    );
    Ok(())
}
