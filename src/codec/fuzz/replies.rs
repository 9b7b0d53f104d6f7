//! Fuzzes the replies of all methods, in JSON and in protobuf.

use bytes::Bytes;
use prost::Message as _;
use serde::Serialize;

use crate::api;
use crate::api::method::Method;
use crate::codec::{json, protobuf};
use crate::fuzz::errors::check_error;
use crate::fuzz::fuzz;

// It defines the macro `for_each_method`.
include!(concat!(env!("OUT_DIR"), "/messages.rs"));

fuzz!(http_replies, check_json);
fuzz!(grpc_replies, check_protobuf);

/// Checks that a reply that can be decoded can be encoded and decoded again, in both encodings, and that the reader of
/// usual replies reads no other message.
fn check_json(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    macro_rules! check_each {
        ($($request:ident),*) => { $(check_json_reply::<api::$request>(&body);)* };
    }
    for_each_method!(check_each);
}

fn check_json_reply<M: Method>(body: &Bytes)
where
    M::Response: Serialize + PartialEq,
{
    match json::decode::<M::Response>(M::NAME, body) {
        Ok(response) => {
            let usual = (M::GENERATED.read_usual)(body);
            assert!(
                usual.is_none_or(|usual| usual == response),
                "{}: the usual form",
                M::NAME
            );
            let json = serde_json::to_vec(&response).unwrap();
            assert!(
                json::decode::<M::Response>(M::NAME, &json.into()).unwrap() == response,
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
        Err(error) => {
            assert!((M::GENERATED.read_usual)(body).is_none(), "{}", M::NAME);
            check_error(error);
        }
    }
}

/// Checks that a reply that can be decoded can be encoded and decoded again.
fn check_protobuf(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    macro_rules! check_each {
        ($($request:ident),*) => { $(check_protobuf_reply::<api::$request>(&body);)* };
    }
    for_each_method!(check_each);
}

fn check_protobuf_reply<M: Method>(body: &Bytes)
where
    M::Response: Serialize,
{
    match protobuf::decode::<M::Response>(M::NAME, body) {
        Ok(response) => {
            // As bytes: NaN does not equal itself.
            let protobuf = response.encode_to_vec();
            let again = protobuf::decode::<M::Response>(M::NAME, &protobuf.clone().into()).unwrap();
            assert_eq!(again.encode_to_vec(), protobuf, "{}", M::NAME);
            // Payloads need not be JSON here, but JSON that can be written can be read.
            if let Ok(json) = serde_json::to_vec(&response) {
                let read: M::Response = serde_json::from_slice(&json).unwrap();
                assert_eq!(serde_json::to_vec(&read).unwrap(), json, "{}", M::NAME);
            }
        }
        Err(error) => check_error(error),
    }
}
