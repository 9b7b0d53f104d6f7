//! Fuzzes the statuses of gRPC calls, and their details.

use std::sync::LazyLock;
use std::time::Instant;

use ::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;

use super::route;
use crate::api;
use crate::error::{ApiError, Error, Status};
use crate::fuzz::errors::check_error;
use crate::fuzz::fuzz;
use crate::transport::grpc::{Failure, Grpc, final_status};
use crate::transport::{OwnConnections, SendState, TransportConfig};

fuzz!(grpc_statuses, check_status);

static CLIENT: LazyLock<Grpc> = LazyLock::new(|| {
    let config = TransportConfig::for_tests("grpc://127.0.0.1:1");
    Grpc::new(config, OwnConnections::default()).unwrap()
});

/// Checks trailers: lines with the status and its message, and the details after them.
fn check_status(input: &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let status = part();
    let message = part();
    let details = part();
    for details in [details.to_vec(), STANDARD.encode(details).into_bytes()] {
        let error = status_error(status, message, &details);
        error.into_iter().for_each(check_error);
    }
    check_api_error(status, message, details);
}

fn status_error(status: &[u8], message: &[u8], details: &[u8]) -> Option<Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("grpc-status", status),
        ("grpc-message", message),
        ("grpc-status-details-bin", details),
    ] {
        headers.extend(HeaderValue::from_bytes(value).map(|value| (name.parse().ok(), value)));
    }
    let (status, details) = final_status(headers)?;
    let code = i32::from(status.code());
    let failure = Failure::Status(status, details);
    let error = CLIENT.error(&route(), failure, &SendState::default(), Instant::now());
    match &error {
        Error::Api(returned) => assert_ne!(returned.code, 0),
        Error::Transport { status, .. } | Error::Unauthorized { status, .. } => {
            assert_eq!(*status, Status::Grpc(code));
        }
        Error::Timeout { effect, .. } => assert!(code == 4 && !effect.is_unsent()),
        other => panic!("{other:?}"),
    }
    Some(error)
}

/// Checks that Centrifugo's error is found among the details, with any message and any neighbours.
fn check_api_error(status: &[u8], message: &[u8], text: &[u8]) {
    let sent = api::Error::new(108, String::from_utf8_lossy(text));
    let details = |type_url: &str, value: Vec<u8>| {
        let any = prost_types::Any {
            type_url: type_url.to_owned(),
            value,
        };
        let mut field = Vec::new();
        prost::encoding::message::encode(3, &any, &mut field);
        field
    };
    let details = [
        details("type.googleapis.com/google.rpc.RetryInfo", text.to_vec()),
        details(
            "type.googleapis.com/centrifugal.centrifugo.api.Error",
            sent.encode_to_vec(),
        ),
    ];
    match status_error(
        status,
        message,
        STANDARD.encode(details.concat()).as_bytes(),
    ) {
        Some(Error::Api(returned)) => assert_eq!(returned, ApiError::from(sent).of(route().method)),
        // The status could not be a header.
        None => assert!(HeaderValue::from_bytes(status).is_err()),
        Some(error) => panic!("{error:?}"),
    }
}
