use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use prost::Message as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::http::{decode, refusal};
use super::{call, check_error};
use crate::fuzz::fuzz;
use crate::{Error, Method, Status, api};

fuzz!(http_replies, check_replies);
fuzz!(http_refusals, check_refusal);

/// What can be read as a method's reply can be written and read again, over either transport.
fn check_replies(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    macro_rules! check_each {
        ($($request:ident),*) => { $(check_reply::<api::$request>(&body);)* };
    }
    for_each_method!(check_each);
}

fn check_reply<M: Method>(body: &Bytes)
where
    M::Response: Serialize + PartialEq,
{
    match decode::<M::Response>(M::NAME, body) {
        Ok(response) => {
            let json = serde_json::to_vec(&response).unwrap();
            assert!(
                decode::<M::Response>(M::NAME, &json.into()).unwrap() == response,
                "{}: JSON",
                M::NAME
            );
            let protobuf = response.encode_to_vec();
            assert!(
                M::Response::decode(&protobuf[..]).unwrap() == response,
                "{}: protobuf",
                M::NAME
            );
        }
        Err(error) => check_error(error),
    }
}

/// An answer, of which the first lines are its status, its `Retry-After` and its `Location`.
fn check_refusal(input: &[u8]) {
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
    let error = refusal(&call(), status, &headers, &body);
    match &error {
        Error::Api(failure) => {
            let object: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(object["code"], failure.code);
            assert_eq!(object["message"].as_str(), Some(&*failure.message));
            assert!(is_centrifugos(failure.code), "{failure}");
        }
        Error::Transport { status: told, .. } => assert_eq!(*told, Status::Http(status)),
        other => panic!("{other:?}"),
    }
    check_error(error);
    check_api_error(status, &headers, &body);
}

/// Others' errors have the codes of HTTP and of gRPC.
fn is_centrifugos(code: u32) -> bool {
    matches!(code, 100..=399 | 600..)
}

/// Whatever the message, Centrifugo's error is one.
fn check_api_error(status: u16, headers: &HeaderMap, text: &[u8]) {
    let (code, message) = match text.split_first_chunk() {
        Some((code, rest)) => (u32::from_le_bytes(*code), String::from_utf8_lossy(rest)),
        None => (100, String::from_utf8_lossy(text)),
    };
    let body = json!({ "code": code, "message": message }).to_string();
    match refusal(&call(), status, headers, &body.into()) {
        Error::Api(failure) => assert_eq!((failure.code, &*failure.message), (code, &*message)),
        error => assert!(!is_centrifugos(code), "{code}: {error}"),
    }
}
