//! Connection tokens that are accepted, and what their claims do.

use centrifugo_api::{SubscribeOptionOverride, binary};
use centrifugo_token::{ConnectionClaims, Expiry, SubscriptionOptions};

use crate::Outcome;
use crate::harness::{Backend, Client, Event, Member, Server, minute};

on_both!(each_claim_has_its_effect);

/// A token, and what it does.
struct Case {
    name: &'static str,
    claims: fn() -> ConnectionClaims,
    seen: Seen,
}

/// The effect of a token on a connection.
#[derive(Debug, PartialEq)]
struct Seen {
    user: &'static str,
    info: &'static str,
    /// In the order of their names.
    subscriptions: &'static [Subscribed],
}

/// A subscription that a token brings.
#[derive(Debug, PartialEq)]
struct Subscribed {
    channel: &'static str,
    data: &'static str,
    recoverable: bool,
    positioned: bool,
    /// The info of the subscription in presence, if the client is there.
    presence: Option<&'static str>,
}

/// The options of the namespace `plain`.
const PLAIN: Subscribed = Subscribed {
    channel: "plain:a",
    data: "",
    recoverable: true,
    positioned: true,
    presence: Some(""),
};

const USER: Seen = Seen {
    user: "42",
    info: "",
    subscriptions: &[],
};

fn user() -> ConnectionClaims {
    ConnectionClaims::new("42", minute())
}

fn options() -> SubscriptionOptions {
    SubscriptionOptions::new()
}

fn overriding(options: SubscribeOptionOverride) -> ConnectionClaims {
    let options = SubscriptionOptions::new().r#override(options);
    user().subscription("plain:a", options)
}

const CASES: &[Case] = &[
    Case {
        name: "sub",
        claims: user,
        seen: USER,
    },
    Case {
        name: "no sub",
        claims: || ConnectionClaims::anonymous(minute()),
        seen: Seen { user: "", ..USER },
    },
    Case {
        name: "no exp",
        claims: || ConnectionClaims::new("42", Expiry::never()),
        seen: USER,
    },
    Case {
        name: "expire_at 0",
        claims: || user().one_time(),
        seen: USER,
    },
    Case {
        name: "nbf, iat and jti",
        claims: || {
            let earlier = std::time::SystemTime::now() - std::time::Duration::from_secs(10);
            user().not_before(earlier).issued_at(earlier).id("one")
        },
        seen: USER,
    },
    Case {
        name: "aud, iss and own claims that no option asks for",
        claims: || {
            user()
                .audience("a")
                .audience("b")
                .issuer("i")
                .claim("own", [1, 2])
        },
        seen: USER,
    },
    Case {
        name: "info",
        claims: || user().info(r#"{"name":"Al"}"#),
        seen: Seen {
            info: r#"{"name":"Al"}"#,
            ..USER
        },
    },
    Case {
        name: "b64info",
        claims: || user().info(binary(r#"{"b":"???"}"#)),
        seen: Seen {
            info: r#"{"b":"???"}"#,
            ..USER
        },
    },
    Case {
        name: "meta",
        claims: || user().meta(&serde_json::json!({"secret": 1})),
        seen: USER,
    },
    Case {
        name: "channels",
        claims: || user().channel("plain:a").channel("nohist:b"),
        seen: Seen {
            subscriptions: &[NOHIST, PLAIN],
            ..USER
        },
    },
    Case {
        name: "subs with info and data",
        claims: || {
            user().subscription(
                "plain:a",
                options().info(r#"{"in":1}"#).data(r#"{"out":2}"#),
            )
        },
        seen: Seen {
            subscriptions: &[Subscribed {
                data: r#"{"out":2}"#,
                presence: Some(r#"{"in":1}"#),
                ..PLAIN
            }],
            ..USER
        },
    },
    Case {
        name: "subs with b64info and b64data",
        claims: || {
            let options = options().info(binary("[1]")).data(binary("[2]"));
            user().subscription("plain:a", options)
        },
        seen: Seen {
            subscriptions: &[Subscribed {
                data: "[2]",
                presence: Some("[1]"),
                ..PLAIN
            }],
            ..USER
        },
    },
    Case {
        name: "override presence",
        claims: || overriding(SubscribeOptionOverride::new().presence(false)),
        seen: Seen {
            subscriptions: &[Subscribed {
                presence: None,
                ..PLAIN
            }],
            ..USER
        },
    },
    Case {
        name: "override force_recovery",
        claims: || overriding(SubscribeOptionOverride::new().force_recovery(false)),
        seen: Seen {
            subscriptions: &[Subscribed {
                recoverable: false,
                positioned: false,
                ..PLAIN
            }],
            ..USER
        },
    },
    Case {
        name: "override force_positioning",
        claims: || {
            let options = SubscribeOptionOverride::new()
                .force_recovery(false)
                .force_positioning(true);
            overriding(options)
        },
        seen: Seen {
            subscriptions: &[Subscribed {
                recoverable: false,
                ..PLAIN
            }],
            ..USER
        },
    },
];

/// The options of the namespace `nohist`, which has no presence.
const NOHIST: Subscribed = Subscribed {
    channel: "nohist:b",
    data: "",
    recoverable: false,
    positioned: false,
    presence: None,
};

async fn each_claim_has_its_effect(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    for Case { name, claims, seen } in CASES {
        let client = server.connected(&claims()).await?;
        check(name, &server, client, seen).await;
    }
    Ok(())
}

/// Checks what the server shows of a client.
async fn check(name: &str, server: &Server, mut client: Client, seen: &Seen) {
    let mut events = Vec::new();
    while events.len() < seen.subscriptions.len() {
        if let event @ Event::Subscribed { .. } = client.next().await {
            events.push(event);
        }
    }
    events.sort_by_key(|event| format!("{event:?}"));
    for (subscribed, event) in seen.subscriptions.iter().zip(events) {
        let expected = Event::Subscribed {
            channel: subscribed.channel.to_owned(),
            data: subscribed.data.to_owned(),
            recoverable: subscribed.recoverable,
            positioned: subscribed.positioned,
        };
        assert_eq!(event, expected, "{name}");
        let member = server.member(subscribed.channel, client.id()).await;
        let info = member.map(|member| member.chan_info);
        assert_eq!(info.as_deref(), subscribed.presence, "{name}");
    }
    let code = client.subscribe("plain:seen").await;
    assert_eq!(code, Ok(()), "{name}");
    let member = server.member("plain:seen", client.id()).await;
    let expected = Member {
        user: seen.user.to_owned(),
        conn_info: seen.info.to_owned(),
        chan_info: String::new(),
    };
    assert_eq!(member, Some(expected), "{name}");
}
