use std::sync::LazyLock;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use prost::Message as _;
use serde::Serialize;

use super::super::frames::{self, Failure};
use super::super::grpc::{self, Grpc};
use super::super::{Sent, Settings};
use super::{call, check_error};
use crate::fuzz::fuzz;
use crate::{ApiError, Error, Method, Status, api};

fuzz!(grpc_frames, check_frames);
fuzz!(grpc_replies, check_replies);
fuzz!(grpc_statuses, check_status);

/// Small, so that a fuzzer gets beyond it.
const LIMIT: usize = 4096;

/// The bytes of a stream, of which the first says how many come at once.
fn check_frames(input: &[u8]) {
    let Some((chunk, stream)) = input.split_first() else {
        return;
    };
    let at_once = read(stream, stream.len().max(1));
    let in_chunks = read(stream, usize::from(*chunk).max(1));
    let length = stream
        .get(1..5)
        .map(|length| u32::from_be_bytes(length.try_into().unwrap()) as usize);
    let is_message = stream.first() == Some(&0)
        && length.is_some_and(|length| length <= LIMIT && length == stream.len() - 5);
    for outcome in [at_once, in_chunks] {
        match outcome {
            Ok(message) => {
                assert!(is_message);
                assert_eq!(message, stream[5..]);
                assert_eq!(
                    frames::frame(message.len(), |frame| frame.extend_from_slice(&message)),
                    stream
                );
            }
            Err(failure) => {
                assert!(!is_message);
                let is_long = length.is_some_and(|length| length > LIMIT) && stream[0] == 0;
                assert_eq!(matches!(failure, Failure::TooLarge), is_long);
                check_error(CLIENT.error(&call(), failure, &Sent::default(), Instant::now()));
            }
        }
    }
}

/// Reads as the transport does, and holds no more than what has come.
fn read(stream: &[u8], chunk: usize) -> Result<Bytes, Failure> {
    let mut read = BytesMut::new();
    for chunk in stream.chunks(chunk) {
        read.extend_from_slice(chunk);
        frames::check_start(&read, LIMIT, false)?;
    }
    frames::message(read.freeze(), LIMIT)
}

static CLIENT: LazyLock<Grpc> =
    LazyLock::new(|| Grpc::new(Settings::of("grpc://127.0.0.1:1"), None).unwrap());

/// What can be read as a method's reply can be written and read again.
fn check_replies(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    macro_rules! check_each {
        ($($request:ident),*) => { $(check_reply::<api::$request>(&body);)* };
    }
    for_each_method!(check_each);
}

fn check_reply<M: Method>(body: &Bytes)
where
    M::Response: Serialize,
{
    match grpc::decode::<M::Response>(M::NAME, body) {
        Ok(response) => {
            // As bytes: a number that is none is not itself.
            let protobuf = response.encode_to_vec();
            let again = grpc::decode::<M::Response>(M::NAME, &protobuf.clone().into()).unwrap();
            assert_eq!(again.encode_to_vec(), protobuf, "{}", M::NAME);
            // Payloads need not be JSON here, but what is written is.
            if let Ok(json) = serde_json::to_vec(&response) {
                let read: M::Response = serde_json::from_slice(&json).unwrap();
                assert_eq!(serde_json::to_vec(&read).unwrap(), json, "{}", M::NAME);
            }
        }
        Err(error) => check_error(error),
    }
}

/// Trailers: lines with the status and its message, and the details after them.
fn check_status(input: &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (status, message, details) = (part(), part(), part());
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
    let (status, details) = frames::final_status(headers)?;
    let code = i32::from(status.code());
    let failure = Failure::Status(status, details);
    let error = CLIENT.error(&call(), failure, &Sent::default(), Instant::now());
    match &error {
        Error::Api(failure) => assert_ne!(failure.code, 0),
        Error::Transport { status, .. } | Error::Unauthorized { status, .. } => {
            assert_eq!(*status, Status::Grpc(code));
        }
        Error::Timeout { unsent, .. } => assert!(code == 4 && !unsent),
        other => panic!("{other:?}"),
    }
    Some(error)
}

/// Whatever its message and its neighbours, Centrifugo's error is found among the details.
fn check_api_error(status: &[u8], message: &[u8], text: &[u8]) {
    let sent = ApiError::new(108, String::from_utf8_lossy(text));
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
        Some(Error::Api(failure)) => assert_eq!(failure.into_error(), sent),
        // The status could not be a header.
        None => assert!(HeaderValue::from_bytes(status).is_err()),
        Some(error) => panic!("{error:?}"),
    }
}
