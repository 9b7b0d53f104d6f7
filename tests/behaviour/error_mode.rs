//! Centrifugo's error mode `transport`: errors have an HTTP status or a gRPC code, and callers see
//! the same errors.

use centrifugo_api::{
    BroadcastRequest, ChannelsRequest, Error, HistoryRequest, PresenceRequest, PublishRequest,
    RpcRequest, StreamPosition,
};

use crate::client_kind::ClientUnderTest;
use crate::harness::{Env, Failure, Outcome};
use crate::server::{Server, Version};
use crate::unchecked::Unchecked;

behaviours!(everywhere:
    error_mode_asked_for_by_the_client_changes_no_error,
    error_mode_set_on_the_server_changes_no_error,
    error_mode_does_not_change_parts_and_successes,
);

/// Makes a call for each error that an open-source server returns.
async fn errors(client: &ClientUnderTest) -> Result<Vec<(u32, String)>, Failure> {
    let since = StreamPosition::new(1, "another");
    let results = [
        client.call(ChannelsRequest::new().pattern("[")).await.err(),
        client
            .call(PublishRequest::new("invalid:a", "1"))
            .await
            .err(),
        client.call(RpcRequest::new("sum")).await.err(),
        client.call(PublishRequest::new("plain:a", "")).await.err(),
        client
            .call(Unchecked(BroadcastRequest::new(Vec::<String>::new(), "1")))
            .await
            .err(),
        client.call(PresenceRequest::new("nohist:a")).await.err(),
        client
            .call(HistoryRequest::new("plain:a").limit(1).since(since))
            .await
            .err(),
    ];
    let errors = results.into_iter().map(|error| match error {
        Some(Error::Api(error)) => Ok((error.code, error.message.clone())),
        other => Err(format!("expected an error of the API, not {other:?}").into()),
    });
    errors.collect()
}

async fn assert_errors_as_usual(env: &Env, client: &ClientUnderTest) -> Outcome {
    let usual = errors(&env.client).await?;
    assert_eq!(
        usual.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        [100, 102, 104, 107, 107, 108, 112]
    );
    assert_eq!(errors(client).await?, usual);
    Ok(())
}

async fn error_mode_asked_for_by_the_client_changes_no_error(env: &Env) -> Outcome {
    let client = env
        .server
        .client_builder(env.transport)
        .error_mode_transport()
        .build()?;
    assert_errors_as_usual(env, &client.into()).await
}

async fn error_mode_set_on_the_server_changes_no_error(env: &Env) -> Outcome {
    let server = Server::start_with(env.backend, &options(env.version)).await;
    let body = r#"{"channel":"invalid:a","data":1}"#;
    assert_eq!(
        (
            env.server.post("publish", body).await?,
            server.post("publish", body).await?
        ),
        (200, 404)
    );
    assert_errors_as_usual(env, &server.client(env.transport).into()).await
}

async fn error_mode_does_not_change_parts_and_successes(env: &Env) -> Outcome {
    let client = env
        .server
        .client_builder(env.transport)
        .error_mode_transport()
        .build()?;
    let result = client
        .broadcast(BroadcastRequest::new(["invalid:a", "plain:a"], "1"))
        .await?;
    let outcomes = result.into_outcomes();
    assert_eq!(outcomes[0].as_ref().map_err(|error| error.code), Err(102));
    assert_eq!(
        outcomes[1].as_ref().map(|result| result.offset).ok(),
        Some(1)
    );
    Ok(())
}

fn options(version: Version) -> [(&'static str, &'static str); 2] {
    match version {
        Version::V6 => [
            ("CENTRIFUGO_HTTP_API_ERROR_MODE", "transport"),
            ("CENTRIFUGO_GRPC_API_ERROR_MODE", "transport"),
        ],
        Version::V5 | Version::V3 => [
            ("CENTRIFUGO_API_ERROR_MODE", "transport"),
            ("CENTRIFUGO_GRPC_API_ERROR_MODE", "transport"),
        ],
    }
}
