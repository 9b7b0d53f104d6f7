//! HTTP connections that die, never come, or refuse streams: HTTP/1.1, and HTTP/2 over TLS.

use std::time::{Duration, Instant};

use centrifugo_api::{Client, ClientBuilder, InfoRequest, PublishRequest, Retry};
use centrifugo_api_testing::{Fault, Server};
use h2::Reason;
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::fake_grpc::{FakeGrpc, Reply};
use crate::front::{Front, Manner, acceptor};
use crate::{Outcome, address, published};

/// The time that most calls here have.
const SHORT: Duration = Duration::from_millis(500);

/// The time of a handshake that takes longer than such a call.
const SLOW: Duration = Duration::from_millis(1200);

type Problem = Box<dyn std::error::Error>;

/// Returns the builder of a client without retries for a front of a server that speaks HTTP/2 over TLS.
async fn encrypted(
    server: std::net::SocketAddr,
    manner: impl Fn(usize) -> Manner + Send + 'static,
) -> Result<(Front, ClientBuilder), Problem> {
    let authority = Authority::new()?;
    let tls: TlsAcceptor = acceptor(&authority.certify("127.0.0.1")?.identity())?;
    let front = Front::start(server, Some(tls), manner).await?;
    let builder = Client::builder(format!("https://{}/api", front.address))
        .root_certificate(authority.pem())
        .retry(Retry::none());
    Ok((front, builder))
}

/// The same for HTTP/1.1 without TLS.
async fn plain(server: &Server) -> Result<(Front, ClientBuilder), Problem> {
    let front = Front::start(address(server).parse()?, None, |_| Manner::Pass).await?;
    let builder = Client::builder(format!("http://{}/api", front.address)).retry(Retry::none());
    Ok((front, builder))
}

/// Makes calls one after another, and returns the number of those that fail.
async fn failures(client: &Client, calls: usize) -> usize {
    let mut failed = 0;
    for _ in 0..calls {
        let outcome = client.info(InfoRequest::new()).await;
        failed += usize::from(outcome.is_err());
    }
    failed
}

