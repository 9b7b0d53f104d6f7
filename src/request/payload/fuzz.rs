use std::collections::BTreeMap;

use base64::Engine as _;
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::PayloadExt as _;
use crate::api::payload::binary;
use crate::api::{BatchRequest, PublishRequest};
use crate::fuzz::{assert_bounded, fuzz};
use crate::request::check::not_json;

fuzz!(payloads, check);

/// A payload goes as it is, into its field and nowhere else, or is refused.
fn check(input: &[u8]) {
    let request = PublishRequest::new("news", input);
    let is_json = serde_json::from_slice::<Value>(input).is_ok();
    match serde_json::to_vec(&request) {
        Ok(json) => {
            let payload = input.trim_ascii();
            let expected = match payload.is_empty() {
                true => br#"{"channel":"news"}"#.to_vec(),
                false => [br#"{"channel":"news","data":"#, payload, b"}"].concat(),
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

/// A payload that is written cannot end its field early, and is one value whoever reads it.
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

/// The payload is the caller's, whatever it holds.
fn check_reading(input: &[u8]) {
    let payload = Bytes::copy_from_slice(input);
    payload
        .decode::<Value>()
        .err()
        .iter()
        .for_each(assert_bounded);
    payload.decode::<u8>().err().iter().for_each(assert_bounded);
    payload
        .decode::<BTreeMap<String, Vec<bool>>>()
        .err()
        .iter()
        .for_each(assert_bounded);
}
