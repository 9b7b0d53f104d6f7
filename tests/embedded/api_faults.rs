//! API errors that a test plans, and the calls that they meet.

use std::time::Duration;

use centrifugo_api::{
    ApiError, BroadcastRequest, Client, Error, HistoryRequest, InfoRequest, PresenceRequest,
    PublishRequest, Status,
};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, assert_says, clients, history, publish, published, start};

fn internal() -> Fault {
    Fault::api_error(ApiError::INTERNAL)
}

async fn code(client: &Client, channel: &str) -> Option<u32> {
    publish(client, channel, "1")
        .await
        .err()
        .and_then(|error| error.api_code())
}

#[tokio::test]
async fn errors_replace_the_next_calls() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(2, Fault::api_error(ApiError::TOO_MANY_REQUESTS))?;
        for _ in 0..2 {
            let error = publish(&client, transport, "1").await.unwrap_err();
            assert_eq!(
                error.api_code(),
                Some(ApiError::TOO_MANY_REQUESTS),
                "{transport}"
            );
            assert!(
                error.is_retryable() && !error.is_unsent(),
                "{transport}: {error:?}"
            );
            assert_says(&error.to_string(), &["too many requests"]);
        }
        assert_eq!(
            publish(&client, transport, "1").await?,
            1,
            "{transport}: the call must not have run"
        );
    }
    Ok(())
}

#[tokio::test]
async fn error_may_have_any_code_and_message() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(1, Fault::api_error(4242).message("ünknown to all"))?;
        let Error::Api(error) = publish(&client, "news", "1").await.unwrap_err() else {
            panic!()
        };
        assert_eq!(
            (error.code, error.message.as_str()),
            (4242, "ünknown to all"),
            "{transport}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn error_is_a_status_in_the_transport_mode() -> Outcome {
    let server = Server::builder().error_mode_transport().start()?;
    for client in [server.client(), server.grpc_client()] {
        server.fail_next(1, internal())?;
        assert_eq!(code(&client, "news").await, Some(ApiError::INTERNAL));
    }
    Ok(())
}

#[tokio::test]
async fn permanent_error_meets_all_calls_until_it_is_cleared() -> Outcome {
    let server = start();
    server.fail_always(internal())?;
    for (transport, client) in clients(&server) {
        for _ in 0..3 {
            assert_eq!(
                code(&client, "news").await,
                Some(ApiError::INTERNAL),
                "{transport}"
            );
        }
    }
    server.clear_faults();
    assert_eq!(publish(&server.client(), "news", "1").await?, 1);
    Ok(())
}