#[tokio::test]
async fn connection_that_went_silent_is_replaced() -> Outcome {
    let server = Server::start()?;
    let encrypted = encrypted(address(&server).parse()?, |_| Manner::Pass).await?;
    for (front, builder) in [plain(&server).await?, encrypted] {
        let client = builder.api_key(server.api_key()).timeout(SHORT).build()?;
        assert_eq!(failures(&client, 1).await, 0);
        front.freeze();
        let failed = failures(&client, 8).await;
        assert!(failed <= 2, "{failed} calls failed");
        assert_eq!(front.connections(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn idle_connections_that_went_silent_together_are_found_out_together() -> Outcome {
    const CONNECTIONS: usize = 10;
    let server = Server::start()?;
    let (front, builder) = plain(&server).await?;
    let client = builder.api_key(server.api_key()).build()?;
    server.fail_next(CONNECTIONS, Fault::delay(SHORT))?;
    let calls = (0..CONNECTIONS).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.info(InfoRequest::new()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    assert_eq!(front.connections(), CONNECTIONS);
    front.freeze();
    let failed = failures(&client.with_timeout(SHORT), CONNECTIONS).await;
    assert!(failed <= 2, "{failed} calls failed");
    assert_eq!(front.connections(), CONNECTIONS + 1);
    Ok(())
}

#[tokio::test]
async fn call_that_is_dropped_in_vain_tells_of_a_silent_connection() -> Outcome {
    let server = Server::start()?;
    let (front, builder) = encrypted(address(&server).parse()?, |_| Manner::Pass).await?;
    let client = builder.api_key(server.api_key()).build()?;
    client.info(InfoRequest::new()).await?;
    front.freeze();
    let dropped = tokio::time::timeout(2 * SLOW, client.info(InfoRequest::new()));
    assert!(dropped.await.is_err());
    assert_eq!(failures(&client, 1).await, 0);
    Ok(())
}

#[tokio::test]
async fn connections_on_which_something_arrives_are_kept() -> Outcome {
    let server = Server::start()?;
    let (front, builder) = encrypted(address(&server).parse()?, |_| Manner::Pass).await?;
    let client = builder.api_key(server.api_key()).build()?;
    client.info(InfoRequest::new()).await?;
    server.fail_next(1, Fault::delay(2 * SHORT))?;
    let slow = tokio::spawn({
        let client = client.with_timeout(SHORT);
        async move { client.info(InfoRequest::new()).await }
    });
    while server.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    while !slow.is_finished() {
        client.info(InfoRequest::new()).await?;
    }
    slow.await?.unwrap_err();
    client.info(InfoRequest::new()).await?;
    assert_eq!(front.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn handshake_that_takes_longer_than_a_call_serves_later_calls() -> Outcome {
    let server = Server::start()?;
    let (front, builder) = encrypted(address(&server).parse()?, |_| Manner::Slow(SLOW)).await?;
    let client = builder.api_key(server.api_key()).timeout(SHORT).build()?;
    let mut failed = 0;
    while let Err(error) = client.info(InfoRequest::new()).await {
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        failed += 1;
        assert!(failed < 20, "no call succeeds");
    }
    assert_eq!(failures(&client, 10).await, 0);
    assert!(front.connections() <= failed + 3);
    Ok(())
}

#[tokio::test]
async fn handshake_that_hangs_holds_up_no_call() -> Outcome {
    let hung = |number| {
        if number == 0 {
            Manner::Hang
        } else {
            Manner::Pass
        }
    };
    let server = Server::start()?;
    let (front, builder) = encrypted(address(&server).parse()?, hung).await?;
    let client = builder.api_key(server.api_key()).build()?;
    let started = Instant::now();
    assert_eq!(failures(&client, 10).await, 0);
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(front.connections(), 2);
    Ok(())
}

/// Returns a successful reply to a publication, as JSON over HTTP/2.
fn json() -> Reply {
    Reply::head(200, &[("content-type", "application/json")])
        .data(r#"{"result":{"offset":7,"epoch":"abcd"}}"#)
        .end()
}

#[tokio::test]
async fn refused_stream_goes_again_at_once() -> Outcome {
    let fake = FakeGrpc::script([
        Reply::nothing().reset(Reason::REFUSED_STREAM),
        Reply::nothing().reset(Reason::REFUSED_STREAM),
        json(),
    ]);
    let (_front, builder) = encrypted(fake.address(), |_| Manner::Pass).await?;
    let client = builder.build()?;
    let result = client.publish(PublishRequest::new("news", "{}")).await?;
    assert_eq!(result.offset, 7);
    Ok(())
}

#[tokio::test]
async fn stream_that_is_always_refused_is_unsent_and_other_resets_are_not() -> Outcome {
    for (reason, is_unsent, calls) in [
        (Reason::REFUSED_STREAM, true, 3),
        (Reason::CANCEL, false, 1),
    ] {
        let fake = FakeGrpc::always(Reply::nothing().reset(reason));
        let (_front, builder) = encrypted(fake.address(), |_| Manner::Pass).await?;
        let client = builder.build()?;
        let error = client
            .publish(PublishRequest::new("news", "{}"))
            .await
            .unwrap_err();
        assert!(
            error.is_network() && error.is_unsent() == is_unsent,
            "{error:?}"
        );
        assert_eq!(fake.requests().len(), calls, "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn call_above_the_last_id_of_a_goaway_goes_again() -> Outcome {
    let server = Server::start()?;
    let leaving = |number| {
        if number == 0 {
            Manner::LeaveBefore(2)
        } else {
            Manner::Pass
        }
    };
    let (front, builder) = encrypted(address(&server).parse()?, leaving).await?;
    let client = builder.api_key(server.api_key()).build()?;
    for data in ["1", "2", "3"] {
        client.publish(PublishRequest::new("news", data)).await?;
    }
    assert_eq!(
        (published(&client, "news").await?, front.connections()),
        (3, 2)
    );
    Ok(())
}

#[tokio::test]
async fn call_that_a_goaway_covers_may_have_run() -> Outcome {
    for reply in [
        Reply::nothing().go_away(Reason::INTERNAL_ERROR),
        Reply::nothing().cut(),
    ] {
        let fake = FakeGrpc::always(reply);
        let (_front, builder) = encrypted(fake.address(), |_| Manner::Pass).await?;
        let client = builder.build()?;
        let error = client
            .publish(PublishRequest::new("news", "{}"))
            .await
            .unwrap_err();
        assert!(error.is_network() && !error.is_unsent(), "{error:?}");
        assert_eq!(fake.requests().len(), 1);
    }
    Ok(())
}
