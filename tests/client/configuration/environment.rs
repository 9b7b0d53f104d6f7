//! The options of the process's environment. A test that sets variables runs itself again, in a process of its own.

use std::process::Command;

use centrifugo_api::{ClientBuilder, Error, InfoRequest};

use crate::Outcome;
use crate::server::{Backend, GRPC_KEY, HTTP_KEY, Server, Transport};

/// The variable that tells the process of a test from the one that it starts.
const MARK: &str = "CENTRIFUGO_API_TEST_PROCESS";

fn is_started_by_test() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs the calling test again with these variables. It must succeed there.
#[track_caller]
fn run_again(variables: &[(&str, &str)]) -> Outcome {
    let thread = std::thread::current();
    let test = thread.name().ok_or("the thread of a test has its name")?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .envs(variables.iter().copied())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let has_passed = output.status.success() && text.contains("1 passed");
    assert!(has_passed, "{text}{errors}");
    Ok(())
}

#[tokio::test]
async fn client_from_environment_calls_server() -> Outcome {
    if is_started_by_test() {
        let client = ClientBuilder::from_env()?.build()?;
        assert_eq!(client.info(InfoRequest::new()).await?.nodes.len(), 1);
        assert!(format!("{client:?}").contains("7s"), "{client:?}");
        return Ok(());
    }
    let server = Server::start(Backend::Embedded).await;
    let transports = [
        (Transport::Http, HTTP_KEY, cfg!(feature = "_http")),
        (Transport::Grpc, GRPC_KEY, cfg!(feature = "grpc")),
    ];
    for (transport, key, is_compiled_in) in transports {
        if is_compiled_in {
            run_again(&[
                ("CENTRIFUGO_URL", &server.url(transport)),
                ("CENTRIFUGO_API_KEY", key),
                ("CENTRIFUGO_TIMEOUT", "7s"),
                ("CENTRIFUGO_HTTP_SERVER_PORT", "of the server itself"),
            ])?;
        }
    }
    Ok(())
}

#[test]
fn wrong_environment_is_named() -> Outcome {
    if is_started_by_test() {
        let error = ClientBuilder::from_env().err().ok_or("it is refused")?;
        assert!(matches!(error, Error::Config(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("CENTRIFUGO_TIMEOUT: `soon`"), "{text}");
        return Ok(());
    }
    run_again(&[
        ("CENTRIFUGO_URL", super::url()),
        ("CENTRIFUGO_TIMEOUT", "soon"),
    ])
}
