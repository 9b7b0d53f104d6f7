//! Errors of calls, which are the same in the server's transport error mode.

use cent::{
    BroadcastRequest, ChannelsRequest, Client, Config, Error, HistoryRemoveRequest, HistoryRequest,
    InfoRequest, PresenceRequest, PresenceStatsRequest, PublishRequest, SubscribeRequest,
};

use crate::peer::{Outcome, Peer, api_error, http_error, raw};

/// Checks the errors of methods that take a channel and are refused for the same reasons.
async fn of_channel(client: &Client, channel: &str) -> [(u32, String); 4] {
    [
        api_error(client.history(HistoryRequest::new(channel).limit(1)).await),
        api_error(
            client
                .history_remove(HistoryRemoveRequest::new(channel))
                .await,
        ),
        api_error(client.presence(PresenceRequest::new(channel)).await),
        api_error(
            client
                .presence_stats(PresenceStatsRequest::new(channel))
                .await,
        ),
    ]
}

pub async fn errors_of_an_unknown_namespace(peer: Peer) -> Outcome {
    let (channel, expected) = (
        peer.channel_of("invalid", "a"),
        (102, "unknown channel".to_owned()),
    );
    for client in [&peer.client, &peer.transport_mode] {
        assert_eq!(
            of_channel(client, &channel).await,
            std::array::from_fn(|_| expected.clone())
        );
        assert_eq!(
            api_error(
                client
                    .publish(PublishRequest::new(&channel).data(raw("1")))
                    .await
            ),
            expected
        );
        assert_eq!(
            api_error(
                client
                    .subscribe(SubscribeRequest::new(&channel).user("nobody"))
                    .await
            ),
            expected
        );
    }
    Ok(())
}

pub async fn errors_of_bad_requests(peer: Peer) -> Outcome {
    let expected = (107, "bad request".to_owned());
    let map = PublishRequest::new(peer.channel_of("map", "bad")).data(raw("1"));
    for client in [&peer.client, &peer.transport_mode] {
        assert_eq!(
            of_channel(client, "").await,
            std::array::from_fn(|_| expected.clone())
        );
        assert_eq!(api_error(client.publish(map.clone()).await), expected);
        assert_eq!(
            api_error(
                client
                    .subscribe(SubscribeRequest::new("").user("nobody"))
                    .await
            ),
            expected
        );
    }
    // The client itself refuses these.
    let results = [
        peer.client
            .publish(PublishRequest::new("").data(raw("1")))
            .await
            .err(),
        peer.client
            .publish(PublishRequest::new(peer.channel("bad")))
            .await
            .err(),
        peer.client
            .broadcast(BroadcastRequest::new([""; 0]).data(raw("1")))
            .await
            .err(),
    ];
    assert!(
        results
            .iter()
            .all(|error| matches!(error, Some(Error::InvalidRequest(_)))),
        "{results:?}"
    );
    Ok(())
}

pub async fn errors_of_what_is_off(peer: Peer) -> Outcome {
    let channel = peer.channel_of("nohist", "a");
    let expected = (108, "not available".to_owned());
    for client in [&peer.client, &peer.transport_mode] {
        assert_eq!(
            of_channel(client, &channel).await,
            std::array::from_fn(|_| expected.clone())
        );
    }
    Ok(())
}

pub async fn other_errors(peer: Peer) -> Outcome {
    let bad_pattern = ChannelsRequest::new().pattern("[");
    for client in [&peer.client, &peer.transport_mode] {
        let error = api_error(client.channels(bad_pattern.clone()).await);
        assert_eq!(error, (100, "internal server error".to_owned()));
    }
    Ok(())
}

pub async fn wrong_key(peer: Peer) -> Outcome {
    for config in [
        Config::new(&peer.url),
        Config::new(&peer.url).api_key("wrong"),
    ] {
        let result = Client::new(config)?.info(InfoRequest::new()).await;
        assert!(
            result.as_ref().is_err_and(Error::is_unauthorized),
            "{result:?}"
        );
        assert_eq!(http_error(result), (401, String::new()));
    }
    Ok(())
}

pub async fn wrong_address(peer: Peer) -> Outcome {
    for suffix in ["/none", "x"] {
        let config = Config::new(format!("{}{suffix}", peer.url)).api_key(&peer.key);
        let error = http_error(Client::new(config)?.info(InfoRequest::new()).await);
        assert_eq!(error, (404, "404 page not found".to_owned()));
    }
    Ok(())
}
