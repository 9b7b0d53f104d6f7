//! Fuzzes payloads that users send and read.

use std::collections::BTreeMap;

use base64::Engine as _;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::PayloadExt as _;
use crate::api::messages::{BatchRequest, PublishRequest};
use crate::api::payload::binary;
use crate::fuzz::{assert_bounded, fuzz};
use crate::request::check::not_json;

fuzz!(payloads, check);

/// Checks that a payload is written as it is, into its field and nowhere else, or is refused.
fn check(input: &[u8]) {
    let request = PublishRequest::new("news", input);
    let is_json = serde_json::from_slice::<Value>(input).is_ok();
    match serde_json::to_vec(&request) {
        Ok(json) => {
            let payload = input.trim_ascii();
            let expected = if payload.is_empty() {
                br#"{"channel":"news"}"#.to_vec()
            } else {
                [br#"{"channel":"news","data":"#, payload, b"}"].concat()
            };
            assert_eq!(
                json.escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
            assert_is_one_value(payload);
        }
        Err(error) => {
            assert!(!is_json, "JSON was refused: {error}");
            let error = not_json(&request, &error);
            assert!(
                error.to_string().starts_with("publish: `data` is not JSON"),
                "{error}"
            );
            assert_bounded(&error);
        }
    }
    let batch = BatchRequest::new([request]);
    assert_eq!(
        serde_json::to_vec(&batch).is_ok(),
        serde_json::to_vec(&batch.commands[0].publish).is_ok()
    );
    check_reading(input);
    let twin = PublishRequest::new("news", binary(input)).b64data;
    assert_eq!(
        base64::engine::general_purpose::STANDARD
            .decode(twin)
            .unwrap(),
        input
    );
}

/// Checks that a payload that was written is exactly one value, so that it cannot end its field early.
fn assert_is_one_value(payload: &[u8]) {
    let text = std::str::from_utf8(payload).unwrap();
    if !text.is_empty() {
        let members = format!("[{text}]");
        assert_eq!(
            serde_json::from_str::<Vec<&RawValue>>(&members)
                .unwrap()
                .len(),
            1
        );
    }
}

/// Checks that errors of decoding show only the start of a payload. They may show it: it belongs to the caller.
fn check_reading(input: &[u8]) {
    let payload = Bytes::copy_from_slice(input);
    check_decoding::<Value>(&payload);
    check_decoding::<u8>(&payload);
    check_decoding::<BTreeMap<String, Vec<bool>>>(&payload);
}

fn check_decoding<T: DeserializeOwned>(payload: &Bytes) {
    if let Err(error) = payload.decode::<T>() {
        assert_bounded(&error);
    }
}
