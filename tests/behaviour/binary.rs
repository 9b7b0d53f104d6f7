//! Payloads that are not JSON.

use centrifugo_api::bytes::Bytes;
use centrifugo_api::{
    BatchRequest, BroadcastRequest, Command, Error, HistoryRequest, MapEntry, MapPublishRequest,
    MapReadStateRequest, MapReadStreamRequest, PresenceRequest, PublishRequest, RpcRequest, Status,
    SubscribeRequest,
};

use crate::client_kind::ClientUnderTest;
use crate::harness::{Env, Outcome, code, failure};
use crate::realtime::ALICE;
use crate::server::Transport;

behaviours!(everywhere:
    raw_bytes_are_refused,
    raw_bytes_in_a_batch_are_named,
    parameters_of_rpc_are_any_bytes_over_grpc,
    binary_data_passes_over_both_transports,
    binary_data_is_read_only_over_grpc,
    binary_data_that_is_json_is_read_over_both_transports,
    large_binary_data_is_read_only_over_grpc,
    bad_base64_is_a_bad_request,
    batch_that_fails_to_return_binary_data_over_http_was_executed,
);
behaviours!(lacking_in_5_4_9:
    binary_data_of_a_binary_namespace_is_read_only_over_grpc,
    binary_data_of_a_map_is_read_only_over_grpc,
    binary_info_is_read_only_over_grpc,
);
behaviours!(across_transports: binary_data_passes_from_one_transport_to_the_other);
behaviours!(legacy_commands:
    bad_base64_is_a_bad_request,
    binary_data_passes_over_both_transports,
    raw_bytes_in_a_batch_are_named,
    raw_bytes_are_refused,
);
behaviours!(legacy_commands_of_6_9_1:
    binary_data_is_read_only_over_grpc,
    binary_data_of_a_binary_namespace_is_read_only_over_grpc,
    binary_data_of_a_map_is_read_only_over_grpc,
    binary_data_that_is_json_is_read_over_both_transports,
    binary_info_is_read_only_over_grpc,
);

