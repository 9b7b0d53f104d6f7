//! gRPC replies that only look like Centrifugo's transport error mode, and those that are.

use base64::Engine as _;
use centrifugo_api::Error;

use crate::api_errors::{any, api_error, assert_is_api, details, field};
use crate::fake_grpc::{FakeGrpc, Reply};
use crate::{assert_says, client, failure};

#[tokio::test]
async fn foreign_details_are_not_an_api_error() {
    let centrifugo = "type.googleapis.com/centrifugal.centrifugo.api.Error";
    let engine = base64::engine::general_purpose::STANDARD;
    for (details, case) in [
        (
            details(
                "type.googleapis.com/google.rpc.ErrorInfo",
                &api_error(102, "unknown"),
            ),
            "another type",
        ),
        (
            details(
                "type.googleapis.com/not.centrifugal.centrifugo.api.Error",
                &api_error(102, ""),
            ),
            "its like",
        ),
        (details("", &api_error(102, "unknown")), "no type"),
        (details(centrifugo, &[0xff; 9]), "garbage in the right type"),
        (details(centrifugo, &[]), "no error in the right type"),
        (engine.encode([0xff; 20]), "garbage"),
        (engine.encode([0x1a, 0x7f, 0x0a]), "cut short"),
        (engine.encode([]), "empty"),
    ] {
        let error = status_with(&details, case).await;
        assert!(
            matches!(error, Error::Transport { .. }),
            "{case}: {error:?}"
        );
        assert_says(&error, "gRPC NotFound (5): no luck", case);
    }
}

#[tokio::test]
async fn details_that_are_not_base64_do_not_panic() {
    for details in ["!!!", "====", "a", "%00", "{}", "YWJj ZGVm"] {
        let error = status_with(details, details).await;
        assert!(
            matches!(error, Error::Transport { .. }),
            "{details}: {error:?}"
        );
    }
}

#[tokio::test]
async fn api_error_is_found_among_other_details_and_without_padding() {
    let other = any("type.googleapis.com/google.rpc.ErrorInfo", b"\x0a\x01x");
    let error = any(
        "type.googleapis.com/centrifugal.centrifugo.api.Error",
        &api_error(108, "off"),
    );
    let status = [
        field(1, b""),
        field(2, b"text"),
        field(3, &other),
        field(3, &error),
    ]
    .concat();
    for details in [
        base64::engine::general_purpose::STANDARD.encode(&status),
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(&status),
    ] {
        assert_is_api(
            &status_with(&details, "several").await,
            108,
            "off",
            "several",
        );
    }
}

/// Returns the error of a reply with these details. It must be the same in a head alone and in
/// trailers.
async fn status_with(details: &str, case: &str) -> Error {
    let status = [
        ("grpc-status", "5"),
        ("grpc-message", "no luck"),
        ("grpc-status-details-bin", details),
    ];
    let mut errors = Vec::new();
    for reply in [Reply::status(&status), Reply::started().trailers(&status)] {
        let fake = FakeGrpc::always(reply);
        errors.push(failure(&client(&fake.url()), case).await);
    }
    assert_eq!(errors[0].to_string(), errors[1].to_string());
    errors.remove(0)
}
