//! The options of a namespace that an answer overrides, for the subscriptions of `Connect` and `Subscribe`.

use centrifugo_api::{PresenceRequest, SubscribeOptionOverride};
use centrifugo_proxy::{ConnectReply, EventKind, SubscribeReply, SubscriptionOptions};
use serde_json::json;

use crate::Outcome;
use crate::harness::{Case, Client, Column, Event, Make, Row, member, play, raw};

in_each_column!(
    overrides_of_connect,
    overrides_of_subscribe,
    overrides_of_nothing_by_connect,
    overrides_of_nothing_by_subscribe,
    infos_of_connect,
);

type Override = fn() -> SubscribeOptionOverride;

fn options() -> SubscribeOptionOverride {
    SubscribeOptionOverride::new()
}

/// Overrides in a namespace that has everything.
pub(crate) const ON: &[Row<Override>] = &[
    Row {
        name: "nothing",
        answer: options,
        seen: &[
            "subscribed to on:CASE, recoverable, positioned",
            "joined: 42",
            "joined: other",
            "others see it join",
            "presence shows 42",
        ],
    },
    Row {
        name: "presence",
        answer: || options().presence(false),
        seen: &[
            "subscribed to on:CASE, recoverable, positioned",
            "joined: 42",
            "joined: other",
            "others see it join",
        ],
    },
    Row {
        name: "join_leave",
        answer: || options().join_leave(false),
        seen: &[
            "subscribed to on:CASE, recoverable, positioned",
            "joined: other",
            "presence shows 42",
        ],
    },
    Row {
        name: "force_push_join_leave",
        answer: || options().force_push_join_leave(false),
        seen: &[
            "subscribed to on:CASE, recoverable, positioned",
            "others see it join",
            "presence shows 42",
        ],
    },
    Row {
        name: "force_recovery",
        answer: || options().force_recovery(false),
        seen: &[
            "subscribed to on:CASE, positioned",
            "joined: 42",
            "joined: other",
            "others see it join",
            "presence shows 42",
        ],
    },
    Row {
        name: "force_positioning, which recovery needs",
        answer: || options().force_positioning(false),
        seen: &[
            "subscribed to on:CASE, recoverable, positioned",
            "joined: 42",
            "joined: other",
            "others see it join",
            "presence shows 42",
        ],
    },
    Row {
        name: "force_recovery and force_positioning",
        answer: || options().force_recovery(false).force_positioning(false),
        seen: &[
            "subscribed to on:CASE",
            "joined: 42",
            "joined: other",
            "others see it join",
            "presence shows 42",
        ],
    },
];

/// Overrides in a namespace that has nothing.
pub(crate) const OFF: &[Row<Override>] = &[
    Row {
        name: "nothing",
        answer: options,
        seen: &["subscribed to off:CASE"],
    },
    Row {
        name: "presence, which nobody may see",
        answer: || options().presence(true),
        seen: &["subscribed to off:CASE"],
    },
    Row {
        name: "join_leave",
        answer: || options().join_leave(true),
        seen: &["subscribed to off:CASE", "others see it join"],
    },
    Row {
        name: "force_push_join_leave",
        answer: || options().force_push_join_leave(true),
        seen: &["subscribed to off:CASE", "joined: other"],
    },
    Row {
        name: "force_recovery",
        answer: || options().force_recovery(true),
        seen: &["subscribed to off:CASE, recoverable, positioned"],
    },
    Row {
        name: "force_positioning",
        answer: || options().force_positioning(true),
        seen: &["subscribed to off:CASE, positioned"],
    },
];

async fn overrides_of_connect(column: Column) -> Outcome {
    play(column, ON, async |case, options| {
        by_connect(case, "on", options()).await
    })
    .await
}

async fn overrides_of_nothing_by_connect(column: Column) -> Outcome {
    play(column, OFF, async |case, options| {
        by_connect(case, "off", options()).await
    })
    .await
}

