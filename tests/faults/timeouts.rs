//! Timeouts: a call ends in time, whatever the server does, and the client stays usable.

use std::time::{Duration, Instant};

#[cfg(feature = "_http")]
use centrifugo_api::Status;
use centrifugo_api::{Client, Error};

use crate::fake_grpc::{Reply, frame};
use crate::fake_http::Answer;
#[cfg(feature = "_http")]
use crate::fake_http::FakeHttp;
use crate::fake_server::{PATIENCE, eventually};
use crate::over_both_transports::{Server, always, published, script};
use crate::{Outcome, Predicates, assert_says, failure, predicates, publish};

const SHORT: Duration = Duration::from_millis(100);

fn hasty(server: &Server) -> Client {
    server
        .builder()
        .timeout(SHORT)
        .build()
        .expect("the client is built")
}

async fn assert_times_out(client: &Client, case: &str) {
    let started = Instant::now();
    let error = failure(client, case).await;
    let elapsed = started.elapsed();
    assert!(
        elapsed >= SHORT && elapsed < PATIENCE,
        "{case}: {elapsed:?}"
    );
    assert!(
        matches!(
            error,
            Error::Timeout {
                method: "publish",
                after: SHORT,
                ..
            }
        ),
        "{case}: {error:?}"
    );
    assert_eq!(
        predicates(&error),
        Predicates {
            timeout: true,
            retryable: true,
            ..Predicates::default()
        }
    );
    assert_says(&error, "no complete reply within 100ms", case);
    assert_says(&error, "the call may have run", case);
}

/// Replies that are too late or never come.
fn slow() -> [(Answer, Reply, &'static str); 5] {
    let tick = Duration::from_millis(30);
    let announced = Answer::head(200, &[("Content-Length", "1000")]);
    let begun = Reply::started().data(&frame([0; 1000])[..5]);
    let drip = (0..100).fold(announced.clone(), |answer, _| answer.write(" ").pause(tick));
    let grpc_drip = (0..100).fold(begun.clone(), |reply, _| reply.data([0]).pause(tick));
    let head = "HTTP/1.1 200 OK\r\nX-Slow: ";
    let head_drip = (0..100).fold(Answer::raw(head), |answer, _| answer.write("x").pause(tick));
    let no_end = Reply::started().data(frame([]));
    [
        (Answer::silence(), Reply::silence(), "no answer"),
        (
            announced.clone().hang(),
            Reply::started().hang(),
            "a head alone",
        ),
        (announced.write("{").hang(), begun.hang(), "a part"),
        (drip, grpc_drip, "a drip"),
        (
            head_drip,
            no_end.hang(),
            "no end of the head, and none of the stream",
        ),
    ]
}

#[tokio::test]
async fn slow_reply_is_a_timeout() {
    for (answer, reply, case) in slow() {
        for server in always(answer, reply) {
            let case = format!("{} {case}", server.transport());
            assert_times_out(&hasty(&server), &case).await;
            assert_eq!(server.calls(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn slow_body_of_an_error_status_ends_in_time() {
    let answer = Answer::head(503, &[("Content-Length", "1000")])
        .write("Serv")
        .hang();
    for server in always(answer, Reply::head(503, &[]).data("Serv").hang()) {
        let started = Instant::now();
        assert!(failure(&hasty(&server), "503").await.is_retryable());
        assert!(started.elapsed() < PATIENCE);
        assert_eq!(server.calls(), 1);
    }
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn body_of_an_error_status_that_stalls_does_not_hide_the_status() {
    for answer in [
        Answer::head(503, &[("Content-Length", "1000")]).hang(),
        Answer::head(503, &[("Content-Length", "1000")])
            .write("Serv")
            .hang(),
        Answer::head(503, &[("Transfer-Encoding", "chunked")]).flood_of_chunks(),
    ] {
        let fake = FakeHttp::always(answer);
        let started = Instant::now();
        let error = failure(&crate::client(&fake.url()), "503").await;
        assert!(
            matches!(
                error,
                Error::Transport {
                    status: Status::Http(503),
                    ..
                }
            ),
            "{error:?}"
        );
        // The call had 10 s.
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn client_is_usable_after_a_timeout() -> Outcome {
    for (answer, reply, case) in slow() {
        for server in script([(answer, reply), published(), published()]) {
            let case = format!("{} {case}", server.transport());
            let client = hasty(&server);
            assert_times_out(&client, &case).await;
            let patient = client.with_timeout(PATIENCE);
            for _ in 0..2 {
                let result = publish(&patient)
                    .await
                    .map_err(|error| format!("{case}: {error:?}"))?;
                assert_eq!(result.offset, 7, "{case}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn client_is_usable_after_a_call_was_dropped() -> Outcome {
    for server in script([(Answer::silence(), Reply::silence()), published()]) {
        let client = server.client();
        let call = tokio::spawn({
            let client = client.clone();
            async move { publish(&client).await }
        });
        eventually("the call", || (server.calls() == 1).then_some(())).await;
        call.abort();
        assert!(call.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(publish(&client).await?.offset, 7);
    }
    Ok(())
}

#[tokio::test]
async fn dropped_call_is_cancelled_at_the_server() {
    for server in always(Answer::silence(), Reply::silence()) {
        let client = hasty(&server);
        assert_times_out(&client, server.transport()).await;
        // Over HTTP/1.1 the connection must be closed. Over gRPC it stays open.
        if server.transport() == "http" {
            server.all_ended().await;
        }
        drop(client);
        server.all_ended().await;
    }
}

#[tokio::test]
async fn with_timeout_changes_the_time_of_its_client_only() -> Outcome {
    let (answer, reply) = published();
    let delay = Duration::from_millis(300);
    for server in always(answer.after(delay), reply.after(delay)) {
        let patient = server.builder().timeout(PATIENCE).build()?;
        assert_times_out(&patient.with_timeout(SHORT), server.transport()).await;
        assert_eq!(publish(&patient).await?.offset, 7);

        let hasty = hasty(&server);
        assert_eq!(publish(&hasty.with_timeout(PATIENCE)).await?.offset, 7);
        assert_times_out(&hasty, server.transport()).await;
    }
    Ok(())
}

#[tokio::test]
async fn longest_and_shortest_times_are_accepted() -> Outcome {
    let (answer, reply) = published();
    for server in always(answer, reply) {
        let endless = server
            .builder()
            .timeout(Duration::MAX)
            .connect_timeout(Duration::MAX)
            .build()?;
        assert_eq!(publish(&endless).await?.offset, 7);
        // A reply that is there at once may be faster than the clock.
        let _ = publish(&endless.with_timeout(Duration::ZERO)).await;
        assert_eq!(publish(&endless).await?.offset, 7);
    }
    Ok(())
}
