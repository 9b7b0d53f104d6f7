//! gRPC connections that die, never come, or refuse streams.

use std::time::{Duration, Instant};

use centrifugo_api::{
    Client, ClientBuilder, Error, HistoryRequest, InfoRequest, PublishRequest, PublishResponse,
    PublishResult, Retry,
};
use centrifugo_api_testing::{Fault, Server};
use h2::Reason;

use crate::fake_grpc::{FakeGrpc, Reply};
use crate::front::{Front, Manner};
use crate::{Outcome, PATIENCE, address, called};

/// The time that most calls here have.
const SHORT: Duration = Duration::from_millis(500);

async fn front_of(
    server: &Server,
    manner: impl Fn(usize) -> Manner + Send + 'static,
) -> Result<Front, Box<dyn std::error::Error>> {
    Ok(Front::start(address(server).parse()?, None, manner).await?)
}

/// Returns the builder of a client without retries.
fn client_of(front: &Front, server: &Server) -> ClientBuilder {
    Client::builder(format!("grpc://{}", front.address))
        .api_key(server.grpc_api_key())
        .retry(Retry::none())
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
    let front = front_of(&server, |_| Manner::Pass).await?;
    let client = client_of(&front, &server).timeout(SHORT).build()?;
    assert_eq!(failures(&client, 1).await, 0);
    front.freeze();
    let failed = failures(&client, 8).await;
    assert!(failed <= 2, "{failed} calls failed");
    assert_eq!(front.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn silent_connections_are_found_by_calls_with_little_time() -> Outcome {
    let server = Server::start()?;
    let front = front_of(&server, |_| Manner::Pass).await?;
    let client = client_of(&front, &server).build()?;
    assert_eq!(failures(&client, 1).await, 0);
    front.freeze();
    let hurried = client.with_timeout(Duration::from_millis(30));
    let mut failed = 0;
    while hurried.info(InfoRequest::new()).await.is_err() {
        failed += 1;
        assert!(failed < 100, "no call succeeds");
    }
    Ok(())
}

#[tokio::test]
async fn connections_that_went_silent_together_are_found_out_together() -> Outcome {
    let server = Server::start()?;
    let front = front_of(&server, |_| Manner::Pass).await?;
    let client = client_of(&front, &server).build()?;
    // More than a connection takes.
    server.fail_next(250, Fault::delay(Duration::from_secs(1)))?;
    let calls = (0..250).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.info(InfoRequest::new()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    assert_eq!(front.connections(), 3);
    front.freeze();
    let failed = failures(&client.with_timeout(SHORT), 8).await;
    assert!(failed <= 2, "{failed} calls failed");
    assert_eq!(front.connections(), 4);
    Ok(())
}

#[tokio::test]
async fn silent_connection_to_one_of_two_nodes_is_replaced() -> Outcome {
    let nodes = [Server::start()?, Server::start()?];
    let first = front_of(&nodes[0], |_| Manner::Pass).await?;
    let second = front_of(&nodes[1], |_| Manner::Pass).await?;
    let client = client_of(&first, &nodes[0])
        .endpoint(format!("grpc://{}", second.address))
        .timeout(SHORT)
        .build()?;
    assert_eq!(failures(&client, 4).await, 0);
    first.freeze();
    let failed = failures(&client, 12).await;
    assert!(failed <= 2, "{failed} calls failed");
    Ok(())
}

#[tokio::test]
async fn call_on_connection_that_is_given_up_still_gets_its_reply() -> Outcome {
    let server = Server::start()?;
    let front = front_of(&server, |_| Manner::Pass).await?;
    let client = client_of(&front, &server).build()?;
    assert_eq!(failures(&client, 1).await, 0);
    server.fail_next(2, Fault::delay(Duration::from_secs(2)))?;
    let patient = tokio::spawn({
        let client = client.clone();
        async move { client.info(InfoRequest::new()).await }
    });
    let hurried = client.with_timeout(SHORT).info(InfoRequest::new()).await;
    assert!(hurried.is_err_and(|error| error.is_timeout()));
    client.history(HistoryRequest::new("news")).await?;
    assert_eq!(front.connections(), 2);
    patient.await??;
    Ok(())
}

#[tokio::test]
#[cfg(feature = "tls")]
async fn handshake_that_hangs_does_not_hold_up_later_calls() -> Outcome {
    use crate::authority::Authority;
    use crate::front::acceptor;

    let server = Server::start()?;
    let authority = Authority::new()?;
    let tls = acceptor(&authority.certify("127.0.0.1")?.identity())?;
    let front = Front::start(
        address(&server).parse()?,
        Some(tls),
        |number| match number {
            0 => Manner::Hang,
            _ => Manner::Pass,
        },
    );
    let front = front.await?;
    let client = Client::builder(format!("grpcs://{}", front.address))
        .api_key(server.grpc_api_key())
        .root_certificate(authority.pem())
        .retry(Retry::none())
        .timeout(SHORT)
        .build()?;
    let failed = failures(&client, 10).await;
    assert!(failed <= 4, "{failed} calls failed");
    assert_eq!(front.connections(), 2);
    Ok(())
}

#[tokio::test]
#[cfg(feature = "tls")]
async fn slow_handshake_outlives_calls_with_little_time() -> Outcome {
    use crate::authority::Authority;
    use crate::front::acceptor;

    let server = Server::start()?;
    let authority = Authority::new()?;
    let tls = acceptor(&authority.certify("127.0.0.1")?.identity())?;
    let slow = |_| Manner::Slow(Duration::from_millis(1200));
    let front = Front::start(address(&server).parse()?, Some(tls), slow).await?;
    let client = Client::builder(format!("grpcs://{}", front.address))
        .api_key(server.grpc_api_key())
        .root_certificate(authority.pem())
        .retry(Retry::none())
        .timeout(SHORT)
        .build()?;
    let failed = failures(&client, 10).await;
    assert!(failed <= 5, "{failed} calls failed");
    Ok(())
}

#[tokio::test]
async fn stream_that_the_server_leaves_unprocessed_is_sent_again() -> Outcome {
    let server = Server::start()?;
    let front = front_of(&server, |_| Manner::LeaveBefore(50)).await?;
    let client = client_of(&front, &server).build()?;
    for _ in 0..200 {
        client.publish(PublishRequest::new("news", "1")).await?;
    }
    assert_eq!(called(&server).len(), 200);
    assert_eq!(front.connections(), 5);
    Ok(())
}

#[tokio::test]
async fn concurrent_streams_that_the_server_leaves_unprocessed_are_sent_again() -> Outcome {
    let server = Server::start()?;
    let front = front_of(&server, |_| Manner::LeaveBefore(50)).await?;
    let client = client_of(&front, &server).build()?;
    let publish = |client: Client| async move {
        for _ in 0..50 {
            client.publish(PublishRequest::new("news", "1")).await?;
        }
        Ok::<_, Error>(())
    };
    let tasks = (0..16).map(|_| tokio::spawn(publish(client.clone())));
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    assert_eq!(called(&server).len(), 800);
    Ok(())
}

/// Returns the replies to publications, each 50th of which is refused.
fn refusing_each_50th() -> FakeGrpc {
    let mut calls = 0;
    FakeGrpc::by(move |_| {
        calls += 1;
        if calls % 50 == 0 {
            return Reply::nothing().reset(Reason::REFUSED_STREAM);
        }
        Reply::ok(&PublishResponse::default().result(PublishResult::default()))
    })
}

#[tokio::test]
async fn refused_stream_is_sent_again() -> Outcome {
    let fake = refusing_each_50th();
    let client = Client::builder(fake.url()).retry(Retry::none()).build()?;
    for _ in 0..800 {
        client.publish(PublishRequest::new("news", "1")).await?;
    }
    assert_eq!(fake.requests().len(), 816);
    Ok(())
}

#[tokio::test]
async fn server_that_refuses_every_stream_is_not_called_without_end() -> Outcome {
    let fake = FakeGrpc::always(Reply::nothing().reset(Reason::REFUSED_STREAM));
    let client = Client::builder(fake.url()).retry(Retry::none()).build()?;
    let outcome = client.publish(PublishRequest::new("news", "1")).await;
    let error = outcome.err().ok_or("a refused call succeeded")?;
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    assert_eq!(fake.requests().len(), 4);
    Ok(())
}

#[tokio::test]
async fn stream_that_is_refused_on_channel_of_the_user_is_unsent() -> Outcome {
    let fake = FakeGrpc::always(Reply::nothing().reset(Reason::REFUSED_STREAM));
    let endpoint = format!("http://{}", fake.address());
    let channel = tonic::transport::Endpoint::from_shared(endpoint)?.connect_lazy();
    let builder = Client::builder(fake.url()).grpc_channel(channel);
    let client = builder.retry(Retry::none()).build()?;
    let outcome = client.publish(PublishRequest::new("news", "1")).await;
    let error = outcome.err().ok_or("a refused call succeeded")?;
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("did not take the request; the call did not run"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn server_that_answers_no_ping_loses_its_calls() -> Outcome {
    let server = Server::start()?;
    let front = front_of(&server, |_| Manner::Pass).await?;
    let client = client_of(&front, &server)
        .http2_keep_alive(Duration::from_millis(100))
        .http2_keep_alive_timeout(Duration::from_millis(300))
        .timeout(PATIENCE)
        .build()?;
    assert_eq!(failures(&client, 1).await, 0);
    front.freeze();
    let started = Instant::now();
    let outcome = client.info(InfoRequest::new()).await;
    let error = outcome
        .err()
        .ok_or("a call on a dead connection succeeded")?;
    assert!(error.is_network() && !error.is_unsent(), "{error:?}");
    assert!(started.elapsed() < PATIENCE / 4, "{:?}", started.elapsed());
    assert!(
        error.to_string().contains("did not answer a ping"),
        "{error}"
    );
    assert_eq!(failures(&client, 3).await, 0);
    Ok(())
}
