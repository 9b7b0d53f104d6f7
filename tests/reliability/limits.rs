//! The number of concurrent calls, and the size of a request.

use std::time::Duration;

use centrifugo_api::{Error, InfoRequest, PublishRequest};
use centrifugo_api_testing::Fault;

use crate::nodes::pairs;
use crate::{Outcome, both_transports, called};

#[tokio::test]
async fn no_more_calls_are_in_flight_than_allowed() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.max_in_flight(2).build()?;
        server.fail_always(Fault::delay(Duration::from_secs(60)))?;
        let calls = |calls: usize, timeout: Duration| -> Vec<_> {
            let call = || {
                let client = client.with_timeout(timeout);
                tokio::spawn(async move { client.info(InfoRequest::new()).await })
            };
            std::iter::repeat_with(call).take(calls).collect()
        };
        let under_way = calls(2, Duration::from_secs(2));
        while server.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
        // They time out earlier than the others.
        let waiting = calls(3, Duration::from_millis(500));
        let mut unsent = 0;
        for call in waiting.into_iter().chain(under_way) {
            let error = call.await?.unwrap_err();
            assert!(error.is_timeout(), "{error:?}");
            unsent += usize::from(error.is_unsent());
        }
        assert_eq!((unsent, called(&server).len()), (3, 2));
    }
    Ok(())
}

#[tokio::test]
async fn waiting_call_gets_its_turn() -> Outcome {
    for (_server, builder) in both_transports()? {
        let client = builder.max_in_flight(1).build()?;
        let calls: Vec<_> = std::iter::repeat_with(|| {
            let client = client.clone();
            tokio::spawn(async move { client.publish(PublishRequest::new("news", "1")).await })
        })
        .take(20)
        .collect();
        for call in calls {
            call.await??;
        }
        assert_eq!(crate::published(&client, "news").await?, 20);
    }
    Ok(())
}

#[tokio::test]
async fn request_that_is_too_large_is_not_sent() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.max_request_size(100).build()?;
        client.publish(PublishRequest::new("news", "1")).await?;
        let large = PublishRequest::new("news", format!("{:?}", "x".repeat(100)));
        let error = client.publish(large).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
        assert!(
            error.to_string().contains("max_request_size, 100"),
            "{error}"
        );
        assert_eq!(called(&server), ["publish"]);
    }
    Ok(())
}

/// The limit of open files applies to a process: the test runs itself in another process, with a small one.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn process_without_free_files_is_not_the_fault_of_nodes() -> Outcome {
    const CHILD: &str = "CENTRIFUGO_API_TEST_FILES";
    if std::env::var(CHILD).is_err() {
        let output = std::process::Command::new("sh")
            .args(["-c", r#"ulimit -n 128; exec "$0" "$@""#])
            .arg(std::env::current_exe()?)
            .args([
                "limits::process_without_free_files_is_not_the_fault_of_nodes",
                "--exact",
            ])
            .env(CHILD, "1")
            .output()?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        return Ok(());
    }
    // Files that are closed by and by would be free for the second transport.
    let mut kept = Vec::new();
    for (nodes, builder) in pairs()? {
        let client = builder.build()?;
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        drop(files);
        let text = error.to_string();
        assert!(
            error.is_unsent() && text.contains("this process has too many open files"),
            "{text}"
        );
        assert!(text.contains("max_in_flight"), "{text}");
        for _ in 0..4 {
            client.info(InfoRequest::new()).await?;
        }
        assert_eq!(
            nodes.each_ref().map(|node| node.take_requests().len()),
            [2, 2]
        );
        kept.push((nodes, client));
    }
    Ok(())
}
