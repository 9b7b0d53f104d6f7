//! gRPC statuses without an API error.

use centrifugo_api::{Error, Status};

use crate::fake_grpc::{FakeGrpc, Reply};
use crate::{Predicates, assert_says, client, failure, predicates};

async fn failure_of(reply: Reply) -> Error {
    let fake = FakeGrpc::always(reply);
    failure(&client(&fake.url()), "status").await
}

/// Returns replies with the status: without a head, after a head, and after data.
fn forms(headers: &[(&str, &str)]) -> [Reply; 3] {
    [
        Reply::status(headers),
        Reply::started().trailers(headers),
        Reply::started()
            .data(crate::fake_grpc::frame([]))
            .trailers(headers),
    ]
}

#[tokio::test]
async fn statuses_become_transport_errors_with_a_hint() {
    for (code, name, retryable, hint) in [
        (1, "Cancelled", false, ""),
        (2, "Unknown", false, ""),
        (3, "InvalidArgument", false, ""),
        (5, "NotFound", false, ""),
        (6, "AlreadyExists", false, ""),
        (7, "PermissionDenied", false, ""),
        (8, "ResourceExhausted", false, ""),
        (9, "FailedPrecondition", false, ""),
        (10, "Aborted", false, ""),
        (11, "OutOfRange", false, ""),
        (12, "Unimplemented", false, "not Centrifugo PRO"),
        (13, "Internal", false, "schema"),
        (14, "Unavailable", true, "10000"),
        (15, "DataLoss", false, ""),
    ] {
        for reply in forms(&[
            ("grpc-status", &code.to_string()),
            ("grpc-message", "no%20luck"),
        ]) {
            let error = failure_of(reply).await;
            let Error::Transport {
                method,
                status,
                body,
                retry_after,
                ..
            } = &error
            else {
                panic!("{name}: {error:?}")
            };
            assert_eq!(
                (*method, *status, body.as_str()),
                ("publish", Status::Grpc(code), "no luck")
            );
            assert_eq!(*retry_after, None, "{name}");
            assert_eq!(
                predicates(&error),
                Predicates {
                    retryable,
                    ..Predicates::default()
                },
                "{name}"
            );
            assert_says(
                &error,
                &format!("publish: the server answered gRPC {name} ({code}): no luck"),
                name,
            );
            assert_says(&error, hint, name);
        }
    }
}

#[tokio::test]
async fn refused_key_is_unauthorized_and_says_which_key() {
    for reply in forms(&[("grpc-status", "16"), ("grpc-message", "unauthenticated")]) {
        let error = failure_of(reply).await;
        assert!(
            matches!(
                error,
                Error::Unauthorized {
                    method: "publish",
                    status: Status::Grpc(16),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(
            predicates(&error),
            Predicates {
                unauthorized: true,
                unsent: true,
                ..Predicates::default()
            }
        );
        assert_says(&error, "grpc_api.key", "16");
    }
}

#[tokio::test]
async fn deadline_of_the_server_is_a_timeout() {
    for reply in forms(&[("grpc-status", "4")]) {
        let error = failure_of(reply).await;
        assert!(
            matches!(
                error,
                Error::Timeout {
                    method: "publish",
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(
            predicates(&error),
            Predicates {
                timeout: true,
                retryable: true,
                ..Predicates::default()
            }
        );
    }
}

#[tokio::test]
async fn status_that_grpc_does_not_know_is_no_success() {
    for status in ["17", "99", "-1", "OK", "", "0x0", "00"] {
        for reply in forms(&[("grpc-status", status)]) {
            let error = failure_of(reply).await;
            assert!(
                matches!(
                    error,
                    Error::Transport {
                        status: Status::Grpc(2),
                        ..
                    }
                ),
                "{status}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn http_status_of_a_proxy_is_reported() {
    for (http, code, retryable) in [
        (400, 13, false),
        (403, 7, false),
        (404, 12, false),
        (413, 2, false),
        (429, 14, true),
        (500, 2, false),
        (408, 14, true),
        (502, 14, true),
        (503, 14, true),
        (504, 14, true),
        (520, 14, true),
        (524, 14, true),
        (530, 14, true),
    ] {
        let error = failure_of(Reply::head(http, &[("content-type", "text/html")]).end()).await;
        let Error::Transport { status, .. } = &error else {
            panic!("{http}: {error:?}")
        };
        assert_eq!(*status, Status::Grpc(code), "{http}");
        assert_eq!(error.is_retryable(), retryable, "{http}");
        assert_says(&error, &http.to_string(), "an HTTP status");
    }
    let error = failure_of(Reply::head(401, &[]).end()).await;
    assert!(error.is_unauthorized(), "{error:?}");
}

#[tokio::test]
async fn size_is_blamed_only_if_the_message_is_about_it() {
    let received = "grpc: received message larger than max (5000000 vs. 4194304)";
    let sent = "trying to send message larger than max (5000000 vs. 4194304)";
    for (message, hint) in [
        (received, "grpc_api.max_receive_message_size"),
        (sent, "the reply exceeds the server's limit"),
        ("quota exceeded", ""),
    ] {
        let reply = Reply::status(&[("grpc-status", "8"), ("grpc-message", message)]);
        let error = failure_of(reply).await;
        assert!(!error.is_retryable(), "{error:?}");
        assert_says(&error, hint, message);
        assert_eq!(error.to_string().contains("limit"), !hint.is_empty());
    }
}

#[tokio::test]
async fn message_of_a_status_is_shown_in_part_and_on_one_line() {
    let long = "x".repeat(2000);
    let error = failure_of(Reply::status(&[
        ("grpc-status", "2"),
        ("grpc-message", &long),
    ]))
    .await;
    assert!(error.to_string().len() < 500, "{error}");
    assert_says(&error, &format!("{}…", "x".repeat(200)), "long");

    for message in ["%0D%0Aa%00b", "%FF%FE", "%", "%zz", "%C3", "100%"] {
        let error = failure_of(Reply::status(&[
            ("grpc-status", "7"),
            ("grpc-message", message),
        ]))
        .await;
        assert!(
            matches!(
                error,
                Error::Transport {
                    status: Status::Grpc(7),
                    ..
                }
            ),
            "{message}: {error:?}"
        );
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
}
