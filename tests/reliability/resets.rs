//! Connections that are reset, at many points of a call, and connections that are half closed while
//! idle.

use centrifugo_api::{Client, ClientBuilder, Error, PublishRequest, Retry};
use centrifugo_api_testing::Server;

use crate::relay::{End, Relay};
use crate::{Outcome, PATIENCE, address, keyed, published, quickly};

/// The step between the points, in bytes. All points work, and some are enough.
const STEP: usize = 3;

/// Returns a builder for each transport, with the relay as the server.
fn builders(server: &Server, relay: &Relay) -> [ClientBuilder; 2] {
    let urls = [
        format!("http://{}/api", relay.address),
        format!("grpc://{}", relay.address),
    ];
    urls.map(|url| {
        Client::builder(url)
            .api_key(server.api_key())
            .timeout(PATIENCE)
    })
}

/// Publishes over a connection that ends as given, and returns the outcome and the number of
/// publications.
async fn publish(
    transport: usize,
    end: End,
    retry: Retry,
) -> Result<(Result<(), Error>, usize), Box<dyn std::error::Error>> {
    let server = Server::start()?;
    let relay = Relay::start(address(&server).parse()?, end).await?;
    let builder = builders(&server, &relay)
        .into_iter()
        .nth(transport)
        .ok_or("no such transport")?;
    let outcome = builder.retry(retry).build()?.publish(keyed("1")).await;
    Ok((
        outcome.map(drop),
        published(&server.client(), "news").await?,
    ))
}

/// Resets a call at later and later points until it succeeds, and returns how many had run and how
/// many had not.
async fn reset_on_the_way(
    transport: usize,
    end: impl Fn(u64) -> End,
) -> Result<[usize; 2], Box<dyn std::error::Error>> {
    let mut lost = [0, 0];
    for bytes in (0..10_000).step_by(STEP) {
        let (outcome, times) = publish(transport, end(bytes), Retry::none()).await?;
        let Err(error) = outcome else {
            assert_eq!(times, 1);
            return Ok(lost);
        };
        assert!(error.is_network(), "{bytes} bytes: {error:?}");
        assert!(
            times == 0 || times == 1 && !error.is_unsent(),
            "{bytes} bytes, {times} times: {error:?}"
        );
        lost[usize::from(times == 0)] += 1;

        let (outcome, times) = publish(transport, end(bytes), quickly()).await?;
        outcome.map_err(|error| format!("{bytes} bytes: {error:?}"))?;
        assert_eq!(times, 1, "{bytes} bytes");
    }
    Err("no call succeeds".into())
}

#[tokio::test]
async fn reset_within_the_request_is_recovered() -> Outcome {
    for transport in 0..2 {
        let [_, had_not_run] = reset_on_the_way(transport, End::ResetAfterSent).await?;
        assert!(had_not_run > 10, "{had_not_run}");
    }
    Ok(())
}

#[tokio::test]
async fn reset_after_the_request_or_within_the_reply_is_recovered() -> Outcome {
    for transport in 0..2 {
        let [had_run, _] = reset_on_the_way(transport, End::ResetAfterAnswered).await?;
        assert!(had_run > 5, "{had_run}");
    }
    Ok(())
}

#[tokio::test]
async fn half_closed_idle_connection_is_replaced() -> Outcome {
    for transport in 0..2 {
        let server = Server::start()?;
        let relay = Relay::start(address(&server).parse()?, End::HalfClosed).await?;
        let builder = builders(&server, &relay)
            .into_iter()
            .nth(transport)
            .ok_or("no such transport")?;
        let client = builder.retry(Retry::none()).build()?;
        client.publish(PublishRequest::new("news", "1")).await?;
        let made = relay.connections();
        tokio::time::timeout(PATIENCE, relay.half_close()).await?;
        client.publish(PublishRequest::new("news", "2")).await?;
        assert_eq!(published(&server.client(), "news").await?, 2);
        assert!(relay.connections() > made);
    }
    Ok(())
}
