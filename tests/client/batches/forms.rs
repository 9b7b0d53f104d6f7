//! Each form of a batch and what it returns.

use std::collections::BTreeMap;

use centrifugo_api::*;

use crate::{Env, Outcome, code};

over_each_transport!(
    tuple_returns_each_result_with_its_type,
    tuples_of_one_and_of_twelve,
    vec_and_array_return_one_type,
    commands_return_replies,
    raw_form_returns_outcomes,
    failures_keep_their_positions,
    parallel_returns_results_in_order,
    sequential_batched_and_broadcast_to_10_000_channels_all_arrive,
);

fn publish(channel: &str, data: &str) -> PublishRequest {
    PublishRequest::new(channel, data)
}

async fn tuple_returns_each_result_with_its_type(Env { client, .. }: Env) -> Outcome {
    let batch = (
        publish("plain:a", "1"),
        BroadcastRequest::new(["plain:a", "plain:b"], "2"),
        HistoryRequest::new("plain:a").limit(-1),
        MapPublishRequest::new("map:a", "3").key("key"),
        MapReadStateRequest::new("map:a").limit(-1),
    );
    let (publish, broadcast, history, map_publish, state) = client.batch(batch).await?;
    let publish: PublishResult = publish?;
    let broadcast: BroadcastResult = broadcast?;
    let history: HistoryResult = history?;
    let map_publish: MapPublishResult = map_publish?;
    let state: MapReadStateResult = state?;
    assert_eq!((publish.offset, map_publish.offset), (1, 1));
    assert_eq!(
        broadcast
            .all_ok()?
            .iter()
            .map(|result| result.offset)
            .collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(
        history
            .publications
            .iter()
            .map(|p| &p.data[..])
            .collect::<Vec<_>>(),
        [b"1", b"2"]
    );
    assert_eq!(
        (&state.entries[0].key[..], &state.entries[0].data[..]),
        ("key", &b"3"[..])
    );
    Ok(())
}

async fn tuples_of_one_and_of_twelve(Env { client, .. }: Env) -> Outcome {
    let (result,) = client.batch((publish("plain:a", "1"),)).await?;
    assert_eq!(result?.offset, 1);
    let results = client
        .batch((
            publish("plain:a", "1"),
            PresenceRequest::new("plain:a"),
            PresenceStatsRequest::new("plain:a"),
            HistoryRequest::new("plain:a"),
            ChannelsRequest::new(),
            InfoRequest::new(),
            SubscribeRequest::new("plain:a").user("alice"),
            RefreshRequest::new("alice"),
            UnsubscribeRequest::new("plain:a").user("alice"),
            DisconnectRequest::new("alice"),
            HistoryRemoveRequest::new("plain:a"),
            HistoryRequest::new("plain:a").limit(-1),
        ))
        .await?;
    assert_eq!((results.0?.offset, results.3?.offset), (2, 2));
    assert_eq!((results.1?.presence.len(), results.2?.num_clients), (0, 0));
    assert_eq!((results.4?.channels.len(), results.5?.nodes.len()), (0, 1));
    let _: (SubscribeResult, RefreshResult, UnsubscribeResult) =
        (results.6?, results.7?, results.8?);
    let _: (DisconnectResult, HistoryRemoveResult) = (results.9?, results.10?);
    assert!(results.11?.publications.is_empty());
    Ok(())
}

async fn vec_and_array_return_one_type(Env { client, .. }: Env) -> Outcome {
    let channels = ["plain:a", "plain:b", "plain:a"];
    let [a, b, again] = client
        .batch(channels.map(|channel| publish(channel, "1")))
        .await?;
    assert_eq!((a?.offset, b?.offset, again?.offset), (1, 1, 2));

    let results = client
        .batch(channels.map(HistoryRequest::new).to_vec())
        .await?;
    let results: Vec<HistoryResult> = results.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(
        results
            .iter()
            .map(|history| history.offset)
            .collect::<Vec<_>>(),
        [2, 1, 2]
    );

    let batch: Vec<_> = (0..3)
        .map(|number| publish("plain:c", &number.to_string()))
        .collect();
    let offsets: Result<Vec<u64>, ApiError> = client
        .batch(batch)
        .await?
        .into_iter()
        .map(|result| Ok(result?.offset))
        .collect();
    assert_eq!(offsets?, [1, 2, 3]);
    Ok(())
}

async fn commands_return_replies(Env { client, .. }: Env) -> Outcome {
    let mut batch: Vec<Command> = vec![
        publish("plain:a", "1").into(),
        PresenceRequest::new("nohist:a").into(),
    ];
    batch.push(BroadcastRequest::new(["plain:a", "unknown:a"], "2").into());
    batch.push(HistoryRequest::new("plain:a").into());
    let mut replies = client.batch(batch).await?.into_iter();
    let mut next = || replies.next().expect("a reply for each command");
    assert_eq!(next()?.publish.map(|result| result.offset), Some(1));
    let error = next().expect_err("the namespace has no presence");
    assert_eq!(
        (error.code, error.method(), error.channel()),
        (108, Some("presence"), Some("nohist:a"))
    );
    let responses = next()?
        .broadcast
        .map(|broadcast| broadcast.responses)
        .unwrap_or_default();
    assert_eq!(
        responses
            .iter()
            .map(|response| response.error.is_some())
            .collect::<Vec<_>>(),
        [false, true]
    );
    let reply = next()?;
    assert_eq!(
        (reply.history.map(|history| history.offset), reply.publish),
        (Some(2), None)
    );
    assert!(replies.next().is_none());
    Ok(())
}

async fn raw_form_returns_outcomes(Env { client, .. }: Env) -> Outcome {
    let commands = [publish("plain:a", "1"), publish("unknown:a", "1")];
    for request in [
        BatchRequest::new(commands.clone()),
        BatchRequest::new(commands).parallel(true),
    ] {
        let batched: Outcomes<Reply> = client.batch(request.clone()).await?;
        let called: Outcomes<Reply> = client.call(request).await?;
        for outcomes in [batched, called] {
            let [Ok(reply), Err(error)] = &outcomes[..] else {
                return Err(format!("{outcomes:?}").into());
            };
            assert!(reply.publish.is_some(), "{reply:?}");
            let facts = (error.code, error.method(), error.channel());
            assert_eq!(facts, (102, Some("publish"), Some("unknown:a")));
        }
    }
    assert!(client.batch(BatchRequest::default()).await?.is_empty());
    Ok(())
}

async fn failures_keep_their_positions(Env { client, .. }: Env) -> Outcome {
    let batch = (
        publish("unknown:a", "1"),
        publish("plain:a", "1"),
        RpcRequest::new("sum"),
        CancelPushRequest::new("push"),
        HistoryRequest::new("nohist:a"),
        HistoryRequest::new("plain:a").since(StreamPosition::new(0, "made-up")),
        publish("plain:a", ""),
        publish("plain:a", "2"),
    );
    let (unknown, first, rpc, pro, off, lost, empty, second) = client.batch(batch).await?;
    assert_eq!((first?.offset, second?.offset), (1, 2));
    assert_eq!(
        (
            code(unknown),
            code(rpc),
            code(pro),
            code(off),
            code(lost),
            code(empty)
        ),
        (102, 104, 104, 108, 112, 107)
    );
    Ok(())
}

async fn parallel_returns_results_in_order(Env { client, .. }: Env) -> Outcome {
    let channels: Vec<_> = (1..=50).map(|number| format!("plain:{number}")).collect();
    for (number, channel) in channels.iter().enumerate() {
        let _ = client
            .batch(Parallel(vec![publish(channel, "1"); number + 1]))
            .await?;
    }
    let positions = client
        .batch(Parallel(
            channels.iter().map(HistoryRequest::new).collect::<Vec<_>>(),
        ))
        .await?;
    assert!(
        positions
            .into_iter()
            .map(|result| result.map(|history| history.offset))
            .eq((1..=50).map(Ok))
    );

    let tuple = (
        publish("plain:1", "2"),
        HistoryRequest::new("plain:9"),
        publish("unknown:a", "1"),
    );
    let (published, history, unknown) = client.batch(Parallel(tuple)).await?;
    assert_eq!(
        (published?.offset, history?.offset, code(unknown)),
        (2, 9, 102)
    );
    let [a, b] = client
        .batch(Parallel(["plain:7", "plain:8"].map(HistoryRequest::new)))
        .await?;
    assert_eq!((a?.offset, b?.offset), (7, 8));
    Ok(())
}

async fn sequential_batched_and_broadcast_to_10_000_channels_all_arrive(
    Env { client, .. }: Env,
) -> Outcome {
    const COUNT: usize = 10_000;
    let channels: Vec<_> = (0..COUNT).map(|number| format!("plain:{number}")).collect();
    for channel in &channels {
        client.publish(publish(channel, "1")).await?;
    }
    let results = client
        .batch(
            channels
                .iter()
                .map(|channel| publish(channel, "2"))
                .collect::<Vec<_>>(),
        )
        .await?;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().is_ok_and(|result| result.offset == 2))
    );
    let results = client
        .broadcast(BroadcastRequest::new(&channels, "3"))
        .await?
        .all_ok()?;
    assert!(results.len() == COUNT && results.iter().all(|result| result.offset == 3));

    let histories = channels
        .iter()
        .map(|channel| HistoryRequest::new(channel).limit(-1))
        .collect::<Vec<_>>();
    let mut seen = BTreeMap::new();
    for history in client.batch(histories).await? {
        let data: Vec<_> = history?
            .publications
            .into_iter()
            .map(|publication| publication.data)
            .collect();
        *seen.entry(data).or_insert(0) += 1;
    }
    assert_eq!(
        seen,
        BTreeMap::from([(["1", "2", "3"].map(Into::into).to_vec(), COUNT)])
    );
    Ok(())
}
