//! The fakes themselves: a test with more or fewer calls than scripted fails.

use crate::over_both_transports::{Server, always, published, script};
use crate::{Outcome, publish};

fn servers() -> Vec<Server> {
    script([published()])
}

#[tokio::test]
async fn fakes_answer_as_scripted() -> Outcome {
    for server in servers() {
        let result = publish(&server.client()).await?;
        assert_eq!(
            (result.offset, result.epoch.as_str()),
            (7, "abcd"),
            "{}",
            server.transport()
        );
        assert_eq!(server.calls(), 1);
        // More than one if a dial took long.
        assert!(server.connections() >= 1);
    }
    Ok(())
}

#[tokio::test]
async fn call_too_many_fails_the_test() -> Outcome {
    for server in servers() {
        publish(&server.client()).await?;
        assert!(publish(&server.client()).await.is_err());
        assert!(panics(|| drop(server)).contains("the script has no answer"));
    }
    Ok(())
}

#[test]
fn call_too_few_fails_the_test() {
    for server in servers() {
        assert!(panics(|| drop(server)).contains("0 requests came"));
    }
}

#[tokio::test]
async fn fakes_stop_when_they_are_dropped() -> Outcome {
    let (answer, reply) = published();
    for server in always(answer, reply) {
        let client = server.client();
        publish(&client).await?;
        drop(server);
        assert!(publish(&client).await.is_err());
    }
    Ok(())
}

fn panics(run: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).expect_err("no panic");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}