/// Every byte, and text with a quote that would end a JSON string.
fn bytes() -> Vec<u8> {
    (0..=255).chain(*br#"","channel":"other""#).collect()
}

fn binary(channel: &str) -> PublishRequest {
    PublishRequest::new(channel, "").binary_data(bytes())
}

async fn history(client: &ClientUnderTest, channel: &str) -> Result<Vec<Bytes>, Error> {
    let history = client.call(HistoryRequest::new(channel).limit(-1)).await?;
    Ok(history
        .publications
        .into_iter()
        .map(|publication| publication.data)
        .collect())
}

/// Checks that a reply with a binary payload is complete over gRPC, and an error that explains it
/// over HTTP.
fn assert_read_only_over_grpc(
    transport: Transport,
    result: Result<Vec<Bytes>, Error>,
    expected: &[Vec<u8>],
) {
    match transport {
        Transport::Grpc => assert_eq!(result.expect("gRPC carries any bytes"), expected),
        Transport::Http => {
            let error = failure(result);
            assert!(
                matches!(
                    error,
                    Error::Transport {
                        status: Status::Http(500),
                        ..
                    }
                ),
                "{error:?}"
            );
            let message = error.to_string();
            assert!(
                message.contains("has probably run") && message.contains("over gRPC"),
                "{message}"
            );
            assert!(!error.is_retryable());
        }
    }
}

/// Over gRPC too: they would end the connections of all subscribers that use JSON.
async fn raw_bytes_are_refused(env: &Env) -> Outcome {
    for data in [
        bytes(),
        b"hello".to_vec(),
        b"\xff".to_vec(),
        b"{} {}".to_vec(),
    ] {
        let publish = env
            .client
            .call(PublishRequest::new("plain:a", data.clone()));
        let broadcast = env.client.call(BroadcastRequest::new(["plain:a"], data));
        for error in [failure(publish.await), failure(broadcast.await)] {
            let Error::InvalidRequest(refusal) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(refusal.field(), Some("data"));
            assert!(error.is_unsent(), "{error:?}");
            let message = error.to_string();
            for part in ["`data` is not JSON", "json(&value)", "binary(bytes)"] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
    assert!(history(&env.client, "plain:a").await?.is_empty());
    Ok(())
}

async fn raw_bytes_in_a_batch_are_named(env: &Env) -> Outcome {
    let good = PublishRequest::new("plain:a", "1");
    let commands = [good, PublishRequest::new("plain:a", bytes())];
    let raw = env.client.batch(BatchRequest::new(commands.clone())).await;
    let typed = env.client.batch(Vec::from(commands)).await;
    for error in [failure(raw), failure(typed.map(drop))] {
        let message = error.to_string();
        let named = "`commands[1].publish.data` is not JSON";
        assert!(message.contains(named), "{message}");
    }
    assert!(history(&env.client, "plain:a").await?.is_empty());
    Ok(())
}

/// The parameters of an rpc go to its proxy, not to clients. The server has no such proxy.
async fn parameters_of_rpc_are_any_bytes_over_grpc(env: &Env) -> Outcome {
    let error = failure(
        env.client
            .call(RpcRequest::new("method").params(bytes()))
            .await,
    );
    match env.transport {
        Transport::Grpc => assert_eq!(error.api_code(), Some(104), "{error}"),
        Transport::Http => assert!(
            error.to_string().contains("`params` is not JSON"),
            "{error}"
        ),
    }
    Ok(())
}

async fn binary_data_passes_over_both_transports(env: &Env) -> Outcome {
    assert_eq!(env.client.call(binary("plain:a")).await?.offset, 1);
    let request = BroadcastRequest::new(["plain:a", "plain:b"], "").binary_data(bytes());
    let results = env.client.broadcast(request).await?.all_ok()?;
    let offsets: Vec<_> = results.iter().map(|result| result.offset).collect();
    assert_eq!(offsets, [2, 1]);
    Ok(())
}

async fn binary_data_is_read_only_over_grpc(env: &Env) -> Outcome {
    env.publish("plain:a", "1").await?;
    env.client.call(binary("plain:a")).await?;
    let result = history(&env.client, "plain:a").await;
    assert_read_only_over_grpc(env.transport, result, &[b"1".to_vec(), bytes()]);
    Ok(())
}

/// Over gRPC the data is sent as it is: as base64 it would be above the server's limit of 4 MiB.
async fn large_binary_data_is_read_only_over_grpc(env: &Env) -> Outcome {
    let bytes = vec![0xff; 4_000_000];
    let publish = || PublishRequest::new("plain:a", "").binary_data(&bytes);
    env.client.call(publish()).await?;
    env.client.batch(vec![publish()]).await?.all_ok()?;
    let request = BroadcastRequest::new(["plain:a"], "").binary_data(&bytes);
    env.client.broadcast(request).await?.all_ok()?;
    let result = history(&env.client, "plain:a").await;
    assert_read_only_over_grpc(env.transport, result, &[(); 3].map(|()| bytes.clone()));
    Ok(())
}

async fn binary_data_of_a_binary_namespace_is_read_only_over_grpc(env: &Env) -> Outcome {
    env.client.call(binary("bin:a")).await?;
    assert_read_only_over_grpc(
        env.transport,
        history(&env.client, "bin:a").await,
        &[bytes()],
    );
    Ok(())
}

async fn binary_data_of_a_map_is_read_only_over_grpc(env: &Env) -> Outcome {
    env.client
        .call(
            MapPublishRequest::new("map:a", "")
                .key("key")
                .binary_data(bytes()),
        )
        .await?;
    let data = |entries: Vec<MapEntry>| entries.into_iter().map(|entry| entry.data).collect();
    let state = env
        .client
        .call(MapReadStateRequest::new("map:a").limit(-1))
        .await;
    assert_read_only_over_grpc(
        env.transport,
        state.map(|state| data(state.entries)),
        &[bytes()],
    );
    let stream = env
        .client
        .call(MapReadStreamRequest::new("map:a").limit(-1))
        .await;
    assert_read_only_over_grpc(
        env.transport,
        stream.map(|stream| data(stream.entries)),
        &[bytes()],
    );
    Ok(())
}

async fn binary_info_is_read_only_over_grpc(env: &Env) -> Outcome {
    let _alice = env.connect_as(&ALICE).await?;
    env.client
        .call(
            SubscribeRequest::new("plain:a")
                .user("alice")
                .binary_info(bytes()),
        )
        .await?;
    let result = env.client.call(PresenceRequest::new("plain:a")).await;
    let infos = result.map(|result| {
        result
            .presence
            .into_values()
            .map(|info| info.chan_info)
            .collect()
    });
    assert_read_only_over_grpc(env.transport, infos, &[bytes()]);
    Ok(())
}

async fn binary_data_that_is_json_is_read_over_both_transports(env: &Env) -> Outcome {
    let mut request = PublishRequest::new("plain:a", "1").binary_data(r#"{"n":2}"#);
    env.client.call(request.clone()).await?;
    // The base64 takes precedence over the JSON.
    request.data = "3".into();
    let error = crate::harness::failure(env.client.call(request).await);
    assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
    assert_eq!(history(&env.client, "plain:a").await?, [r#"{"n":2}"#]);
    Ok(())
}

async fn bad_base64_is_a_bad_request(env: &Env) -> Outcome {
    for base64 in ["no base64!", "YQ", "-_-_"] {
        let request = PublishRequest::new("plain:a", "1").b64data(base64);
        assert_eq!(code(env.client.call(request).await), 107, "{base64}");
    }
    Ok(())
}

async fn batch_that_fails_to_return_binary_data_over_http_was_executed(env: &Env) -> Outcome {
    let commands = [
        Command::from(binary("plain:a")),
        Command::from(HistoryRequest::new("plain:a").limit(1)),
        Command::from(PublishRequest::new("plain:b", "1")),
    ];
    let result = env.client.batch(BatchRequest::new(commands)).await;
    let read = result.map(|result| {
        let histories = result.into_iter().filter_map(|reply| reply.ok()?.history);
        histories
            .flat_map(|history| history.publications)
            .map(|publication| publication.data)
            .collect()
    });
    assert_read_only_over_grpc(env.transport, read, &[bytes()]);
    assert_eq!(history(&env.client, "plain:b").await?, ["1"]);
    Ok(())
}

#[cfg(all(feature = "_http", feature = "grpc"))]
async fn binary_data_passes_from_one_transport_to_the_other(env: &Env) -> Outcome {
    env.client.call(binary("plain:a")).await?;
    let result = history(&env.other_client(), "plain:a").await;
    assert_read_only_over_grpc(env.transport.other(), result, &[bytes()]);
    Ok(())
}
