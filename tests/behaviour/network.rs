//! Wrong addresses, large requests and restarted servers.

use centrifugo_api::{Client, Error, InfoRequest, PublishRequest, Status};

use crate::harness::{Env, Outcome, failure};
use crate::server::{HTTP_KEY, Server, Transport};

behaviours!(everywhere:
    wrong_path_is_reported,
    killed_server_is_reported_as_network_error,
    killed_server_that_was_never_called_is_reported_as_unsent,
    request_above_grpc_limit_says_what_to_do,
);
behaviours!(on_real_servers: port_of_another_protocol_is_network_error);
behaviours!(legacy_commands:
    killed_server_that_was_never_called_is_reported_as_unsent,
);
behaviours!(legacy_commands_on_real_servers:
    port_of_another_protocol_is_network_error,
);
behaviours!(legacy_commands_of_6_9_1:
    killed_server_is_reported_as_network_error,
    wrong_path_is_reported,
);

async fn wrong_path_is_reported(env: &Env) -> Outcome {
    let right = env.server.url(env.transport);
    match env.transport {
        Transport::Grpc => {
            let message = failure(Client::new(format!("{right}/api"), HTTP_KEY)).to_string();
            assert!(message.contains("leave out `/api`"), "{message}");
        }
        Transport::Http => {
            for url in [env.server.origin(), format!("{right}/wrong")] {
                let error = failure(Client::new(url, HTTP_KEY)?.call(InfoRequest::new()).await);
                assert!(
                    matches!(
                        error,
                        Error::Transport {
                            status: Status::Http(404),
                            ..
                        }
                    ),
                    "{error:?}"
                );
                let message = error.to_string();
                assert!(
                    message.contains("does the URL lack the path, /api by default?"),
                    "{message}"
                );
            }
            Client::new(format!("{right}//"), HTTP_KEY)?
                .call(InfoRequest::new())
                .await?;
        }
    }
    Ok(())
}

async fn port_of_another_protocol_is_network_error(env: &Env) -> Outcome {
    let url = match env.transport {
        Transport::Http => env.server.url(Transport::Grpc).replace("grpc:", "http:"),
        Transport::Grpc => env.server.origin().replace("http:", "grpc:"),
    };
    let error = failure(
        Client::new(url.as_str(), HTTP_KEY)?
            .call(InfoRequest::new())
            .await,
    );
    assert!(error.is_network(), "{error:?}");
    Ok(())
}

async fn request_above_grpc_limit_says_what_to_do(env: &Env) -> Outcome {
    let large = PublishRequest::new("plain:a", format!("\"{}\"", "x".repeat(4 * 1024 * 1024)));
    match (env.client.call(large).await, env.transport) {
        (Ok(result), Transport::Http) => assert_eq!(result.offset, 1),
        (Err(error), Transport::Grpc) => {
            assert!(
                matches!(
                    error,
                    Error::Transport {
                        status: Status::Grpc(8),
                        ..
                    }
                ),
                "{error:?}"
            );
            let message = error.to_string();
            assert!(
                message.contains("send less at once, or raise grpc_api.max_receive_message_size"),
                "{message}"
            );
        }
        (outcome, _) => return Err(format!("{outcome:?}").into()),
    }
    Ok(())
}

async fn killed_server_is_reported_as_network_error(env: &Env) -> Outcome {
    let mut server = Server::start(env.backend).await;
    let client = server.client(env.transport);
    client.call(InfoRequest::new()).await?;
    server.kill();
    // The first call may use the old connection, the second cannot.
    let errors = [
        client.call(InfoRequest::new()).await,
        client.call(InfoRequest::new()).await,
    ]
    .map(failure);
    for error in &errors {
        assert!(error.is_network() && error.is_retryable(), "{error:?}");
    }
    assert!(errors[1].is_unsent(), "{:?}", errors[1]);
    Ok(())
}

async fn killed_server_that_was_never_called_is_reported_as_unsent(env: &Env) -> Outcome {
    let mut server = Server::start(env.backend).await;
    let client = server.client(env.transport);
    server.kill();
    let error = failure(client.call(InfoRequest::new()).await);
    assert!(
        error.is_network() && error.is_unsent() && error.is_retryable(),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(
        message.starts_with("info: cannot connect to ")
            && message.ends_with(": connection refused; nothing was sent; 3 attempts"),
        "{message}"
    );
    Ok(())
}
