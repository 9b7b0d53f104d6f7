//! The embedded server and its clients, all built from the older schema.

use centrifugo_api::{
    ApiError, BatchRequest, BroadcastRequest, Client, Coalescing, Command, Error, HistoryRequest,
    InfoRequest, PresenceRequest, PublishRequest, RefreshRequest, Retry, SubscribeRequest,
    UnsubscribeRequest,
};
use centrifugo_api_testing::{Event, Namespace, Release, Server};

use crate::Tested;

fn clients(server: &Server) -> [(&'static str, Client); 2] {
    [("http", server.client()), ("grpc", server.grpc_client())]
}

#[tokio::test]
async fn methods_of_schema_are_served() -> Tested {
    let server = Server::start()?;
    for (transport, client) in clients(&server) {
        let mut alice = server.connect("alice");
        let channel = format!("of-{transport}");
        client.subscribe(SubscribeRequest::new(&channel).user("alice")).await?;
        let published = client.publish(PublishRequest::new(&channel, "1")).await?;
        assert_eq!(published.offset, 1);
        let history = client.history(HistoryRequest::new(&channel).limit(-1)).await?;
        assert_eq!((history.offset, &history.publications[0].data[..]), (1, &b"1"[..]));
        let presence = client.presence(PresenceRequest::new(&channel)).await?;
        assert_eq!(presence.presence.len(), 1);
        client.refresh(RefreshRequest::new("alice")).await?;
        client.unsubscribe(UnsubscribeRequest::new(&channel).user("alice")).await?;
        let mut events = Vec::new();
        while let Some(event) = alice.try_next() {
            events.push(event);
        }
        assert!(matches!(events[..], [
            Event::Subscribed { .. },
            Event::Joined { .. },
            Event::Publication { .. },
            Event::Refreshed { .. },
            Event::Unsubscribed { .. },
        ]), "{transport}: {events:?}");
    }
    assert_eq!(server.client().info(InfoRequest::new()).await?.nodes[0].version, "6.9.1 OSS");
    Ok(())
}

#[tokio::test]
async fn batches_of_all_forms_run() -> Tested {
    let server = Server::start()?;
    let one = || PublishRequest::new("news", "1");
    let read = || HistoryRequest::new("news").limit(-1);
    for (transport, client) in clients(&server) {
        let many = client.batch(vec![one(), one()]).await?.all_ok()?;
        assert_eq!(many.len(), 2, "{transport}");
        let (published, history) = client.batch((one(), read())).await?;
        assert_eq!(published?.offset, history?.offset, "{transport}");
        let raw = client.batch(BatchRequest::new([Command::from(read())])).await?;
        assert!(raw[0].as_ref().is_ok_and(|reply| reply.history.is_some()), "{transport}");
        let request = BroadcastRequest::new(["news", "none:1"], "1");
        let broadcast = client.batch((request,)).await?.0?;
        let failed: Vec<_> = broadcast.failed().map(|(_, error)| error.code).collect();
        assert_eq!(failed, [ApiError::UNKNOWN_CHANNEL], "{transport}");
    }
    for builder in [server.client_builder(), server.grpc_client_builder()] {
        let client = builder.split_above(100).build()?;
        let outcomes = client.batch(vec![one(); 20]).await?;
        assert_eq!(outcomes.all_ok()?.len(), 20);
    }
    Ok(())
}

#[tokio::test]
async fn concurrent_calls_share_batches() -> Tested {
    let server = Server::start()?;
    for (transport, client) in clients(&server) {
        let client = client.coalescing(Coalescing::default());
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            calls.spawn(async move { client.publish(PublishRequest::new("news", "1")).await });
        }
        while let Some(call) = calls.join_next().await {
            call??;
        }
        let requests = server.take_requests();
        let batches = requests.iter().filter(|request| request.method == "batch");
        assert!(batches.count() > 0 && requests.len() < 50, "{transport}: {}", requests.len());
    }
    Ok(())
}

#[test]
fn blocking_clients_work() -> Tested {
    let server = Server::start()?;
    for client in [
        server.blocking_client(),
        server.grpc_client_builder().build_blocking()?,
    ] {
        client.batch(vec![PublishRequest::new("news", "1"); 3])?.all_ok()?;
    }
    let history = server.blocking_client().history(HistoryRequest::new("news"))?;
    assert_eq!(history.offset, 6);
    Ok(())
}

#[tokio::test]
async fn method_that_schema_lacks_is_unsupported() -> Tested {
    let server = Server::start()?;
    let params = serde_json::json!({"channel": "a"});
    let client = server.client();
    let called = client.call_raw::<_, serde_json::Value>("map_stats", &params).await;
    assert!(called.is_err_and(|error| error.is_unsupported()));
    Ok(())
}

#[tokio::test]
async fn keys_that_schema_has_no_field_for_are_refused() -> Tested {
    let server = Server::start()?;
    let retry = Retry::default().idempotency_keys();
    for builder in [Server::client_builder, Server::grpc_client_builder] {
        let client = builder(&server).build()?.with_retry(retry.clone());
        let call = client.publish(PublishRequest::new("news", "1")).await;
        for error in [builder(&server).retry(retry.clone()).build().err(), call.err()] {
            let error = error.ok_or("the option was accepted")?;
            assert!(matches!(error, Error::Config(_)), "{error:?}");
            let message = error.to_string();
            for part in [
                "Retry::idempotency_keys needs the field `idempotency_key` of publish",
                "since Centrifugo 5.2",
                "omit idempotency_keys",
            ] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
    assert!(server.take_requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn release_is_chosen_apart_from_schema() -> Tested {
    let server = Server::builder()
        .release(Release::V6_10)
        .namespace(Namespace::new(""))
        .start()?;
    for (transport, client) in clients(&server) {
        let client = client.with_retry(Retry::none());
        let called = client.unsubscribe(UnsubscribeRequest::new("").user("alice")).await;
        let code = called.err().and_then(|error| error.api_code());
        assert_eq!(code, Some(ApiError::BAD_REQUEST), "{transport}");
    }
    Ok(())
}

/// Here because the SDK's own tests and benchmarks do without tokio's `test-util`.
#[tokio::test(start_paused = true)]
async fn paused_clock_is_refused_with_the_fix() -> Tested {
    match Server::start() {
        Err(Error::Config(problem)) => {
            assert!(problem.contains("tokio's clock is paused"), "{problem}");
            assert!(problem.contains("tokio::time::resume()"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
    tokio::time::resume();
    let server = Server::start()?;
    for (transport, client) in clients(&server) {
        let called = client.info(InfoRequest::new()).await;
        called.map_err(|error| format!("{transport}: {error}"))?;
    }
    Ok(())
}
