//! The history of channels.

use cent::{BatchOptions, HistoryRemoveRequest, HistoryRequest, PublishRequest, StreamPosition};

use crate::peer::{Outcome, Peer, api_error, offsets, raw, text};

pub async fn history(peer: Peer) -> Outcome {
    let channel = peer.channel("history");
    let last = peer.publish_numbers(&channel, 5).await?;
    let history = peer.history(&channel).await?;
    assert_eq!((history.offset, &history.epoch), (5, &last.epoch));
    assert_eq!(offsets(&history), [1, 2, 3, 4, 5]);
    assert_eq!(peer.data(&channel).await?, ["1", "2", "3", "4", "5"]);
    Ok(())
}

pub async fn history_of_an_empty_channel(peer: Peer) -> Outcome {
    let history = peer.history(&peer.channel("empty")).await?;
    assert_eq!((history.offset, history.publications.len()), (0, 0));
    assert!(!history.epoch.is_empty());
    Ok(())
}

pub async fn history_limit_since_and_reverse(peer: Peer) -> Outcome {
    let channel = peer.channel("pages");
    let epoch = peer.publish_numbers(&channel, 5).await?.epoch;
    let all = HistoryRequest::new(&channel).limit(-1);
    let since = |offset| StreamPosition::new().offset(offset).epoch(&epoch);
    for (request, expected) in [
        (HistoryRequest::new(&channel), vec![]),
        (all.clone().limit(2), vec![1, 2]),
        (all.clone().limit(2).reverse(true), vec![5, 4]),
        (all.clone().since(since(3)), vec![4, 5]),
        (all.clone().since(since(3)).limit(1), vec![4]),
        (all.clone().since(since(3)).reverse(true), vec![2, 1]),
        (
            all.clone().since(StreamPosition::new().offset(3)),
            vec![4, 5],
        ),
        (
            all.clone().since(StreamPosition::new()),
            vec![1, 2, 3, 4, 5],
        ),
        (all.clone().since(since(5)), vec![]),
        (all.clone().since(since(9)), vec![]),
    ] {
        let history = peer.client.history(request.clone()).await?;
        assert_eq!(
            (history.offset, offsets(&history)),
            (5, expected),
            "{request:?}"
        );
    }
    Ok(())
}

pub async fn history_of_another_epoch(peer: Peer) -> Outcome {
    let channel = peer.channel("epoch");
    peer.publish_numbers(&channel, 1).await?;
    let request =
        HistoryRequest::new(&channel).since(StreamPosition::new().offset(1).epoch("other"));
    for client in [&peer.client, &peer.transport_mode] {
        let error = api_error(client.history(request.clone().limit(1)).await);
        assert_eq!(error, (112, "unrecoverable position".to_owned()));
    }
    Ok(())
}

pub async fn history_remove(peer: Peer) -> Outcome {
    let channel = peer.channel("remove");
    let before = peer.publish_numbers(&channel, 1).await?;
    peer.client
        .history_remove(HistoryRemoveRequest::new(&channel))
        .await?;
    let history = peer.history(&channel).await?;
    assert_eq!(
        (history.publications.len(), history.offset, &history.epoch),
        (0, 1, &before.epoch)
    );
    assert_eq!(peer.publish_numbers(&channel, 1).await?.offset, 2);
    peer.client
        .history_remove(HistoryRemoveRequest::new(peer.channel("never-used")))
        .await?;
    Ok(())
}

pub async fn large_history(peer: Peer) -> Outcome {
    let channel = peer.channel("large");
    let data = |number| format!(r#"{{"n":{number},"text":"{}"}}"#, "é".repeat(5000));
    let mut batch = peer.client.new_batch(BatchOptions::default());
    for number in 1..=120 {
        batch.publish(PublishRequest::new(&channel).data(raw(&data(number))));
    }
    batch.send().await?;
    let history = peer.history(&channel).await?;
    assert_eq!(history.offset, 120);
    assert_eq!(offsets(&history), (21..=120).collect::<Vec<_>>());
    for publication in &history.publications {
        assert!(
            text(publication) == data(publication.offset),
            "publication {} is whole",
            publication.offset
        );
    }
    Ok(())
}
