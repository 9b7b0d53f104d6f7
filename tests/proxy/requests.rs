//! The requests of the server, for clients of both protocols, with and without the options of a proxy.

use std::time::Duration;

use centrifugo_proxy::{
    ConnectReply, EventKind, SharedPollItem, SharedPollRefreshReply, SubscribeReply,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{Answer, Case, Client, Column, Connecting, Environment, Subscribing};
use crate::shared_polls;

in_own_columns!(
    connect_tells_the_channels,
    requests_tell_the_client,
    requests_tell_the_key,
    refresh_tells_the_client,
    shared_poll_tells_the_keys,
);

/// The fields that the server adds to requests of proxies with `include_connection_meta`.
const META: &str = r#"{"secret":1}"#;

/// The options of a proxy, and the client of a request.
struct Options {
    /// The namespace of channels; that of methods is the same with `rpc_` before it.
    namespace: &'static str,
    is_protobuf: bool,
    data: &'static [u8],
    /// The fields of a request for each event.
    common: fn() -> Value,
    /// Its fields for a payload.
    payload: fn() -> Value,
}

const ALL: &[Options] = &[
    Options {
        namespace: "transformed",
        is_protobuf: false,
        data: br#"{"in":1}"#,
        common: || json!({"protocol": "json", "encoding": "json", "meta": {"secret": 1}}),
        payload: || json!({"data": {"in": 1}}),
    },
    Options {
        namespace: "binary",
        is_protobuf: true,
        data: b"\xff\x00",
        common: || json!({"protocol": "protobuf", "encoding": "binary"}),
        payload: || json!({"b64data": "/wA="}),
    },
];

/// Returns a case whose server writes its questions.
async fn case(column: Column) -> Result<Case, String> {
    let case = Environment::of(column).await?.case();
    case.ask_over_network();
    Ok(case)
}

/// The channels are those that the client recovers.
async fn connect_tells_the_channels(column: Column) -> Outcome {
    let case = case(column).await?;
    let channel = case.channel("on");
    let (_client, _) = case
        .raw_with(json!({"name": case.name(), "subs": {&channel: {}}}))
        .await;
    let connect = case.call(EventKind::Connect).await.body;
    assert_eq!(connect["channels"], json!([channel]));
    Ok(())
}

async fn requests_tell_the_client(column: Column) -> Outcome {
    let environment = Environment::of(column).await?;
    let checks = ALL.iter().map(async |options| {
        let case = environment.case();
        case.ask_over_network();
        check(&case, options).await;
    });
    join_all(checks).await;
    Ok(())
}

async fn check(case: &Case, options: &Options) {
    let reply = ConnectReply::user("42").meta(META);
    case.answer(EventKind::Connect, [reply.into()]);
    let reply = Answer::Then(|| {
        let reply = SubscribeReply::allow();
        reply.expire_in(Duration::from_secs(2)).into()
    });
    case.answer(EventKind::Subscribe, [reply]);
    let connecting = Connecting {
        is_protobuf: options.is_protobuf,
        version: "1.2.3",
        data: r#"{"connect":1}"#,
        ..Connecting::default()
    };
    let mut client = case.connected_with(connecting).await;
    let channel = case.channel(options.namespace);
    act(&mut client, options, &channel).await;
    // The server asks about subscriptions that have expired every 25 s.
    case.pass(Duration::from_secs(30)).await;
    let mut expected = (options.common)();
    let connect = case.call(EventKind::Connect).await.body;
    let id = connect["client"].clone();
    let of_connect = json!({
        "client": id,
        "transport": "websocket",
        "protocol": expected["protocol"],
        "encoding": "json",
        "data": {"connect": 1},
        "name": case.name(),
        "version": "1.2.3",
    });
    assert_eq!(connect, of_connect);
    merge(
        &mut expected,
        json!({"client": id, "transport": "websocket", "user": "42"}),
    );
    for (kind, more) in [
        (EventKind::Subscribe, json!({"channel": &channel})),
        (EventKind::Publish, json!({"channel": &channel})),
        (EventKind::Rpc, json!({"method": method(options)})),
        (EventKind::SubRefresh, json!({"channel": &channel})),
    ] {
        let mut expected = expected.clone();
        merge(&mut expected, more);
        if kind != EventKind::SubRefresh {
            merge(&mut expected, (options.payload)());
        }
        assert_eq!(case.call(kind).await.body, expected, "{kind}");
    }
}

/// Lets a client do what a server asks the backend about.
async fn act(client: &mut Client, options: &Options, channel: &str) {
    let subscribing = Subscribing {
        data: options.data,
        ..Subscribing::default()
    };
    client.subscribe_with(channel, subscribing);
    client.next().await;
    client.publish(channel, options.data).await;
    client.rpc(&method(options), options.data).await;
}

fn method(options: &Options) -> String {
    format!("rpc_{}:method", options.namespace)
}

async fn requests_tell_the_key(column: Column) -> Outcome {
    let case = case(column).await?;
    let reply = ConnectReply::user("42").meta(META);
    case.answer(EventKind::Connect, [reply.into()]);
    let (mut client, connected) = case.raw().await;
    let mut expected = json!({
        "client": connected["client"],
        "transport": "websocket",
        "protocol": "json",
        "user": "42",
        "key": "k",
    });
    for (namespace, further) in [
        (
            "map_transformed",
            json!({"encoding": "json", "meta": {"secret": 1}, "data": {"in": 1}}),
        ),
        (
            "map_binary",
            json!({"encoding": "binary", "b64data": "eyJpbiI6MX0="}),
        ),
    ] {
        let channel = case.channel(namespace);
        merge(&mut expected, json!({"channel": &channel}));
        for (kind, change) in [
            (EventKind::MapPublish, json!({"data": {"in": 1}})),
            (EventKind::MapRemove, json!({"removed": true})),
        ] {
            let mut expected = expected.clone();
            merge(&mut expected, further.clone());
            if kind == EventKind::MapRemove {
                remove_payload(&mut expected);
            }
            let mut publish = json!({"channel": &channel, "type": 1, "key": "k"});
            merge(&mut publish, change);
            // Error 107: see the table of maps.
            let _ = client.call("publish", publish).await;
            assert_eq!(case.call(kind).await.body, expected, "{kind}");
        }
    }
    Ok(())
}

async fn refresh_tells_the_client(column: Column) -> Outcome {
    let case = case(column).await?;
    let reply = Answer::Then(|| {
        let reply = ConnectReply::user("42").meta(META);
        reply.expire_in(Duration::from_secs(1)).into()
    });
    case.answer(EventKind::Connect, [reply]);
    let _client = case.connected().await;
    case.pass(Duration::from_secs(2)).await;
    let connect = case.call(EventKind::Connect).await.body;
    let expected = json!({
        "client": connect["client"],
        "transport": "websocket",
        "protocol": "json",
        "encoding": "json",
        "user": "42",
    });
    assert_eq!(case.call(EventKind::Refresh).await.body, expected);
    Ok(())
}

async fn shared_poll_tells_the_keys(column: Column) -> Outcome {
    let case = case(column).await?;
    let item = SharedPollItem::new("k", 7, "1");
    let reply = SharedPollRefreshReply::new().item(item);
    case.answer(EventKind::SharedPollRefresh, [reply.into()]);
    let channel = case.channel("poll");
    let subscribe = json!({"channel": &channel, "type": 4});
    let _client = shared_polls::track(&case, &channel, subscribe).await;
    // Before it asks for all keys, the server asks for each new one.
    loop {
        let mut asked = case.call(EventKind::SharedPollRefresh).await.body;
        assert_eq!(asked["channel"], channel, "{asked}");
        let items = asked["items"].as_array_mut().expect("there are items");
        if items.len() > 1 {
            assert_eq!(
                items[..],
                [json!({"key": "end"}), json!({"key": "k", "version": 7})]
            );
            return Ok(());
        }
        case.poll(&channel).await;
    }
}

fn remove_payload(request: &mut Value) {
    let fields = request.as_object_mut().expect("it is an object");
    fields.retain(|name, _| name != "data" && name != "b64data");
}

/// Adds fields to an object.
fn merge(object: &mut Value, fields: Value) {
    let (Value::Object(object), Value::Object(fields)) = (object, fields) else {
        panic!("both are objects");
    };
    object.extend(fields);
}
