//! Requests that cannot be sent: they are refused before anything is sent.

use centrifugo_api::{
    BatchRequest, BroadcastRequest, Command, Error, MapPublishRequest, Method, PublishRequest,
    RpcRequest, SubscribeRequest,
};

use crate::fake_http::{Answer, FakeHttp};
use crate::{Outcome, Predicates, assert_says, client, predicates};

const NOT_JSON: &[&[u8]] = &[
    b"hello",
    b"{",
    b"{'a':1}",
    b"1 2",
    b"\"\xff\"",
    b"\xef\xbb\xbf{}",
    b"NaN",
    b" ",
    b"\0",
    // Payloads that would change the request around them.
    br#"1},"channel":"other""#,
    br#"1,"channel":"other""#,
    br#"1}"#,
    br#"{}}"#,
    b"{}\n{\"channel\":\"other\",\"data\":{}}",
    b"\"\n\"",
];

async fn assert_refused<M: Method>(request: M, field: &str)
where
    M::Result: std::fmt::Debug,
{
    let fake = FakeHttp::always(Answer::json(r#"{"result":{}}"#));
    let error = client(&fake.url()).call(request).await.expect_err(field);
    assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
    assert_eq!(
        predicates(&error),
        Predicates {
            unsent: true,
            ..Predicates::default()
        },
        "{field}"
    );
    assert_says(
        &error,
        &format!("{}: `{field}` is not JSON", M::NAME),
        field,
    );
    assert_says(&error, "nothing was sent", field);
    assert_says(&error, "binary(bytes)", field);
    assert_eq!(fake.connections(), 0, "{field}");
}

#[tokio::test]
async fn payload_that_is_not_json_is_refused() {
    for payload in NOT_JSON {
        assert_refused(PublishRequest::new("news", *payload), "data").await;
    }
}

#[tokio::test]
async fn every_payload_is_checked_and_named() {
    let bad = "not JSON";
    assert_refused(BroadcastRequest::new(["a"], bad), "data").await;
    assert_refused(RpcRequest::new("m").params(bad), "params").await;
    assert_refused(SubscribeRequest::new("c").user("u").info(bad), "info").await;
    assert_refused(SubscribeRequest::new("c").user("u").data(bad), "data").await;
    assert_refused(
        MapPublishRequest::new("c", "{}").key("k").stream_data(bad),
        "stream_data",
    )
    .await;
    assert_refused(
        MapPublishRequest::new("c", bad).key("k").stream_data("{}"),
        "data",
    )
    .await;
}

#[tokio::test]
async fn payload_in_a_batch_is_named_with_its_path() {
    let good = || Command::from(PublishRequest::new("a", "{}"));
    let bad = Command::from(PublishRequest::new("a", r#"1},"channel":"other""#));
    assert_refused(
        BatchRequest::new([good(), bad.clone(), good()]),
        "commands[1].publish.data",
    )
    .await;
    assert_refused(BatchRequest::new([bad]), "commands[0].publish.data").await;
    let subscribe = Command::from(SubscribeRequest::new("c").user("u").info("x"));
    assert_refused(
        BatchRequest::new([good(), good(), subscribe]),
        "commands[2].subscribe.info",
    )
    .await;
}

#[tokio::test]
async fn client_is_usable_after_a_refusal() -> Outcome {
    let fake = FakeHttp::always(Answer::json(r#"{"result":{}}"#));
    let client = client(&fake.url());
    assert!(
        client
            .publish(PublishRequest::new("news", "x"))
            .await
            .is_err()
    );
    client.publish(PublishRequest::new("news", "1")).await?;
    assert_eq!(fake.request().body, r#"{"channel":"news","data":1}"#);
    Ok(())
}

#[tokio::test]
async fn odd_json_is_sent_as_it_is() -> Outcome {
    for payload in [
        "null",
        "\"\"",
        "1e400",
        r#"{"a":1,"a":2}"#,
        r#""\ud800""#,
        "\"\u{2028}</script>\"",
        "-0.0",
    ] {
        let fake = FakeHttp::always(Answer::json(r#"{"result":{}}"#));
        client(&fake.url())
            .publish(PublishRequest::new("news", payload))
            .await?;
        assert_eq!(
            fake.request().body,
            format!(r#"{{"channel":"news","data":{payload}}}"#)
        );
    }
    Ok(())
}

#[tokio::test]
async fn text_around_a_payload_cannot_rewrite_the_request() -> Outcome {
    let fake = FakeHttp::always(Answer::json(r#"{"result":{}}"#));
    let channel = "a\",\"data\":1,\"x\":\"\u{0}\n\\";
    client(&fake.url())
        .publish(PublishRequest::new(channel, "2").idempotency_key("k\"}"))
        .await?;
    let body: serde_json::Value = serde_json::from_str(&fake.request().body)?;
    assert_eq!(
        body,
        serde_json::json!({"channel": channel, "data": 2, "idempotency_key": "k\"}"})
    );
    Ok(())
}

#[tokio::test]
#[cfg(feature = "grpc")]
async fn payload_that_is_not_json_is_refused_over_grpc_unless_it_is_binary() -> Outcome {
    use centrifugo_api::prost::Message as _;

    for payload in NOT_JSON {
        let fake = crate::fake_grpc::FakeGrpc::always(crate::over_both_transports::published().1);
        let client = client(&fake.url());
        let outcome = client.publish(PublishRequest::new("news", *payload)).await;
        assert_says(&outcome.unwrap_err(), "publish: `data` is not JSON", "gRPC");
        let binary = centrifugo_api::binary(*payload);
        client.publish(PublishRequest::new("news", binary)).await?;
        let sent = PublishRequest::decode(fake.request().message())?;
        assert!(sent.data == *payload && sent.b64data.is_empty());
    }
    Ok(())
}
