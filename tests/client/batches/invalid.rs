//! Batches that send nothing: empty ones, and those with an invalid command.

use centrifugo_api::*;

#[cfg(feature = "_http")]
use crate::fake_http::{Answer, FakeHttp};
use crate::{Outcome, failure, unused};

fn publish(data: &str) -> PublishRequest {
    PublishRequest::new("plain:a", data)
}

fn set_twice() -> PublishRequest {
    let mut request = publish("1");
    request.b64data = "Mg==".to_owned();
    request
}

#[track_caller]
fn names(error: &Error, path: &str) {
    assert!(
        matches!(error, Error::InvalidRequest(_)) && error.is_unsent(),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(
        message.contains(&format!("`{path}`")) && message.contains("nothing was sent"),
        "{message}"
    );
}

#[tokio::test]
async fn empty_batch_sends_nothing() -> Outcome {
    let (fake, clients) = unused()?;
    for client in clients {
        let none = client.batch(Vec::<PublishRequest>::new()).await?;
        assert!(none.is_empty());
        let []: [Result<HistoryResult, ApiError>; 0] =
            client.batch::<[HistoryRequest; 0]>([]).await?;
        assert!(
            client
                .batch(Parallel(Vec::<Command>::new()))
                .await?
                .is_empty()
        );
        assert!(client.batch(BatchRequest::default()).await?.is_empty());
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn command_that_is_not_json_is_named_over_http() -> Outcome {
    let fake = FakeHttp::script([]);
    let client = Client::new(fake.url(), "key")?;
    let mut batch: Vec<_> = ["0", "1", "2", "hello", "4"].map(publish).into();
    names(
        &failure(client.batch(batch.clone()).await),
        "commands[3].publish.data",
    );
    names(
        &failure(client.batch(Parallel(batch.clone())).await),
        "commands[3].publish.data",
    );
    names(
        &failure(client.batch(BatchRequest::new(batch.clone())).await),
        "commands[3].publish.data",
    );
    batch.truncate(3);
    let tuple = (
        batch[0].clone(),
        BroadcastRequest::new(["plain:a"], "{\"n\":1"),
    );
    names(
        &failure(client.batch(tuple).await),
        "commands[1].broadcast.data",
    );
    let tuple = (
        SubscribeRequest::new("plain:a").user("alice").info("{}}"),
        batch[0].clone(),
    );
    names(
        &failure(client.batch(tuple).await),
        "commands[0].subscribe.info",
    );
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn payload_set_twice_is_named_over_each_transport() -> Outcome {
    let (fake, clients) = unused()?;
    for client in clients {
        names(&failure(client.publish(set_twice()).await), "data");
        names(
            &failure(client.batch((publish("1"), set_twice())).await),
            "commands[1].publish.data",
        );
        names(
            &failure(client.batch(vec![publish("1"), set_twice()]).await),
            "commands[1].publish.data",
        );
        let mut broadcast = BroadcastRequest::new(["plain:a"], "1");
        broadcast.b64data = "Mg==".to_owned();
        names(
            &failure(client.batch((broadcast, publish("1"))).await),
            "commands[0].broadcast.data",
        );
        let mut subscribe = SubscribeRequest::new("plain:a").user("alice").info("{}");
        subscribe.b64info = "Mg==".to_owned();
        names(
            &failure(client.batch([subscribe]).await),
            "commands[0].subscribe.info",
        );
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn parallel_is_requested_only_with_parallel() -> Outcome {
    let fake = FakeHttp::by(|request| {
        Answer::json(format!(
            r#"{{"replies":[{}]}}"#,
            vec![r#"{"history":{}}"#; request.body.matches("history").count()].join(",")
        ))
    });
    let client = Client::new(fake.url(), "key")?;
    let history = || HistoryRequest::new("a");
    let _ = client.batch((history(), history())).await?;
    let _ = client.batch(Parallel((history(), history()))).await?;
    let _ = client.batch(Parallel([history()])).await?;
    let _ = client
        .batch(Parallel(vec![Command::from(history())]))
        .await?;
    let _ = client
        .batch(Parallel(BatchRequest::new([history()])))
        .await?;
    let bodies: Vec<_> = fake
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    let (two, one) = (
        r#"{"history":{"channel":"a"}},{"history":{"channel":"a"}}"#,
        r#"{"history":{"channel":"a"}}"#,
    );
    let parallel = |commands: &str| format!(r#"{{"commands":[{commands}],"parallel":true}}"#);
    let expected = [
        format!(r#"{{"commands":[{two}]}}"#),
        parallel(two),
        parallel(one),
        parallel(one),
        parallel(one),
    ];
    assert_eq!(bodies, expected);
    Ok(())
}
