//! Connections that are refused, lost, stale, or made to another server than Centrifugo.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use centrifugo_api::{Client, Error, Retry};

#[cfg(target_os = "linux")]
use crate::blackhole::Blackhole;
use crate::closed_port::closed_port;
use crate::fake_grpc::Reply;
use crate::fake_http::Answer;
#[cfg(feature = "_http")]
use crate::fake_http::FakeHttp;
use crate::over_both_transports::{published, script};
use crate::{
    Outcome, Predicates, all_texts, assert_lost, assert_says, failure, predicates, publish,
};

const PAUSE: Duration = Duration::from_millis(50);

/// Returns a client of each transport for an address, and its URL.
fn clients(address: SocketAddr) -> Vec<(String, Client)> {
    let mut urls = Vec::new();
    if cfg!(feature = "_http") {
        urls.push(format!("http://{address}/api"));
    }
    if cfg!(feature = "grpc") {
        urls.push(format!("grpc://{address}"));
    }
    urls.into_iter()
        .map(|url| (url.clone(), crate::client(&url)))
        .collect()
}

/// Checks the error of a call that never had a connection, so that it cannot have run.
#[track_caller]
fn assert_unsent(error: &Error, case: &str) {
    assert!(
        matches!(
            error,
            Error::Network {
                method: "publish",
                ..
            }
        ),
        "{case}: {error:?}"
    );
    let expected = Predicates {
        retryable: true,
        network: true,
        unsent: true,
        ..Predicates::default()
    };
    assert_eq!(predicates(error), expected, "{case}");
    assert_says(error, "nothing was sent", case);
    assert!(
        !error.to_string().contains("may have run"),
        "{case}: {error}"
    );
    assert!(
        std::error::Error::source(error).is_some(),
        "{case}: {error:?}"
    );
}

