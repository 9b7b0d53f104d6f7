//! Presence, channels, nodes, and calls that act on users.

use cent::{
    ChannelsRequest, Disconnect, DisconnectRequest, InfoRequest, PresenceRequest,
    PresenceStatsRequest, RefreshRequest, StreamPosition, SubscribeOptionOverride,
    SubscribeRequest, UnsubscribeRequest,
};

use crate::peer::{Outcome, Peer, raw};

pub async fn presence_of_an_empty_channel(peer: Peer) -> Outcome {
    let channel = peer.channel("presence");
    assert!(
        peer.client
            .presence(PresenceRequest::new(&channel))
            .await?
            .presence
            .is_empty()
    );
    let stats = peer
        .client
        .presence_stats(PresenceStatsRequest::new(&channel))
        .await?;
    assert_eq!((stats.num_clients, stats.num_users), (0, 0));
    Ok(())
}

pub async fn channels(peer: Peer) -> Outcome {
    peer.client.channels(ChannelsRequest::new()).await?;
    let request = ChannelsRequest::new().pattern(format!("*{}*", peer.run));
    assert!(peer.client.channels(request).await?.channels.is_empty());
    Ok(())
}

pub async fn info(peer: Peer) -> Outcome {
    let nodes = peer.client.info(InfoRequest::new()).await?.nodes;
    let [node] = &nodes[..] else {
        panic!("expected one node, not {nodes:?}")
    };
    assert!(
        !node.uid.is_empty() && !node.name.is_empty() && !node.version.is_empty(),
        "{node:?}"
    );
    Ok(())
}

pub async fn users_who_are_not_connected(peer: Peer) -> Outcome {
    let client = &peer.client;
    let user = format!("nobody-{}", peer.run);
    let channel = peer.channel("users");
    let subscribe = SubscribeRequest::new(&channel).user(&user);
    client.subscribe(subscribe.clone()).await?;
    let options = SubscribeOptionOverride::new()
        .presence(true)
        .join_leave(false);
    let since = StreamPosition::new().offset(1).epoch("other");
    let request = subscribe
        .clone()
        .info(raw(r#"{"n":1}"#))
        .data(raw("[1]"))
        .r#override(options);
    client.subscribe(request.recover_since(since)).await?;
    client
        .subscribe(
            subscribe
                .client("no")
                .session("no")
                .b64info("MQ==")
                .b64data("MQ==")
                .expire_at(1),
        )
        .await?;
    client
        .unsubscribe(UnsubscribeRequest::new(&channel).user(&user))
        .await?;
    client
        .unsubscribe(
            UnsubscribeRequest::new("")
                .user(&user)
                .client("no")
                .session("no"),
        )
        .await?;
    client
        .disconnect(DisconnectRequest::new().user(&user))
        .await?;
    let moved = Disconnect::new().code(4000).reason("moved");
    client
        .disconnect(
            DisconnectRequest::new()
                .user(&user)
                .whitelist(["a"])
                .disconnect(moved),
        )
        .await?;
    client.refresh(RefreshRequest::new().user(&user)).await?;
    client
        .refresh(
            RefreshRequest::new()
                .user(&user)
                .client("no")
                .expired(true)
                .expire_at(4_000_000_000),
        )
        .await?;
    Ok(())
}
