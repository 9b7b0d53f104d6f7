//! Requests that a server leaves unprocessed, by REFUSED_STREAM or GOAWAY, and those that it may have processed.

use centrifugo_api::{Client, Error, PublishRequest, Retry};
use centrifugo_api_testing::Server;
use h2::Reason;

use crate::fake_grpc::{FakeGrpc, Reply};
use crate::front::Manner;
use crate::wires::Wire;
use crate::{Outcome, called};

async fn publish(client: &Client) -> Result<u64, Error> {
    let outcome = client.publish(PublishRequest::new("news", "1")).await;
    outcome.map(|result| result.offset)
}

/// Returns a server that refuses each 50th stream.
fn refusing_each_50th(wire: Wire) -> FakeGrpc {
    let mut calls = 0;
    FakeGrpc::by(move |_| {
        calls += 1;
        if calls % 50 == 0 {
            return Reply::nothing().reset(Reason::REFUSED_STREAM);
        }
        wire.published()
    })
}

#[tokio::test]
async fn refused_stream_is_sent_again() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        let fake = refusing_each_50th(wire);
        let (_front, builder) = wire.front_at(fake.address(), |_| Manner::Pass).await?;
        let client = builder.build()?;
        for _ in 0..800 {
            assert_eq!(publish(&client).await?, 7);
        }
        assert_eq!(fake.requests().len(), 816, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn stream_that_is_refused_twice_is_sent_again() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        let refused = || Reply::nothing().reset(Reason::REFUSED_STREAM);
        let fake = FakeGrpc::script([refused(), refused(), wire.published()]);
        let (_front, builder) = wire.front_at(fake.address(), |_| Manner::Pass).await?;
        assert_eq!(publish(&builder.build()?).await?, 7);
    }
    Ok(())
}

#[tokio::test]
async fn stream_that_is_always_refused_is_unsent() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        let sent = if wire == Wire::Grpc { 4 } else { 3 };
        let fake = FakeGrpc::always(Reply::nothing().reset(Reason::REFUSED_STREAM));
        let (_front, builder) = wire.front_at(fake.address(), |_| Manner::Pass).await?;
        let error = publish(&builder.build()?).await.unwrap_err();
        let is_unsent = error.is_network() && error.is_unsent();
        assert!(is_unsent, "{wire:?}: {error:?}");
        assert_eq!(fake.requests().len(), sent, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn stream_that_the_server_leaves_unprocessed_is_sent_again() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        let server = Server::start()?;
        let leaving = |_| Manner::LeaveBefore(50);
        let (front, builder) = wire.front_of(&server, leaving).await?;
        let client = builder.build()?;
        for _ in 0..200 {
            publish(&client).await?;
        }
        assert_eq!(called(&server).len(), 200, "{wire:?}");
        // The server has left four of them.
        assert!(front.connections() >= 5, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn concurrent_streams_that_the_server_leaves_unprocessed_are_sent_again() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        let server = Server::start()?;
        let leaving = |_| Manner::LeaveBefore(50);
        let (_front, builder) = wire.front_of(&server, leaving).await?;
        let client = builder.build()?;
        let publish_50 = |client: Client| async move {
            for _ in 0..50 {
                publish(&client).await?;
            }
            Ok::<_, Error>(())
        };
        let tasks = (0..16).map(|_| tokio::spawn(publish_50(client.clone())));
        for task in tasks.collect::<Vec<_>>() {
            task.await??;
        }
        assert_eq!(called(&server).len(), 800, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn stream_that_ends_otherwise_may_have_run() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        for reply in [
            Reply::nothing().reset(Reason::CANCEL),
            Reply::nothing().go_away(Reason::INTERNAL_ERROR),
            Reply::nothing().cut(),
        ] {
            let fake = FakeGrpc::always(reply);
            let (_front, builder) = wire.front_at(fake.address(), |_| Manner::Pass).await?;
            let error = publish(&builder.build()?).await.unwrap_err();
            let may_have_run = error.is_network() && !error.is_unsent();
            assert!(may_have_run, "{wire:?}: {error:?}");
            assert_eq!(fake.requests().len(), 1, "{wire:?}: {error:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn stream_that_is_refused_on_channel_of_the_user_is_unsent() -> Outcome {
    let fake = FakeGrpc::always(Reply::nothing().reset(Reason::REFUSED_STREAM));
    let endpoint = format!("http://{}", fake.address());
    let channel = tonic::transport::Endpoint::from_shared(endpoint)?.connect_lazy();
    let builder = Client::builder(fake.url()).grpc_channel(channel);
    let client = builder.retry(Retry::none()).build()?;
    let error = publish(&client).await.unwrap_err();
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    let text = error.to_string();
    let expected = "did not take the request; the call did not run";
    assert!(text.contains(expected), "{text}");
    Ok(())
}
