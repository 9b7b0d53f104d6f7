//! Centrifugo's own errors, in both of its error modes, and replies that only look like them.

use base64::Engine as _;
use centrifugo_api::prost::Message as _;
use centrifugo_api::{Error, PublishResponse, api};

use crate::fake_grpc::Reply;
use crate::fake_http::Answer;
use crate::over_both_transports::{always, replying};
use crate::{Predicates, assert_says, failure, predicates};

#[tokio::test]
async fn error_in_a_reply_is_an_api_error() {
    for (code, message, retryable, hint) in [
        (100, "internal server error", true, ""),
        (
            102,
            "unknown channel",
            false,
            "the namespace of channel `news` is not configured",
        ),
        (104, "not found", false, "PRO"),
        (107, "bad request", false, "lacks something"),
        (108, "not available", false, "off"),
        (111, "too many requests", true, ""),
        (112, "unrecoverable position", false, "epoch"),
        (113, "conflict", false, ""),
        (1, "below all", false, ""),
        (250, "of a newer server", false, ""),
        (404, "looks like a status", false, ""),
        (4_294_967_295, "largest", false, ""),
    ] {
        let error = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        for json in [
            format!(r#"{{"error":{error}}}"#),
            format!(r#"{{"result":null,"error":{error}}}"#),
            format!(r#"{{"error":{error},"result":{{"offset":1}}}}"#),
            format!(r#"{{"result":{{"offset":1}},"error":{error}}}"#),
        ] {
            for server in replying::<PublishResponse>(&json) {
                let case = format!("{} {json}", server.transport());
                let error = failure(&server.client(), &case).await;
                assert_is_api(&error, code, message, &case);
                assert_eq!(error.is_retryable(), retryable, "{case}");
                assert_says(&error, &format!("error {code}: {message}"), &case);
                assert_says(&error, hint, &case);
            }
        }
    }
}

#[tokio::test]
async fn transport_error_mode_returns_the_same_errors() {
    for (http, grpc, code, message) in [
        (500, "13", 100, "internal server error"),
        (404, "5", 102, "unknown channel"),
        (404, "5", 104, "not found"),
        (400, "3", 107, "bad request"),
        (400, "3", 108, "not available"),
        (429, "8", 111, "too many requests"),
        (416, "11", 112, "unrecoverable position"),
        (409, "6", 113, "conflict"),
        (500, "2", 250, "of a newer server"),
        (503, "14", 3000, "custom"),
    ] {
        let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        let details = details(
            "type.googleapis.com/centrifugal.centrifugo.api.Error",
            &api_error(code, message),
        );
        let status = [
            ("grpc-status", grpc),
            ("grpc-message", message),
            ("grpc-status-details-bin", &details),
        ];
        for reply in [Reply::status(&status), Reply::started().trailers(&status)] {
            for server in always(Answer::with(http, &[], &body), reply) {
                let case = format!("{} {code}", server.transport());
                assert_is_api(
                    &failure(&server.client(), &case).await,
                    code,
                    message,
                    &case,
                );
            }
        }
    }
}

#[track_caller]
pub(crate) fn assert_is_api(error: &Error, code: u32, message: &str, case: &str) {
    let Error::Api(api) = error else {
        panic!("{case}: {error:?}")
    };
    assert_eq!((api.code, api.message.as_str()), (code, message), "{case}");
    let retryable = api.is_temporary();
    assert_eq!(
        predicates(error),
        Predicates {
            retryable,
            api_code: Some(code),
            ..Predicates::default()
        }
    );
}

pub(crate) fn api_error(code: u32, message: &str) -> Vec<u8> {
    api::Error::new(code, message).encode_to_vec()
}

/// Returns a `google.rpc.Status` that holds a message, as the header encodes it.
pub(crate) fn details(type_url: &str, message: &[u8]) -> String {
    let status = field(3, &any(type_url, message));
    base64::engine::general_purpose::STANDARD.encode(status)
}

/// Returns a `google.protobuf.Any`.
pub(crate) fn any(type_url: &str, message: &[u8]) -> Vec<u8> {
    [field(1, type_url.as_bytes()), field(2, message)].concat()
}

/// Returns a protobuf field of bytes.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len())
        .ok()
        .filter(|length| *length < 128);
    [
        &[
            number << 3 | 2,
            length.expect("the test's fields are short"),
        ],
        bytes,
    ]
    .concat()
}
