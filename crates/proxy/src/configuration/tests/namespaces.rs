//! Namespaces that do not fit the handlers.

use super::super::ChannelOptions;
use super::{GRPC, anyone, assert_refused};
use crate::event::EventKind;

#[test]
fn handlers_that_nobody_calls_are_refused() {
    let channel = anyone(&[EventKind::Subscribe, EventKind::Publish]);
    let channel = channel.namespace("chat", [EventKind::Subscribe]);
    assert_refused(&channel, &["nobody calls", "`publish`", "`namespace`"]);
    let rpc = anyone(&[EventKind::Rpc]);
    assert_refused(&rpc, &["nobody calls", "`rpc`", "`rpc_namespace`"]);
}

#[test]
fn events_without_handler_are_refused() {
    let channel = anyone(&[EventKind::Connect]).without_namespace([EventKind::SubRefresh]);
    let words = [
        "`without_namespace` names `sub_refresh`",
        "`Handlers::sub_refresh`",
    ];
    assert_refused(&channel, &words);
    let rpc = anyone(&[EventKind::Connect]).rpc_namespace("shop");
    assert_refused(&rpc, &["no handler", "`Handlers::rpc`"]);
}

#[test]
fn events_of_no_channel_are_refused_in_namespaces() {
    for (kind, word) in [
        (EventKind::Connect, "its handler is enough"),
        (EventKind::Refresh, "its handler is enough"),
        (EventKind::Rpc, "`rpc_namespace`"),
    ] {
        let configuration = anyone(&[kind]).namespace("chat", [kind]);
        assert_refused(&configuration, &["the namespace `chat`", kind.name(), word]);
    }
}

#[test]
fn events_that_exclude_each_other_are_refused() {
    use EventKind::{
        MapPublish, MapRemove, Publish, SharedPollRefresh, SubRefresh, Subscribe,
        SubscribeBidirectional, SubscribeUnidirectional,
    };
    for pair in [
        [SubscribeUnidirectional, SubscribeBidirectional],
        [SubscribeUnidirectional, Subscribe],
        [SubscribeBidirectional, Publish],
        [SubscribeUnidirectional, SubRefresh],
        [SubscribeUnidirectional, MapPublish],
        [SubscribeBidirectional, SharedPollRefresh],
        [MapRemove, SharedPollRefresh],
    ] {
        let configuration = anyone(&pair).grpc(GRPC).namespace("chat", pair);
        let [one, other] = pair.map(EventKind::name);
        assert_refused(&configuration, &[one, other, "namespaces of their own"]);
    }
}

#[test]
fn namespaces_without_events_are_refused() {
    let configuration = anyone(&[EventKind::Connect]).namespace("chat", []);
    assert_refused(&configuration, &["the namespace `chat` has no events"]);
}

#[test]
fn namespaces_named_twice_are_refused() {
    let kind = EventKind::Subscribe;
    let channel = anyone(&[kind]).namespace("chat", [kind]);
    assert_refused(
        &channel.namespace("chat", [kind]),
        &["`chat` is there twice"],
    );
    let channel = anyone(&[kind]).without_namespace([kind]);
    let words = ["`without_namespace` is there twice"];
    assert_refused(&channel.without_namespace([kind]), &words);
    let rpc = anyone(&[EventKind::Rpc]).rpc_namespace("shop");
    assert_refused(&rpc.rpc_namespace("shop"), &["`shop` is there twice"]);
}

#[test]
fn invalid_names_of_namespaces_are_refused() {
    let kind = EventKind::Subscribe;
    let channel = anyone(&[kind]).namespace("chat:a", [kind]);
    assert_refused(&channel, &["\"chat:a\"", "two characters or more"]);
    let rpc = anyone(&[EventKind::Rpc]).rpc_namespace("s");
    assert_refused(&rpc, &["\"s\"", "two characters or more"]);
}

#[test]
fn missing_options_of_events_are_refused() {
    for (kind, option) in [
        (EventKind::MapPublish, "`map.mode`"),
        (EventKind::MapRemove, "`map.mode`"),
        (EventKind::CacheEmpty, "`history_size`"),
    ] {
        let configuration = anyone(&[kind]).namespace("chat", [kind]);
        assert_refused(&configuration, &["the namespace `chat`", option]);
    }
    let kind = EventKind::SharedPollRefresh;
    let poll = anyone(&[kind]).namespace("votes", [kind]);
    assert_refused(&poll, &["`shared_poll_secret`"]);
    assert_refused(&poll.shared_poll_secret(""), &["empty"]);
}

#[test]
fn options_that_follow_from_events_are_refused() {
    for option in [
        "name",
        "publish_proxy_enabled",
        "subscribe_proxy_name",
        "subscribe_stream_proxy_bidirectional",
        "map.client_key",
        "map.publish_proxy_enabled",
        "subscription_type",
    ] {
        let options = ChannelOptions::new([EventKind::MapPublish])
            .option("map.mode", "persistent")
            .option(option, "x");
        let configuration = anyone(&[EventKind::MapPublish]).namespace("board", options);
        let words = ["the namespace `board`", option, "leave it out"];
        assert_refused(&configuration, &words);
    }
}

#[test]
fn invalid_options_are_refused() {
    let kind = EventKind::Subscribe;
    let refused = |path: &str, value: serde_json::Value, word: &str| {
        let options = ChannelOptions::new([kind]).option(path, value);
        assert_refused(&anyone(&[kind]).namespace("chat", options), &[path, word]);
    };
    for path in ["", "Presence", "map.", ".", "a b", "a-b"] {
        refused(path, true.into(), "not a path");
    }
    refused("presence", serde_json::Value::Null, "not text");
    refused(
        "map",
        serde_json::json!({"mode": "persistent"}),
        "sections are paths",
    );
    refused("list", serde_json::json!(["a b"]), "list of words");
    refused("list", serde_json::json!([1]), "list of words");
    refused("text", "\0".into(), "not text");
}