#[tokio::test]
async fn refused_connection_is_a_network_error_of_an_unsent_call() -> Outcome {
    let closed = closed_port()?;
    for (url, client) in clients(closed.local_addr()?) {
        for _ in 0..3 {
            let error = failure(&client, &url).await;
            assert_unsent(&error, &url);
            assert!(
                crate::all_texts(&error).contains("onnection refused"),
                "{error:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn host_that_is_not_known_is_a_network_error_of_an_unsent_call() {
    // Longer than a label of a name may be: no resolver queries the network for it.
    let host = format!("{}.invalid", "x".repeat(64));
    let urls = [
        (format!("http://{host}/api"), cfg!(feature = "_http")),
        (format!("grpc://{host}:10000"), cfg!(feature = "grpc")),
    ];
    for (url, _) in urls.into_iter().filter(|(_, compiled)| *compiled) {
        assert_unsent(&failure(&crate::client(&url), &url).await, &url);
    }
}

#[tokio::test]
async fn client_reaches_a_server_that_comes_up_later() -> Outcome {
    let closed = closed_port()?;
    let clients = clients(closed.local_addr()?);
    for (url, client) in &clients {
        assert_unsent(&failure(client, url).await, url);
    }
    let listener = closed.listen(8)?;
    tokio::spawn(async move { while listener.accept().await.map(drop).is_ok() {} });
    for (url, client) in &clients {
        // It reaches the listener, which only hangs up.
        let error = failure(client, url).await;
        assert!(
            error.is_network() && !all_texts(&error).contains("refused"),
            "{url}: {error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn connection_cut_after_the_request_may_have_run_it() {
    for server in script([(Answer::nothing(), Reply::nothing().cut())]) {
        let error = failure(&server.client(), server.transport()).await;
        assert_lost(&error, server.transport());
        assert_eq!(server.calls(), 1, "{}", server.transport());
    }
}

#[tokio::test]
async fn lost_call_is_not_retried() {
    // The first call succeeds, so that the second one reuses the connection.
    for server in script([published(), (Answer::nothing(), Reply::nothing().cut())]) {
        let client = server.client();
        assert!(publish(&client).await.is_ok());
        let made = server.connections();
        assert_lost(
            &failure(&client, server.transport()).await,
            server.transport(),
        );
        assert_eq!(
            (server.calls(), server.connections()),
            (2, made),
            "{}",
            server.transport()
        );
    }
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn connection_that_was_used_before_and_is_lost_at_once_names_the_keep_alive() -> Outcome {
    let hint = "set idle_timeout below its keep-alive";
    let fake = FakeHttp::script([published().0, Answer::nothing(), Answer::nothing()]);
    let client = crate::client(&fake.url());
    publish(&client).await?;
    let error = failure(&client, "used before").await;
    assert_lost(&error, "used before");
    assert_says(&error, hint, "used before");
    let error = failure(&client, "new").await;
    assert!(!error.to_string().contains(hint), "{error}");
    Ok(())
}

#[tokio::test]
async fn call_after_a_lost_one_reconnects() -> Outcome {
    for server in script([(Answer::nothing(), Reply::nothing().cut()), published()]) {
        let client = server.client();
        assert_lost(
            &failure(&client, server.transport()).await,
            server.transport(),
        );
        let made = server.connections();
        assert_eq!(publish(&client).await?.offset, 7);
        assert!(server.connections() > made);
    }
    Ok(())
}

#[tokio::test]
async fn calls_share_a_connection() -> Outcome {
    for server in script([published(), published(), published()]) {
        let client = server.client();
        assert_eq!(publish(&client).await?.offset, 7);
        // More than one if the first dial took long.
        let made = server.connections();
        for _ in 0..2 {
            assert_eq!(publish(&client.clone()).await?.offset, 7);
        }
        assert_eq!(server.connections(), made, "{}", server.transport());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(all(feature = "http", feature = "hyper"))]
async fn tasks_that_begin_together_use_about_a_connection_each() -> Outcome {
    const TASKS: usize = 64;
    const CALLS: usize = 30;
    let answers = std::iter::repeat_with(|| published().0);
    let fake = FakeHttp::script(answers.take(TASKS * CALLS));
    let client = Client::builder(fake.url()).api_key(crate::KEY).hyper();
    let client = client.build()?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let client = client.clone();
        tasks.spawn(async move {
            for _ in 0..CALLS {
                publish(&client).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    // A few more on a slow machine: only a young dial is taken over.
    let made = fake.connections();
    assert!(made <= TASKS + TASKS / 4, "{made}");
    Ok(())
}

#[tokio::test]
async fn idle_connection_closed_by_the_server_is_replaced() -> Outcome {
    let closing = || {
        let (answer, reply) = published();
        (answer.pause(PAUSE).close(), reply.pause(PAUSE).cut())
    };
    for server in script([closing(), closing(), published()]) {
        let client = server.client();
        let mut made = 0;
        for call in 1..=3 {
            assert_eq!(publish(&client).await?.offset, 7);
            assert!(server.connections() > made, "{}", server.transport());
            made = server.connections();
            if call < 3 {
                server.all_ended().await;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

#[tokio::test]
#[cfg(feature = "grpc")]
async fn connection_closed_with_goaway_is_replaced() -> Outcome {
    use h2::Reason;

    let (_, reply) = published();
    let leaving = [
        reply.clone().last_go_away(),
        reply.clone().pause(PAUSE).go_away(Reason::NO_ERROR),
        reply
            .clone()
            .pause(PAUSE)
            .go_away(Reason::ENHANCE_YOUR_CALM),
    ];
    for first in leaving {
        let fake = crate::fake_grpc::FakeGrpc::script([first, reply.clone()]);
        let client = crate::client(&fake.url());
        assert_eq!(publish(&client).await?.offset, 7);
        let made = fake.connections();
        fake.all_ended().await;
        tokio::time::sleep(PAUSE).await;
        assert_eq!(publish(&client).await?.offset, 7);
        assert!(fake.connections() > made);
    }
    Ok(())
}

/// Answers each connection with `bytes` as soon as it has received something, then hangs up.
fn something_else(bytes: &'static [u8]) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
        }
    });
    Ok(address)
}

/// Replies of Go's servers to HTTP/2 or TLS where they expect HTTP/1.1, and of Centrifugo's gRPC
/// port to HTTP/1.1.
const OTHERS: &[(&[u8], &str)] = &[
    (
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request",
        "HTTP/1.1",
    ),
    (
        b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00",
        "HTTP/2",
    ),
    (b"\x15\x03\x01\x00\x02\x02\x0a", "TLS"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
    (b"", "nothing"),
];

#[tokio::test]
async fn other_server_than_centrifugo_is_no_success() -> Outcome {
    for (bytes, case) in OTHERS {
        for (url, client) in clients(something_else(bytes)?) {
            let case = format!("{url} {case}");
            let error = failure(&client, &case).await;
            assert!(
                matches!(error, Error::Network { .. } | Error::Transport { .. }),
                "{case}: {error:?}"
            );
            // Over gRPC the other server may hang up before the request has left.
            assert!(!error.is_unsent() || url.starts_with("grpc"), "{case}");
        }
    }
    Ok(())
}

#[tokio::test]
#[cfg(feature = "tls")]
async fn server_without_tls_is_a_network_error_of_an_unsent_call() -> Outcome {
    for (bytes, case) in OTHERS {
        let address = something_else(bytes)?;
        for url in tls_urls(address) {
            let case = format!("{url} {case}");
            let client = Client::builder(&url)
                .retry(Retry::none())
                .danger_accept_invalid_certs()
                .build()?;
            assert_unsent(&failure(&client, &case).await, &case);
        }
    }
    Ok(())
}

#[cfg(feature = "tls")]
fn tls_urls(address: SocketAddr) -> Vec<String> {
    let urls = clients(address).into_iter().map(|(url, _)| url);
    urls.map(|url| url.replacen("://", "s://", 1)).collect()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn connecting_ends_after_connect_timeout() -> Outcome {
    let blackhole = Blackhole::start().await?;
    for (url, _) in clients(blackhole.address) {
        let client = Client::builder(&url)
            .retry(Retry::none())
            .connect_timeout(PAUSE)
            .build()?;
        assert_connect_timeout(&failure(&client, &url).await, &url);
    }
    Ok(())
}

#[tokio::test]
#[cfg(feature = "tls")]
async fn tls_handshake_ends_after_connect_timeout() -> Outcome {
    // Nobody accepts, and the system's queue takes the connections.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    for url in tls_urls(listener.local_addr()?) {
        let client = Client::builder(&url)
            .retry(Retry::none())
            .danger_accept_invalid_certs()
            .connect_timeout(PAUSE)
            .build()?;
        assert_connect_timeout(&failure(&client, &url).await, &url);
    }
    Ok(())
}

#[track_caller]
fn assert_connect_timeout(error: &Error, case: &str) {
    assert!(
        matches!(
            error,
            Error::Timeout {
                method: "publish",
                ..
            }
        ),
        "{case}: {error:?}"
    );
    let expected = Predicates {
        retryable: true,
        timeout: true,
        unsent: true,
        ..Predicates::default()
    };
    assert_eq!(predicates(error), expected, "{case}");
    assert_says(error, "nothing was sent", case);
}
