//! HTTP replies that only look like Centrifugo's transport error mode, and those that are.

use centrifugo_api::Error;

use crate::api_errors::assert_is_api;
use crate::fake_http::{Answer, FakeHttp};
use crate::{assert_says, client, failure};

#[tokio::test]
async fn api_error_over_http_may_hold_what_is_unknown() {
    for body in [
        r#"{"code":102,"message":"unknown channel","temporary":true,"details":[{"a":1}]}"#,
        "\n{ \"message\" : \"unknown channel\", \"code\" : 102 }\n",
    ] {
        let fake = FakeHttp::always(Answer::with(404, &[], body));
        assert_is_api(
            &failure(&client(&fake.url()), body).await,
            102,
            "unknown channel",
            body,
        );
    }
}

#[tokio::test]
async fn foreign_json_with_a_status_is_not_an_api_error() {
    for body in [
        r#"{"code":400,"message":"Bad Request"}"#,
        r#"{"code":404,"message":"no route"}"#,
        r#"{"code":500,"message":"failed"}"#,
        r#"{"code":599,"message":"odd"}"#,
        // gRPC codes, as grpc-gateway writes them.
        r#"{"code":5,"message":"Not Found","details":[]}"#,
        r#"{"code":16,"message":"unauthenticated"}"#,
        r#"{"code":99,"message":"below Centrifugo's"}"#,
        r#"{"code":0,"message":"none"}"#,
        r#"{"code":-100,"message":"negative"}"#,
        r#"{"code":4294967296,"message":"too large"}"#,
        r#"{"code":102.5,"message":"fraction"}"#,
        r#"{"code":"102","message":"text"}"#,
        r#"{"code":102}"#,
        r#"{"code":102,"message":null}"#,
        r#"{"code":102,"message":{"text":"nested"}}"#,
        r#"{"message":"no code"}"#,
        r#"[{"code":102,"message":"list"}]"#,
        r#"[102,"unknown channel"]"#,
        r#"{"code":102,"message":"cut"#,
        "102",
        "null",
        "{}",
    ] {
        let fake = FakeHttp::always(Answer::with(
            404,
            &[("Content-Type", "application/json")],
            body,
        ));
        let error = failure(&client(&fake.url()), body).await;
        assert!(
            matches!(error, Error::Transport { .. }),
            "{body}: {error:?}"
        );
        assert_says(&error, body, body);
    }
}
