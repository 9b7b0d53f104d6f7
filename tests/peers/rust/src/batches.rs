//! Batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cent::{
    AutoBatch, BatchOptions, BroadcastRequest, ChannelsRequest, Client, Error,
    HistoryRemoveRequest, HistoryRequest, InfoRequest, MapStatsRequest, PresenceRequest,
    PresenceStatsRequest, PublishRequest, SubscribeRequest,
};
use tokio::task::JoinSet;

use crate::peer::{Outcome, Peer, code, offsets, raw};

pub async fn batch(peer: Peer) -> Outcome {
    for parallel in [false, true] {
        let channel = peer.channel(&format!("batch-{parallel}"));
        let mut batch = peer
            .client
            .new_batch(BatchOptions::default().parallel(parallel));
        let publish = batch.publish(PublishRequest::new(&channel).data(raw("1")));
        let broadcast = batch.broadcast(BroadcastRequest::new([&channel]).data(raw("2")));
        let history = batch.history(HistoryRequest::new(&channel).limit(-1));
        let presence = batch.presence(PresenceRequest::new(&channel));
        let stats = batch.presence_stats(PresenceStatsRequest::new(&channel));
        let info = batch.info(InfoRequest::new());
        let channels = batch.channels(ChannelsRequest::new().pattern(&peer.run));
        let subscribe =
            batch.subscribe(SubscribeRequest::new(&channel).user(format!("nobody-{}", peer.run)));
        let keys = batch.map_stats(MapStatsRequest::new(peer.channel_of("map", "batch")));
        let remove = batch.history_remove(HistoryRemoveRequest::new(peer.channel("never-used")));
        assert_eq!(batch.send().await?.failed.len(), 0);
        let publish = publish.result()?;
        let broadcast = broadcast.result()?;
        let other = broadcast.channels[0]
            .result
            .as_ref()
            .expect("no channel fails");
        assert_eq!(
            (publish.offset + other.offset, &publish.epoch),
            (3, &other.epoch)
        );
        if !parallel {
            assert_eq!(offsets(&history.result()?), [1, 2]);
        }
        assert!(presence.result()?.presence.is_empty());
        assert_eq!(
            (stats.result()?.num_users, info.result()?.nodes.len()),
            (0, 1)
        );
        assert_eq!(
            (channels.result()?.channels.len(), keys.result()?.num_keys),
            (0, 0)
        );
        subscribe.result()?;
        remove.result()?;
    }
    Ok(())
}

pub async fn batch_of_which_parts_fail(peer: Peer) -> Outcome {
    for (parallel, client) in [
        (false, &peer.client),
        (true, &peer.client),
        (false, &peer.transport_mode),
    ] {
        let channel = peer.channel("mixed");
        let mut batch = client.new_batch(BatchOptions::default().parallel(parallel));
        let good = batch.publish(PublishRequest::new(&channel).data(raw("1")));
        let unknown =
            batch.publish(PublishRequest::new(peer.channel_of("invalid", "a")).data(raw("1")));
        let bad = batch.history(HistoryRequest::new(""));
        let off = batch.presence(PresenceRequest::new(peer.channel_of("nohist", "a")));
        let last = batch.publish(PublishRequest::new(&channel).data(raw("2")));
        let Err(Error::BatchFailedCommands(error)) = batch.send().await else {
            panic!("a failed command must not fail the call");
        };
        let failed: Vec<_> = error
            .failed()
            .iter()
            .map(|command| (command.index, command.method))
            .collect();
        assert_eq!(failed, [(1, "publish"), (2, "history"), (3, "presence")]);
        assert_eq!(
            (
                code(unknown.result()),
                code(bad.result()),
                code(off.result())
            ),
            (102, 107, 108)
        );
        assert_ne!(good.result()?.offset, last.result()?.offset);
    }
    assert_eq!(peer.history(&peer.channel("mixed")).await?.offset, 6);
    Ok(())
}

pub async fn automatic_batches(peer: Peer) -> Outcome {
    let channel = peer.channel("automatic");
    let batches = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&batches);
    let config = peer
        .config()
        .auto_batch(AutoBatch::new(2))
        .on_request(move |request| {
            counter.fetch_add(request.auto_batch.into(), Ordering::Relaxed);
        });
    let client = Client::new(config)?;
    let mut calls = JoinSet::new();
    for number in 0..100 {
        let channel = if number % 10 == 0 {
            peer.channel_of("invalid", "a")
        } else {
            channel.clone()
        };
        let client = client.clone();
        calls.spawn(async move {
            client
                .publish(PublishRequest::new(channel).data(raw("1")))
                .await
        });
    }
    let (good, bad): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(
        (good.len(), bad.into_iter().map(code).collect::<Vec<_>>()),
        (90, vec![102; 10])
    );
    assert_eq!(peer.history(&channel).await?.offset, 90);
    assert!(batches.load(Ordering::Relaxed) > 0);
    Ok(())
}

/// Checks a batch without commands, for which the client sends nothing.
pub async fn empty_batch(peer: Peer) -> Outcome {
    assert_eq!(
        peer.client
            .new_batch(BatchOptions::default())
            .send()
            .await?
            .failed
            .len(),
        0
    );
    Ok(())
}
