//! Methods that a test answers itself, by scripts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use centrifugo_api::{
    ApiError, BlockUserRequest, BlockUserResult, BroadcastRequest, Error, GetUserStatusRequest,
    GetUserStatusResult, HistoryRequest, HistoryResult, InfoRequest, PublishRequest, RpcRequest,
    RpcResult, Status, UnblockUserRequest, UnblockUserResult, UserStatus,
};

use crate::{Outcome, clients, history, publish, soon, start};

fn error(code: u32, message: &str) -> ApiError {
    ApiError::new(code, message)
}

/// Answers for the requested users, each with the state `online`.
#[allow(clippy::field_reassign_with_default)]
fn status(request: GetUserStatusRequest) -> Result<GetUserStatusResult, ApiError> {
    let mut result = GetUserStatusResult::default();
    result.statuses = request
        .users
        .into_iter()
        .map(|user: String| {
            let mut status = UserStatus::default();
            status.user = user;
            status.state = "online".to_owned();
            status
        })
        .collect();
    Ok(result)
}

#[tokio::test]
async fn scripted_pro_method_works_over_every_endpoint_and_in_a_batch() -> Outcome {
    let server = start();
    server.on(status);
    for (transport, client) in clients(&server) {
        let request = || GetUserStatusRequest::new(["alice", "bob"]);
        let statuses = client.get_user_status(request()).await?.statuses;
        let users: Vec<_> = statuses
            .iter()
            .map(|status| (status.user.as_str(), status.state.as_str()))
            .collect();
        assert_eq!(
            users,
            [("alice", "online"), ("bob", "online")],
            "{transport}"
        );
        let (first, second) = client.batch((request(), InfoRequest::new())).await?;
        assert_eq!(first?.statuses, statuses, "{transport}");
        assert_eq!(second?.nodes.len(), 1, "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn pro_method_without_a_script_is_not_found() -> Outcome {
    let server = start();
    server.on(|_: BlockUserRequest| Ok(BlockUserResult::default()));
    for (transport, client) in clients(&server) {
        client.block_user(BlockUserRequest::new("mallory")).await?;
        assert_not_offered(
            transport,
            client
                .unblock_user(UnblockUserRequest::new("mallory"))
                .await,
        );
        if transport != "lines" {
            let (outcome,) = client.batch((UnblockUserRequest::new("mallory"),)).await?;
            assert_eq!(
                outcome.unwrap_err().code,
                ApiError::NOT_FOUND,
                "{transport}"
            );
        }
    }
    Ok(())
}

#[track_caller]
fn assert_not_offered<T: std::fmt::Debug>(transport: &str, outcome: Result<T, Error>) {
    match (transport, outcome) {
        (
            "http",
            Err(Error::Transport {
                status: Status::Http(404),
                ..
            }),
        ) => {}
        (
            "grpc",
            Err(Error::Transport {
                status: Status::Grpc(12),
                ..
            }),
        ) => {}
        ("lines", Err(Error::Api(error))) if error.code == ApiError::NOT_FOUND => {}
        (_, outcome) => panic!("{transport}: {outcome:?}"),
    }
}

#[tokio::test]
async fn removed_script_leaves_the_method_as_it_was() -> Outcome {
    let server = start();
    server.on(|_: UnblockUserRequest| Ok(UnblockUserResult::default()));
    server.on(|_: HistoryRequest| Err::<HistoryResult, _>(error(999, "scripted")));
    for (transport, client) in clients(&server) {
        client
            .unblock_user(UnblockUserRequest::new("mallory"))
            .await?;
        assert_eq!(
            history(&client, "news").await.unwrap_err().api_code(),
            Some(999),
            "{transport}"
        );
    }
    server.off::<UnblockUserRequest>();
    server.off::<HistoryRequest>();
    server.off::<BlockUserRequest>();
    for (transport, client) in clients(&server) {
        assert_not_offered(
            transport,
            client
                .unblock_user(UnblockUserRequest::new("mallory"))
                .await,
        );
        history(&client, "news").await?;
    }
    Ok(())
}

#[tokio::test]
async fn error_of_a_script_is_returned_by_the_call() -> Outcome {
    let server = start();
    server.on(|request: BlockUserRequest| Err::<BlockUserResult, _>(error(4242, &request.user)));
    for (transport, client) in clients(&server) {
        let request = || BlockUserRequest::new("mällory");
        let Error::Api(error) = client.block_user(request()).await.unwrap_err() else {
            panic!("{transport}")
        };
        assert_eq!(
            (error.code, error.message.as_str()),
            (4242, "mällory"),
            "{transport}"
        );
        let (outcome,) = client.batch((request(),)).await?;
        assert_eq!(outcome.unwrap_err().code, 4242, "{transport}");
    }
    for builder in [server.client_builder(), server.grpc_client_builder()] {
        let client = builder.error_mode_transport().build()?;
        let error = client
            .block_user(BlockUserRequest::new("mallory"))
            .await
            .unwrap_err();
        assert_eq!(error.api_code(), Some(4242));
    }
    Ok(())
}

#[tokio::test]
#[allow(clippy::field_reassign_with_default)]
async fn rpc_is_answered_by_a_script() -> Outcome {
    let server = start();
    server.on(|request: RpcRequest| {
        let mut result = RpcResult::default();
        result.data = request.params;
        if request.method == "echo" {
            Ok(result)
        } else {
            Err(error(ApiError::NOT_FOUND, "not found"))
        }
    });
    for (transport, client) in clients(&server) {
        let answer = client
            .rpc(RpcRequest::new("echo").params(r#"{"a":1}"#))
            .await?;
        assert_eq!(answer.data, r#"{"a":1}"#, "{transport}");
        let error = client.rpc(RpcRequest::new("other")).await.unwrap_err();
        assert_eq!(error.api_code(), Some(ApiError::NOT_FOUND), "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn script_replaces_an_open_source_method() -> Outcome {
    let server = start();
    let called = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&called);
    server.on(move |request: PublishRequest| {
        assert_eq!(request.channel, "news");
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Default::default())
    });
    for (_, client) in clients(&server) {
        assert_eq!(publish(&client, "news", "1").await?, 0);
        let _ = client
            .broadcast(BroadcastRequest::new(["news"], "1"))
            .await?
            .all_ok()?;
    }
    assert_eq!(called.load(Ordering::Relaxed), 3);
    assert_eq!(
        history(&server.client(), "news").await?.offset,
        3,
        "of the broadcasts"
    );
    Ok(())
}

#[tokio::test]
async fn last_script_of_a_method_counts() -> Outcome {
    let server = start();
    for code in [1001, 1002] {
        server.on(move |_: BlockUserRequest| Err::<BlockUserResult, _>(error(code, "scripted")));
    }
    let error = server
        .client()
        .block_user(BlockUserRequest::new("mallory"))
        .await
        .unwrap_err();
    assert_eq!(error.api_code(), Some(1002));
    Ok(())
}

#[tokio::test]
async fn script_may_use_clients_of_the_server() -> Outcome {
    let server = Arc::new(start());
    let alice = server.connect("alice");
    alice.subscribe("news")?;
    server.on(move |_: BlockUserRequest| {
        alice
            .publish("news", "1")
            .map_err(|error| error_of(&error))?;
        Ok(BlockUserResult::default())
    });
    server
        .client()
        .block_user(BlockUserRequest::new("mallory"))
        .await?;
    assert_eq!(history(&server.client(), "news").await?.offset, 1);
    Ok(())
}

fn error_of(problem: &Error) -> ApiError {
    error(ApiError::INTERNAL, &problem.to_string())
}

#[tokio::test]
async fn panic_in_a_script_ends_the_call_and_not_the_server() -> Outcome {
    let server = start();
    server.on(
        |request: BlockUserRequest| -> Result<BlockUserResult, ApiError> {
            panic!("the script refuses {}", request.user)
        },
    );
    for (transport, client) in clients(&server) {
        let call = client.block_user(BlockUserRequest::new("mallory"));
        let error = soon("the end of the call", call).await.unwrap_err();
        assert!(
            error.is_network() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
        publish(&client, "news", "1")
            .await
            .map_err(|error| format!("{transport}: {error}"))?;
        let batch = (
            PublishRequest::new("news", "2"),
            BlockUserRequest::new("mallory"),
        );
        let error = soon("the end of the batch", client.batch(batch))
            .await
            .unwrap_err();
        assert!(error.is_network(), "{transport}: {error:?}");
    }
    assert_eq!(publish(&server.client(), "news", "3").await?, 7);
    Ok(())
}
