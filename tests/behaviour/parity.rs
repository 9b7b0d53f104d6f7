//! The same calls over both transports, and on a real server and the embedded one: all return the
//! same.

use std::collections::BTreeSet;

use centrifugo_api::*;
use serde::Serialize;
use serde_json::Value;

use crate::harness::{Env, Failure, Outcome};
use crate::realtime::{ALICE, Connection};
use crate::server::{Backend, Transport};
use crate::server::{Server, Version};

behaviours!(across_transports: every_method_returns_the_same_over_both_transports);
behaviours!(everywhere: every_method_returns_the_same_in_a_shared_batch);

async fn every_method_returns_the_same_over_both_transports(env: &Env) -> Outcome {
    let other = Server::start(env.backend).await;
    let answers = call_each_method(&env.server, env.server.client(env.transport)).await?;
    assert_eq!(
        answers,
        call_each_method(&other, other.client(env.transport.other())).await?
    );

    let methods: BTreeSet<_> = answers.iter().map(|(method, _)| *method).collect();
    assert_eq!(methods, METHODS.iter().copied().collect());
    let lacking = answers
        .iter()
        .filter(|(_, answer)| answer == LACKING)
        .count();
    assert_eq!(lacking, if env.version == Version::V6 { 19 } else { 26 });
    let failing: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| answer.starts_with("error"))
        .collect();
    assert_eq!(failing, [&("rpc", "error 104: not found".to_owned())]);
    Ok(())
}

async fn every_method_returns_the_same_in_a_shared_batch(env: &Env) -> Outcome {
    let other = Server::start(env.backend).await;
    let alone = call_each_method(&env.server, env.server.client(env.transport)).await?;
    let shared = call_each_method(
        &other,
        other
            .client(env.transport)
            .coalescing(Coalescing::default()),
    )
    .await?;
    for (alone, shared) in alone.iter().zip(&shared) {
        if alone.1 == LACKING {
            // In a batch the error is that of the command. Some methods are sent alone all the same.
            let is_lacking = shared.1 == LACKING || shared.1.starts_with("error 104");
            assert!(is_lacking, "{shared:?}");
        } else {
            assert_eq!(alone, shared)
        }
    }
    assert_eq!(alone.len(), shared.len());
    Ok(())
}

/// Checks that the real and the embedded server return the same.
async fn assert_alike(client: impl Fn(&Server) -> Result<Client, Error>) -> Outcome {
    let real = Server::start(Backend::Real(Version::V6)).await;
    let embedded = Server::start(Backend::Embedded).await;
    assert_eq!(
        call_each_method(&embedded, client(&embedded)?).await?,
        call_each_method(&real, client(&real)?).await?
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn every_method_returns_the_same_on_the_embedded_server_over_http() -> Outcome {
    assert_alike(|server| server.client_builder(Transport::Http).build()).await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn every_method_returns_the_same_on_the_embedded_server_over_grpc() -> Outcome {
    assert_alike(|server| server.client_builder(Transport::Grpc).build()).await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn every_method_returns_the_same_on_the_embedded_server_by_command_lines() -> Outcome {
    assert_alike(|server| {
        server
            .client_builder(Transport::Http)
            .legacy_commands()
            .build()
    })
    .await
}

const LACKING: &str = "the server lacks the method";

/// Calls each method, and returns the outcomes without the values that differ from server to
/// server.
async fn call_each_method(
    server: &Server,
    client: Client,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let alice = Connection::open(server, Some(&ALICE)).await?;
    let mut answers = Vec::new();
    macro_rules! call_each {
        ($($method:ident: $request:expr,)+) => {
            $(
                // `Client::METHOD` is a thin wrapper around `call`.
                let _ = Client::$method;
                answers.push((stringify!($method), answer(client.call($request).await)));
            )+
        };
    }
    macro_rules! batch_of_each {
        ($($method:ident: $request:expr,)+) => {
            answers.push(("batch", answer(client.batch(BatchRequest::new([$(Command::from($request)),+])).await)))
        };
    }
    each_open_source_method!(call_each);
    each_pro_method!(call_each);
    each_open_source_method!(batch_of_each);
    each_pro_method!(batch_of_each);
    Ok(answers
        .into_iter()
        .map(|(method, answer)| (method, answer.replace(&alice.id, "CLIENT")))
        .collect())
}

fn answer<T: Serialize>(result: Result<T, Error>) -> String {
    match result {
        Ok(result) => {
            let mut result = serde_json::to_value(&result).expect("a result has a JSON form");
            mask(&mut result);
            result.to_string()
        }
        Err(Error::Api(error)) => format!("error {}: {}", error.code, error.message),
        Err(Error::Transport {
            status: Status::Http(404) | Status::Grpc(12),
            ..
        }) => LACKING.to_owned(),
        Err(error) => panic!("expected a result or an error of the API, not {error:?}"),
    }
}

/// Hides the values that each server generates.
fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A node updates its counts every 3 seconds.
            if fields.contains_key("uptime") || fields.contains_key("metrics") {
                fields.retain(|name, _| !name.starts_with("num_") && name != "uptime");
            }
            fields
                .iter_mut()
                .for_each(|(name, value)| match name.as_str() {
                    "epoch" | "metrics" | "name" | "time" | "uid" => *value = Value::from("…"),
                    _ => mask(value),
                });
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}
