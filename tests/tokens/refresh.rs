//! Tokens that refresh connections and subscriptions.

use std::time::{SystemTime, UNIX_EPOCH};

use centrifugo_token::{ConnectionClaims, SubscriptionOptions};
use futures_util::future::join_all;

use crate::Outcome;
use crate::harness::{Backend, Client, Event, Server, forged, minute};

on_both!(
    connection_is_refreshed_or_refused,
    subscription_is_refreshed_or_refused,
    refreshed_connection_has_new_info,
    refreshed_subscription_has_new_info,
);

/// The claims of a connection's second token, and the code with which it is refused, if it is. The first one has the user 42
/// and the channel `plain:a`.
const CONNECTIONS: &[(&str, Option<u32>)] = &[
    (r#"{"sub":"42","exp":SOON,"channels":["plain:a"]}"#, None),
    (
        r#"{"sub":"42","exp":SOON,"subs":{"plain:a":{"data":1}}}"#,
        None,
    ),
    (
        r#"{"sub":"42","expire_at":SOON,"channels":["plain:a"]}"#,
        None,
    ),
    (r#"{"sub":"42","exp":1,"channels":["plain:a"]}"#, Some(3005)),
    (r#"{"sub":"42","exp":SOON,"nbf":4102444800}"#, Some(3005)),
    (
        r#"{"sub":"42","expire_at":1,"channels":["plain:a"]}"#,
        Some(110),
    ),
    (
        r#"{"sub":"43","exp":SOON,"channels":["plain:a"]}"#,
        Some(3500),
    ),
    (r#"{"exp":SOON,"channels":["plain:a"]}"#, Some(3500)),
    (r#"{"sub":42}"#, Some(3500)),
    (r#"{"sub":"42","exp":SOON,"channel":"plain:a"}"#, Some(3500)),
    (
        r#"{"sub":"42","exp":SOON,"channels":["unknown:a"]}"#,
        Some(102),
    ),
    (r#"{"sub":"42","exp":SOON}"#, Some(3010)),
    (
        r#"{"sub":"42","exp":SOON,"channels":["plain:a","plain:b"]}"#,
        Some(3010),
    ),
    (
        r#"{"sub":"42","exp":SOON,"channels":["plain:b"]}"#,
        Some(3010),
    ),
];

/// The claims of a subscription's second token, in the same way. The first one has the user 42 and the channel `plain:a`.
const SUBSCRIPTIONS: &[(&str, Option<u32>)] = &[
    (r#"{"sub":"42","channel":"plain:a","exp":SOON}"#, None),
    (
        r#"{"sub":"42","channel":"plain:a","exp":SOON,"data":1}"#,
        None,
    ),
    (r#"{"sub":"42","channel":"plain:a","expire_at":SOON}"#, None),
    (r#"{"sub":"42","channel":"plain:a","exp":1}"#, Some(3006)),
    (
        r#"{"sub":"42","channel":"plain:a","nbf":4102444800}"#,
        Some(3006),
    ),
    (
        r#"{"sub":"42","channel":"plain:a","expire_at":1}"#,
        Some(3006),
    ),
    (r#"{"sub":"42","channel":"plain:b","exp":SOON}"#, Some(3500)),
    (r#"{"sub":"43","channel":"plain:a","exp":SOON}"#, Some(3500)),
    (
        r#"{"sub":"42","channel":"plain:a","client":"other"}"#,
        Some(3500),
    ),
    (r#"{"sub":"42","exp":SOON}"#, Some(3500)),
    (
        r#"{"sub":"42","channel":"unknown:a","exp":SOON}"#,
        Some(102),
    ),
];

/// Returns a token. `SOON` in its claims is a time in some seconds.
fn token(claims: &str, seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("the clock is set").as_secs();
    forged(&claims.replace("SOON", &(now + seconds).to_string()))
}

async fn connection_is_refreshed_or_refused(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let cases = CONNECTIONS.iter().map(async |(claims, expected)| {
        let first = token(CONNECTIONS[0].0, 2);
        let refreshed = server.refresh(&first, &token(claims, 5)).await;
        assert_eq!(refreshed.err(), *expected, "{claims}");
    });
    join_all(cases).await;
    Ok(())
}

async fn subscription_is_refreshed_or_refused(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let cases = SUBSCRIPTIONS.iter().map(async |(claims, expected)| {
        let client = server.connect(&forged(r#"{"sub":"42"}"#)).await;
        let mut client = client.expect("the user connects");
        let first = token(SUBSCRIPTIONS[0].0, 2);
        let next = token(claims, 5);
        let refreshed = client.refresh_subscription("plain:a", &first, &next).await;
        assert_eq!(refreshed.err(), *expected, "{claims}");
    });
    join_all(cases).await;
    Ok(())
}

/// Connects a client that sees others leave.
async fn watcher(server: &Server) -> Result<Client, Box<dyn std::error::Error>> {
    let claims = ConnectionClaims::new("watcher", minute())
        .subscription("plain:a", SubscriptionOptions::new());
    server.connected(&claims).await
}

/// Ends a client, and returns what the other one sees of its connection and of its subscription.
async fn infos_at_the_end(client: Client, watcher: &mut Client) -> (String, String) {
    let id = client.id().to_owned();
    drop(client);
    loop {
        match watcher.next().await {
            Event::Left {
                client,
                conn_info,
                chan_info,
            } if client == id => return (conn_info, chan_info),
            Event::Disconnected(code) => panic!("disconnected with {code}"),
            _ => {}
        }
    }
}

async fn refreshed_connection_has_new_info(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let mut watcher = watcher(&server).await?;
    let first = r#"{"sub":"42","exp":SOON,"channels":["plain:a"],"info":1}"#;
    for (next, expected) in [
        (first.replace(r#""info":1"#, r#""info":2"#), "2"),
        // The former info stays.
        (first.replace(r#","info":1"#, ""), "1"),
    ] {
        let client = server.refresh(&token(first, 2), &token(&next, 4)).await;
        let client = client.map_err(|code| format!("refused with {code}"))?;
        let infos = infos_at_the_end(client, &mut watcher).await;
        assert_eq!(infos, (expected.to_owned(), String::new()), "{next}");
    }
    Ok(())
}

async fn refreshed_subscription_has_new_info(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let mut watcher = watcher(&server).await?;
    let first = r#"{"sub":"42","exp":SOON,"channel":"plain:a","info":1}"#;
    for (next, expected) in [
        (first.replace(r#""info":1"#, r#""info":2"#), "2"),
        // Unlike that of a connection, the former info is gone.
        (first.replace(r#","info":1"#, ""), ""),
    ] {
        let client = server.connect(&forged(r#"{"sub":"42"}"#)).await;
        let mut client = client.map_err(|code| format!("refused with {code}"))?;
        let tokens = [token(first, 2), token(&next, 4)];
        let refreshed = client.refresh_subscription("plain:a", &tokens[0], &tokens[1]);
        assert_eq!(refreshed.await, Ok(()), "{next}");
        let infos = infos_at_the_end(client, &mut watcher).await;
        assert_eq!(infos, (String::new(), expected.to_owned()), "{next}");
    }
    Ok(())
}