#[tokio::test]
async fn error_meets_only_its_method() -> Outcome {
    let server = start();
    server.fail_always(internal().method("history"))?;
    for (transport, client) in clients(&server) {
        assert_eq!(code(&client, "news").await, None, "{transport}");
        let error = client
            .history(HistoryRequest::new("news"))
            .await
            .unwrap_err();
        assert_eq!(error.api_code(), Some(ApiError::INTERNAL), "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn error_meets_only_its_channel() -> Outcome {
    let server = start();
    server.fail_always(internal().channel("news"))?;
    for (transport, client) in clients(&server) {
        assert_eq!(code(&client, "sports").await, None, "{transport}");
        assert_eq!(
            code(&client, "news").await,
            Some(ApiError::INTERNAL),
            "{transport}"
        );
        client.info(InfoRequest::new()).await?;
        assert!(history(&client, "news").await.is_err(), "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn error_meets_one_channel_of_a_broadcast() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(1, internal().method("broadcast").channel("b"))?;
        let result = client
            .broadcast(BroadcastRequest::new(["a", "b", "c"], "1"))
            .await?;
        let failed: Vec<_> = result
            .failed()
            .map(|(channel, error)| (channel, error.code))
            .collect();
        assert_eq!(failed, [("b", ApiError::INTERNAL)], "{transport}");
        assert!(server.unused_faults().is_empty());
    }
    let client = server.client();
    let lengths = [
        published(&client, "a").await?.len(),
        published(&client, "b").await?.len(),
    ];
    assert_eq!(lengths, [3, 0]);
    Ok(())
}

#[tokio::test]
async fn error_without_a_channel_meets_a_broadcast_as_a_whole() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(1, internal().method("broadcast"))?;
        let error = client
            .broadcast(BroadcastRequest::new(["a", "b"], "1"))
            .await
            .unwrap_err();
        assert_eq!(error.api_code(), Some(ApiError::INTERNAL), "{transport}");
    }
    assert_eq!(history(&server.client(), "a").await?.offset, 0);
    Ok(())
}

#[tokio::test]
async fn error_meets_one_command_of_a_batch() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(1, internal().method("publish").channel("b"))?;
        let requests = ["a", "b", "c"].map(|channel| PublishRequest::new(channel, "1"));
        let codes = client
            .batch(requests)
            .await?
            .map(|outcome| outcome.err().map(|error| error.code));
        assert_eq!(codes, [None, Some(ApiError::INTERNAL), None], "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn commands_of_a_batch_count_one_by_one() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(2, internal())?;
        let batch = (
            InfoRequest::new(),
            PresenceRequest::new("news"),
            PublishRequest::new("news", "1"),
        );
        let (first, second, third) = client.batch(batch).await?;
        assert_eq!(
            [first.is_err(), second.is_err(), third.is_err()],
            [true, true, false],
            "{transport}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn faults_are_met_in_the_order_in_which_they_were_planned() -> Outcome {
    let server = start();
    let client = server.client();
    for code in [1001, 1002] {
        server.fail_next(1, Fault::api_error(code))?;
    }
    server.fail_next(1, Fault::api_error(1003).channel("sports"))?;
    server.fail_always(Fault::api_error(1004).method("publish"))?;
    let mut codes = Vec::new();
    for channel in ["news", "sports", "news", "sports", "sports"] {
        codes.extend(code(&client, channel).await);
    }
    assert_eq!(codes, [1001, 1002, 1004, 1003, 1004]);
    Ok(())
}

#[tokio::test]
async fn unused_faults_are_reported() -> Outcome {
    let server = start();
    server.fail_next(2, internal().channel("news"))?;
    server.fail_next(1, Fault::status(Status::Grpc(14)))?;
    server.fail_always(internal().method("rpc"))?;
    assert_eq!(server.unused_faults().len(), 3);
    let client = server.client();
    assert!(code(&client, "news").await.is_some());
    assert_eq!(server.unused_faults().len(), 3, "one of two calls is left");
    assert!(code(&client, "news").await.is_some());
    let unused = format!("{:?}", server.unused_faults());
    assert_eq!(server.unused_faults().len(), 2);
    assert_says(&unused, &["14", "rpc"]);
    server.clear_faults();
    assert!(server.unused_faults().is_empty());
    Ok(())
}

#[test]
fn bad_faults_are_refused_with_what_is_wrong() {
    let server = start();
    let unavailable = || Fault::status(Status::Http(503));
    for (fault, parts) in [
        (
            internal().method("publich"),
            ["`publich` is not a method", "METHODS"],
        ),
        (
            internal().method("Publish"),
            ["`Publish` is not a method", "METHODS"],
        ),
        (internal().method("batch"), ["batch", "the methods in it"]),
        (Fault::status(Status::Http(199)), ["HTTP 199", "200 to 599"]),
        (Fault::status(Status::Http(600)), ["HTTP 600", "200 to 599"]),
        (
            Fault::status(Status::Grpc(0)),
            ["0 is not a gRPC error code", "1 to 16"],
        ),
        (
            Fault::status(Status::Grpc(17)),
            ["17 is not a gRPC error code", "1 to 16"],
        ),
        (
            Fault::delay(Duration::ZERO).header("a", "b"),
            ["header", "status"],
        ),
        (internal().header("a", "b"), ["header", "status"]),
        (
            unavailable().header("a b", "c"),
            ["`a b: c`", "is not a valid header"],
        ),
        (
            unavailable().header("a", "b\n"),
            ["a: b", "is not a valid header"],
        ),
        (
            unavailable().header("Content-Length", "7"),
            ["content-length", "itself"],
        ),
        (
            unavailable().header("transfer-encoding", "chunked"),
            ["transfer-encoding", "itself"],
        ),
        (
            Fault::garbage().message("text"),
            ["message", "status or an error of the API"],
        ),
    ] {
        for outcome in [
            server.fail_next(1, fault.clone()),
            server.fail_always(fault),
        ] {
            let Err(Error::Config(message)) = outcome else {
                panic!("{parts:?}: {outcome:?}")
            };
            assert_says(&message, &["fault: "]);
            assert_says(&message, &parts);
        }
    }
    let Err(Error::Config(message)) = server.fail_next(0, internal()) else {
        panic!()
    };
    assert_says(&message, &["no call", "above 0"]);
    assert!(server.unused_faults().is_empty());
}
