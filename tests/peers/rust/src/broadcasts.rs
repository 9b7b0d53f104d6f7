//! Broadcasts.

use cent::{BroadcastRequest, BroadcastResult, BroadcastRetryOptions, Error, PublishResult};

use crate::peer::{Outcome, Peer, raw};

fn offsets(result: &BroadcastResult) -> Vec<Option<u64>> {
    result
        .channels
        .iter()
        .map(|channel| channel.result.as_ref().ok().map(|result: &PublishResult| result.offset))
        .collect()
}

fn codes(result: &BroadcastResult) -> Vec<Option<u32>> {
    result
        .channels
        .iter()
        .map(|channel| channel.error().and_then(Error::api_code))
        .collect()
}

pub async fn broadcast(peer: Peer) -> Outcome {
    let channels = [
        peer.channel("b1"),
        peer.channel("b2"),
        peer.channel_of("nohist", "b"),
    ];
    let request = BroadcastRequest::new(&channels)
        .data(raw(r#"{"n":1}"#))
        .idempotency_key("key");
    for _ in 0..2 {
        assert_eq!(
            offsets(&peer.client.broadcast(request.clone()).await?),
            [Some(1), Some(1), Some(0)]
        );
    }
    assert_eq!(peer.data(&channels[0]).await?, [r#"{"n":1}"#]);
    let binary = BroadcastRequest::new(&channels).b64data("IndpbnMi");
    assert_eq!(
        offsets(&peer.client.broadcast(binary).await?),
        [Some(2), Some(2), Some(0)]
    );
    Ok(())
}

pub async fn broadcast_to_an_unknown_namespace(peer: Peer) -> Outcome {
    let channels = [
        peer.channel("c1"),
        peer.channel_of("invalid", "c"),
        peer.channel("c2"),
    ];
    let request = BroadcastRequest::new(&channels)
        .data(raw("1"))
        .idempotency_key("key");
    for client in [&peer.client, &peer.transport_mode] {
        let Err(Error::BroadcastFailedChannels(error)) = client.broadcast(request.clone()).await
        else {
            panic!("a failed channel must not fail the call");
        };
        assert_eq!(offsets(error.result()), [Some(1), None, Some(1)]);
        assert_eq!(codes(error.result()), [None, Some(102), None]);
        assert_eq!(
            error.failed()[0].error().map(Error::to_string).as_deref(),
            Some("unknown channel (code 102)")
        );
    }
    Ok(())
}

pub async fn broadcast_with_retry(peer: Peer) -> Outcome {
    let channels = [peer.channel("r1"), peer.channel("r2")];
    let options = BroadcastRetryOptions::default();
    let request = BroadcastRequest::new(&channels).data(raw("1"));
    let result = peer.client.broadcast_with_retry(request, options).await?;
    assert_eq!(
        (offsets(&result), result.attempts),
        (vec![Some(1), Some(1)], 1)
    );
    Ok(())
}
