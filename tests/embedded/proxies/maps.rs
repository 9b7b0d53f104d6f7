//! Clients that change maps: what each answer of the map_publish and map_remove handlers does.

use centrifugo_api::{MapPublishRequest, MapReadStateRequest};
use centrifugo_api_testing::{
    Event, MapOptions, Namespace, ProxiedConnection, Release, Server, ServerBuilder,
    SubscribeOptions,
};
use centrifugo_proxy::{Handlers, KeyMode, MapPublishReply, MapRemoveReply};

use super::{NO, connect, handlers, misconfigured, refusal, text};
use crate::Outcome;

fn builder(handlers: &Handlers) -> ServerBuilder {
    let board = Namespace::new("board")
        .map(MapOptions::persistent())
        .force_positioning(true)
        .allow_subscribe_for_client(true)
        .map_publish_proxy_enabled(true)
        .map_remove_proxy_enabled(true);
    Server::builder().proxy(handlers).namespace(board)
}

async fn state(server: &Server) -> Result<Vec<(String, String)>, centrifugo_api::Error> {
    let request = MapReadStateRequest::new("board:1").limit(-1);
    let state = server.client().map_read_state(request).await?;
    let entries = state.entries.into_iter();
    Ok(entries
        .map(|entry| (entry.key, text(&entry.data)))
        .collect())
}

/// The client gets error 107 in 6.9, though the key was changed.
const DONE_IN_6_9: u32 = 107;

async fn set(client: &ProxiedConnection, key: &str, data: &'static str) {
    assert_eq!(
        refusal(client.map_publish("board:1", key, data).await).0,
        DONE_IN_6_9
    );
}

#[tokio::test]
async fn reply_decides_key_data_and_condition() -> Outcome {
    let handlers = handlers().map_publish(|event| async move {
        assert_eq!((event.channel(), event.user()), ("board:1", Some("anna")));
        Ok(match event.key() {
            "other" => MapPublishReply::allow().key("another").data("7"),
            "new" => MapPublishReply::allow().key_mode(KeyMode::IfNew),
            "old" => MapPublishReply::allow().key_mode(KeyMode::IfExists),
            _ => MapPublishReply::allow(),
        })
    });
    let server = builder(&handlers).start()?;
    let anna = connect(&server, "anna").await?;
    for key in ["a", "other", "new", "old"] {
        set(&anna, key, "1").await;
    }
    set(&anna, "new", "2").await;
    let expected = [("a", "1"), ("another", "7"), ("new", "1")];
    let expected = expected.map(|(key, data)| (key.to_owned(), data.to_owned()));
    assert_eq!(state(&server).await?, expected);
    Ok(())
}

#[tokio::test]
async fn subscribers_see_who_set_a_key_and_tags_of_removals() -> Outcome {
    let handlers = handlers()
        .map_publish(|_| async { Ok(MapPublishReply::allow().tags([("t", "set")])) })
        .map_remove(|event| async move {
            Ok(match event.key() {
                "a" => MapRemoveReply::allow().tags([("t", "removed")]),
                _ => MapRemoveReply::allow(),
            })
        });
    let server = builder(&handlers).start()?;
    let anna = connect(&server, "anna").await?;
    let mut bert = connect(&server, "bert").await?;
    let map = SubscribeOptions::new().map();
    let subscribed = bert.subscribe_with("board:1", map).await?;
    assert!(!subscribed.positioned, "only histories have positions");
    for key in ["a", "b"] {
        set(&anna, key, "1").await;
        assert_eq!(
            refusal(anna.map_remove("board:1", key).await).0,
            DONE_IN_6_9
        );
    }
    let mut seen = Vec::new();
    while let Some(event) = bert.try_next() {
        if let Event::Changed {
            key,
            removed,
            publication,
            ..
        } = event
        {
            let by = publication.info.map(|info| info.user).unwrap_or_default();
            seen.push((key, removed, publication.tags["t"].clone(), by));
        }
    }
    let expected = [
        ("a", false, "set", "anna"),
        ("a", true, "removed", ""),
        ("b", false, "set", "anna"),
        ("b", true, "set", ""),
    ];
    let expected = expected
        .map(|(key, removed, tag, by)| (key.to_owned(), removed, tag.to_owned(), by.to_owned()));
    assert_eq!(seen, expected);
    Ok(())
}

#[tokio::test]
async fn change_succeeds_in_6_10() -> Outcome {
    let handlers = handlers().map_publish(|_| async { Ok(MapPublishReply::allow()) });
    let server = builder(&handlers).release(Release::V6_10).start()?;
    let anna = connect(&server, "anna").await?;
    anna.map_publish("board:1", "a", "1").await?;
    assert_eq!(state(&server).await?, [("a".to_owned(), "1".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn refusal_changes_nothing() -> Outcome {
    let handlers = handlers()
        .map_publish(|_| async { Err(NO.into()) })
        .map_remove(|_| async { Err(NO.into()) });
    let server = builder(&handlers).start()?;
    let request = MapPublishRequest::new("board:1", "1").key("a");
    server.client().map_publish(request).await?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.map_publish("board:1", "b", "1").await),
        (403, "no".into())
    );
    assert_eq!(
        refusal(anna.map_remove("board:1", "a").await),
        (403, "no".into())
    );
    assert_eq!(state(&server).await?, [("a".to_owned(), "1".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn permissions_decide_without_proxy() -> Outcome {
    let open = Namespace::new("board")
        .map(MapOptions::persistent())
        .allow_map_publish_for_client(true);
    let server = Server::builder()
        .proxy(&handlers())
        .namespace(open)
        .start()?;
    let anna = connect(&server, "anna").await?;
    anna.map_publish("board:1", "a", "1").await?;
    assert_eq!(refusal(anna.map_publish("board:1", "", "1").await).0, 107);
    assert_eq!(refusal(anna.map_remove("board:1", "a").await).0, 103);
    assert_eq!(
        refusal(anna.map_publish("unknown:1", "a", "1").await).0,
        102
    );
    assert_eq!(refusal(anna.subscribe("board:1").await).0, 103);
    Ok(())
}

#[tokio::test]
async fn missing_handler_is_named() -> Outcome {
    let server = builder(&handlers()).start()?;
    let anna = connect(&server, "anna").await?;
    let problem = misconfigured(anna.map_publish("board:1", "a", "1").await);
    assert!(problem.contains("`map_publish`"), "{problem}");
    Ok(())
}
