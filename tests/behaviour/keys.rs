//! API keys, right and wrong.

use centrifugo_api::{Client, Error, InfoRequest, Status};

use crate::harness::{Env, Outcome, failure};
use crate::server::{GRPC_KEY, HTTP_KEY, Server, Transport, Version};

behaviours!(everywhere:
    wrong_key_is_unauthorized,
    missing_key_is_unauthorized,
    another_key_of_the_server_is_accepted,
    server_without_keys_needs_no_key,
    key_is_accepted_by_server_without_keys,
);
behaviours!(legacy_commands_of_6_9_1:
    key_is_accepted_by_server_without_keys,
    missing_key_is_unauthorized,
    server_without_keys_needs_no_key,
    wrong_key_is_unauthorized,
    another_key_of_the_server_is_accepted,
);

/// Checks that the key was refused, and that the error names the option to fix but not the key.
fn assert_unauthorized(env: &Env, error: &Error) {
    let (expected, option) = match env.transport {
        Transport::Http => (Status::Http(401), "http_api.key"),
        Transport::Grpc => (Status::Grpc(16), "grpc_api.key"),
    };
    assert!(
        matches!(error, Error::Unauthorized { status, .. } if *status == expected),
        "{error:?}"
    );
    assert!(error.is_unauthorized() && !error.is_retryable());
    let message = error.to_string();
    assert!(
        message.starts_with("info: ") && message.contains(option),
        "{message}"
    );
    assert!(
        !format!("{message}{error:?}").contains("hunter2"),
        "{error:?}"
    );
}

async fn server_with_key(env: &Env, key: &str) -> Server {
    let http = match env.version {
        Version::V6 => "CENTRIFUGO_HTTP_API_KEY",
        Version::V5 | Version::V3 => "CENTRIFUGO_API_KEY",
    };
    Server::start_with(
        env.backend,
        &[(http, key), ("CENTRIFUGO_GRPC_API_KEY", key)],
    )
    .await
}

async fn server_without_keys(env: &Env) -> Server {
    let options = match env.version {
        Version::V6 => [
            ("CENTRIFUGO_HTTP_SERVER_ADDRESS", "127.0.0.1"),
            ("CENTRIFUGO_HTTP_API_INSECURE", "true"),
            ("CENTRIFUGO_GRPC_API_ENABLED", "true"),
            ("CENTRIFUGO_GRPC_API_ADDRESS", "127.0.0.1"),
            ("CENTRIFUGO_HEALTH_ENABLED", "true"),
        ],
        Version::V5 | Version::V3 => [
            ("CENTRIFUGO_ADDRESS", "127.0.0.1"),
            ("CENTRIFUGO_API_INSECURE", "true"),
            ("CENTRIFUGO_GRPC_API", "true"),
            ("CENTRIFUGO_GRPC_API_ADDRESS", "127.0.0.1"),
            ("CENTRIFUGO_HEALTH", "true"),
        ],
    };
    Server::start_bare(env.backend, &options).await
}

async fn wrong_key_is_unauthorized(env: &Env) -> Outcome {
    let other = match env.transport {
        Transport::Http => GRPC_KEY,
        Transport::Grpc => HTTP_KEY,
    };
    for key in ["hunter2", "HTTP-KEY", other] {
        let client = Client::new(env.server.url(env.transport), key)?;
        assert_unauthorized(env, &failure(client.call(InfoRequest::new()).await));
    }
    Ok(())
}

async fn missing_key_is_unauthorized(env: &Env) -> Outcome {
    let client = Client::builder(env.server.url(env.transport)).build()?;
    assert_unauthorized(env, &failure(client.call(InfoRequest::new()).await));
    Ok(())
}

async fn another_key_of_the_server_is_accepted(env: &Env) -> Outcome {
    // All characters that a header can carry.
    let key = "hunter2 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    let server = server_with_key(env, key).await;
    Client::new(server.url(env.transport), key)?
        .call(InfoRequest::new())
        .await?;
    assert_unauthorized(
        env,
        &failure(server.client(env.transport).call(InfoRequest::new()).await),
    );
    Ok(())
}

async fn server_without_keys_needs_no_key(env: &Env) -> Outcome {
    let server = server_without_keys(env).await;
    Client::builder(server.url(env.transport))
        .build()?
        .call(InfoRequest::new())
        .await?;
    Ok(())
}

async fn key_is_accepted_by_server_without_keys(env: &Env) -> Outcome {
    let server = server_without_keys(env).await;
    server
        .client(env.transport)
        .call(InfoRequest::new())
        .await?;
    Ok(())
}
