//! The bytes on the wire, and replies of servers that answer wrongly.

use centrifugo_api::*;

use crate::fake_http::{Answer, FakeHttp};
use crate::{Outcome, code, failure};

fn client(fake: &FakeHttp) -> Result<Client, Error> {
    Client::builder(fake.url())
        .api_key("secret")
        .legacy_commands()
        .build()
}

/// Returns the outcome of a batch of two commands that gets this answer.
async fn batch_answered(answer: &str) -> Result<[Result<PublishResult, ApiError>; 2], Error> {
    let fake = FakeHttp::script([Answer::json(answer)]);
    client(&fake)?
        .batch(["a", "b"].map(|channel| PublishRequest::new(channel, "1")))
        .await
}

async fn publish_answered(answer: Answer) -> Result<PublishResult, Error> {
    let fake = FakeHttp::script([answer]);
    client(&fake)?.publish(PublishRequest::new("a", "1")).await
}

#[tokio::test]
async fn call_is_one_line_sent_to_the_base_url() -> Outcome {
    for (path, expected) in [
        ("/api", "/api"),
        ("/api/", "/api"),
        ("", "/"),
        ("/", "/"),
        ("/a/b", "/a/b"),
    ] {
        let fake = FakeHttp::script([Answer::json(
            "{\"id\":0,\"error\":null,\"result\":{\"offset\":7}}\n",
        )]);
        let builder = Client::builder(fake.url_at(path))
            .api_key("secret")
            .header("X-Mine", "1");
        let client = builder.legacy_commands().build()?;
        let result = client
            .publish(PublishRequest::new("a", r#"{ "n": 1 }"#))
            .await?;
        assert_eq!(result.offset, 7);
        let request = fake.request();
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", expected)
        );
        assert_eq!(request.headers("Authorization"), ["apikey secret"]);
        assert_eq!(request.headers("X-Mine"), ["1"]);
        assert!(request.headers("X-API-Key").is_empty());
        let line =
            "{\"method\":\"publish\",\"params\":{\"channel\":\"a\",\"data\":{ \"n\": 1 }}}\n";
        assert_eq!(request.body, line);
    }
    Ok(())
}

#[tokio::test]
async fn batch_has_one_line_per_command() -> Outcome {
    let fake = FakeHttp::script([Answer::json(
        "{\"result\":{}}\n\n{\"id\":2,\"error\":{\"code\":108,\"message\":\"no\"}} {\"result\":{\"nodes\":[]}}",
    )]);
    let batch = Parallel((
        PublishRequest::new("a", "1"),
        PresenceRequest::new("b"),
        InfoRequest::new(),
    ));
    let (publish, presence, info) = client(&fake)?.batch(batch).await?;
    assert_eq!(
        (publish?.offset, code(presence), info?.nodes.len()),
        (0, 108, 0)
    );
    let lines = "{\"method\":\"publish\",\"params\":{\"channel\":\"a\",\"data\":1}}\n\
        {\"method\":\"presence\",\"params\":{\"channel\":\"b\"}}\n{\"method\":\"info\",\"params\":{}}\n";
    assert_eq!(fake.request().body, lines);
    Ok(())
}

#[tokio::test]
async fn nothing_is_sent_for_an_empty_or_an_invalid_batch() -> Outcome {
    let fake = FakeHttp::script([]);
    assert!(
        client(&fake)?
            .batch(Vec::<PublishRequest>::new())
            .await?
            .is_empty()
    );
    let error = failure(
        client(&fake)?
            .batch([Command::from(InfoRequest::new()), Command::default()])
            .await,
    );
    assert!(
        error.is_unsent() && error.to_string().contains("`commands[1]`"),
        "{error}"
    );
    let error = failure(
        client(&fake)?
            .batch((InfoRequest::new(), PublishRequest::new("a", "hello")))
            .await,
    );
    assert!(
        error.is_unsent() && error.to_string().contains("`commands[1].publish.data`"),
        "{error}"
    );
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn wrong_number_of_lines_does_not_decode() -> Outcome {
    for (answer, expected) in [
        ("", "0 replies for 2 commands"),
        ("{\"result\":{}}\n", "1 replies for 2 commands"),
        (
            "{\"result\":{}}\n{\"result\":{}}\n{\"result\":{}}\n",
            "3 replies for 2 commands",
        ),
    ] {
        let error = failure(batch_answered(answer).await);
        assert!(matches!(error, Error::Decode { .. }), "{error:?}");
        assert!(
            error.to_string().starts_with("batch: ") && error.to_string().contains(expected),
            "{error}"
        );
    }
    let error = failure(publish_answered(Answer::json("{\"result\":{}}\n{\"result\":{}}\n")).await);
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn broken_lines_do_not_decode() -> Outcome {
    let good = "{\"result\":{}}\n";
    for broken in [
        "{\"resu",
        "[]",
        "null",
        "<html>",
        "{\"result\":5}",
        "{\"error\":5}",
        "{\"error\":\"no\"}",
    ] {
        for answer in [
            format!("{broken}\n{good}"),
            format!("{good}{broken}\n"),
            format!("{good}{good}{broken}"),
        ] {
            let error = failure(batch_answered(&answer).await);
            assert!(matches!(error, Error::Decode { .. }), "{answer}: {error:?}");
        }
        let error = failure(publish_answered(Answer::json(broken)).await);
        assert!(matches!(error, Error::Decode { .. }), "{broken}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn replies_that_are_not_of_the_legacy_endpoint_are_reported() -> Outcome {
    let error = failure(publish_answered(Answer::html(404, "404 page not found")).await);
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
    let fake = FakeHttp::always(Answer::json("{}"));
    let client = Client::builder(fake.url()).legacy_commands().build()?;
    let error = failure(client.presence(PresenceRequest::new("a")).await);
    assert!(
        error.to_string().contains("neither an error nor a result"),
        "{error}"
    );
    Ok(())
}
