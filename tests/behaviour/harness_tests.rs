//! Tests of the harness itself.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Outcome;
use crate::server::{Backend, Server, Version};

/// Set in the child process, which is killed.
const CHILD: &str = "BEHAVIOUR_TESTS_CHILD";

/// Returns a command that runs one test of this program.
fn again(test: &str) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn server_dies_with_killed_process() -> Outcome {
    if std::env::var_os(CHILD).is_some() {
        return wait_to_be_killed().await;
    }
    let mut child = again("harness_tests::server_dies_with_killed_process")?
        .env(CHILD, "1")
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("serving http://")?.1.to_owned()));
    let address = address.ok_or("the child did not start a server")?;
    assert!(TcpStream::connect(&address).is_ok());
    // SIGKILL leaves no time to clean up.
    child.kill()?;
    child.wait()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&address).is_ok() {
        assert!(
            Instant::now() < deadline,
            "the server on {address} outlives the process that started it"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
async fn wait_to_be_killed() -> Outcome {
    let server = Server::start(Backend::Real(Version::V6)).await;
    println!("serving {}", server.origin());
    std::future::pending().await
}

#[test]
fn missing_server_is_a_failure_that_says_what_to_do() -> Outcome {
    let nothing = tempfile::tempdir()?;
    for (variable, expected) in [
        (
            "CENTRIFUGO_CACHE",
            [
                "these tests need Centrifugo 6.9.1: set CENTRIFUGO_BIN",
                "install Go",
            ],
        ),
        ("CENTRIFUGO_BIN", ["missing", "ended while it started"]),
    ] {
        let output = again("harness_tests::server_dies_with_killed_process")?
            .env_remove("CENTRIFUGO_BIN")
            .env("PATH", nothing.path())
            .env(variable, nothing.path().join("missing"))
            .env(CHILD, "1")
            .output()?;
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            expected.iter().all(|part| said.contains(part)),
            "{variable}: {said}"
        );
    }
    Ok(())
}