async fn overrides_of_subscribe(column: Column) -> Outcome {
    play(column, ON, async |case, options| {
        by_subscribe(case, "on", options()).await
    })
    .await
}

async fn overrides_of_nothing_by_subscribe(column: Column) -> Outcome {
    play(column, OFF, async |case, options| {
        by_subscribe(case, "off", options()).await
    })
    .await
}

/// Returns the options of a subscription that the server makes.
fn overriding(options: SubscribeOptionOverride) -> SubscriptionOptions {
    SubscriptionOptions::new().edit(|message| message.r#override = Some(options))
}

/// Infos of subscriptions that the server makes.
pub(crate) const INFOS: &[Row] = &[
    Row {
        name: "info",
        answer: |case| {
            let options = SubscriptionOptions::new().info(r#"{"a":1}"#);
            let reply = ConnectReply::user("42").subscription(case.channel("on"), options);
            reply.into()
        },
        seen: &[r#"is 42 of the subscription {"a":1}"#],
    },
    Row {
        name: "b64info beats info",
        answer: |case| {
            let options = json!({"info": {"a": 1}, "b64info": "eyJiIjoyfQ=="});
            raw(json!({"result": {"user": "42", "subs": {case.channel("on"): options}}}))
        },
        seen: &[r#"is 42 of the subscription {"b":2}"#],
    },
];

async fn infos_of_connect(column: Column) -> Outcome {
    play(column, INFOS, async |case, answer: &Make| {
        case.answer(EventKind::Connect, [answer(case)]);
        let _client = case.connected().await;
        case.members(&case.channel("on")).await
    })
    .await
}

/// Lets the server subscribe a client.
async fn by_connect(case: &Case, namespace: &str, options: SubscribeOptionOverride) -> Vec<String> {
    let channel = case.channel(namespace);
    let reply = ConnectReply::user("42").subscription(&channel, overriding(options));
    seen_by_all(case, &channel, reply, |_| {}).await
}

/// Lets a client subscribe.
async fn by_subscribe(
    case: &Case,
    namespace: &str,
    options: SubscribeOptionOverride,
) -> Vec<String> {
    let channel = case.channel(namespace);
    let reply = SubscribeReply::allow().edit(|message| message.r#override = Some(options));
    case.answer(EventKind::Subscribe, [reply.into()]);
    let subscribe = |client: &mut Client| client.subscribe(&channel);
    seen_by_all(case, &channel, ConnectReply::user("42"), subscribe).await
}

/// Subscribes a client between two others.
async fn seen_by_all(
    case: &Case,
    channel: &str,
    reply: ConnectReply,
    subscribe: impl Fn(&mut Client),
) -> Vec<String> {
    let shown = overriding(options().join_leave(true).force_push_join_leave(true));
    let other = ConnectReply::user("other").subscription(channel, shown);
    let answers = [other.clone().into(), reply.into(), other.into()];
    case.answer(EventKind::Connect, answers);
    let mut before = joined(case).await;
    let mut client = case.connected().await;
    subscribe(&mut client);
    let subscribed = client.next().await;
    let _after = joined(case).await;
    case.publish_end(channel).await;
    let mut seen = vec![subscribed.to_string()];
    seen.extend(client.until_end().await.iter().map(Event::to_string));
    for event in before.until_end().await {
        if event.to_string().starts_with("joined: 42") {
            seen.push("others see it join".to_owned());
        }
    }
    match case.api().presence(PresenceRequest::new(channel)).await {
        Ok(reply) => {
            let members = reply.presence.into_values().map(member);
            let members = members.map(|member| format!("presence shows {member}"));
            seen.extend(members.filter(|line| line.contains("42")));
        }
        // The namespace has no presence, whatever the answer says.
        Err(error) => assert_eq!(error.api_code(), Some(108), "{error}"),
    }
    seen
}

/// Connects a client that the server subscribes, and waits until all know of it.
async fn joined(case: &Case) -> Client {
    let mut client = case.connected().await;
    while !matches!(client.next().await, Event::Joined(_)) {}
    client
}
