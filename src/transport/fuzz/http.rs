//! Fuzzes HTTP responses with an error status.

use ::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use serde_json::{Value, json};

use super::route;
use crate::error::{Error, Status};
use crate::fuzz::errors::check_error;
use crate::fuzz::fuzz;
use crate::transport::refusal::refusal;

fuzz!(http_refusals, check_response);

/// Checks a response, whose first lines are its status, its `Retry-After` and its `Location`.
fn check_response(input: &[u8]) {
    let mut parts = input.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let status = std::str::from_utf8(part())
        .ok()
        .and_then(|status| status.parse().ok())
        .unwrap_or(500);
    let mut headers = HeaderMap::new();
    for name in [header::RETRY_AFTER, header::LOCATION] {
        headers.extend(HeaderValue::from_bytes(part()).map(|value| (name, value)));
    }
    let body = Bytes::copy_from_slice(part());
    let error = refusal(&route(), status, &headers, &body, None);
    match &error {
        Error::Api(error_returned) => {
            let object: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(object["code"], error_returned.code);
            assert_eq!(object["message"].as_str(), Some(&*error_returned.message));
            assert!(is_own_code(error_returned.code), "{error_returned}");
        }
        Error::Transport {
            status: returned, ..
        } => assert_eq!(*returned, Status::Http(status)),
        other => panic!("{other:?}"),
    }
    check_error(error);
    check_api_error(status, &headers, &body);
}

/// Returns whether the code can be Centrifugo's: foreign errors have the codes of HTTP and of gRPC.
fn is_own_code(code: u32) -> bool {
    matches!(code, 100..=399 | 600..)
}

/// Checks that Centrifugo's error is recognized, with any message.
fn check_api_error(status: u16, headers: &HeaderMap, text: &[u8]) {
    let (code, message) = match text.split_first_chunk() {
        Some((code, rest)) => (u32::from_le_bytes(*code), String::from_utf8_lossy(rest)),
        None => (100, String::from_utf8_lossy(text)),
    };
    let body = json!({ "code": code, "message": message }).to_string();
    match refusal(&route(), status, headers, &body.into(), None) {
        Error::Api(returned) => {
            assert_eq!(returned.code, code);
            // A long message is cut.
            let whole = returned.message == message;
            let cut = returned.message.strip_suffix('…');
            let is_start = cut.is_some_and(|start| message.starts_with(start));
            assert!(
                whole || is_start && message.len() > 4096,
                "{}",
                returned.message.len()
            );
        }
        error => assert!(!is_own_code(code), "{code}: {error}"),
    }
}
