//! Protobuf, in gRPC frames.

use std::mem;

use bytes::{Buf, BufMut as _, Bytes};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

use super::body::{EncodedBody, long_payload};
use super::{BatchEntry, framing, twins};
use crate::api::messages::{BATCH_TAGS, BatchRequest};
use crate::api::method::Method;
use crate::api::wire;
use crate::error::{Attempts, Error, cause, with_start};

/// Encodes a request, with payloads of any bytes as they are.
pub(super) fn encode<M: Method>(request: &mut M) -> EncodedBody {
    let texts = twins::decode(request);
    let body = encode_fields(request);
    twins::give_back(request, texts);
    body
}

/// Encodes a request. A long payload becomes the last field of the message: protobuf allows any order of fields.
fn encode_fields<M: Method>(request: &mut M) -> EncodedBody {
    let length = request.encoded_len();
    let Some(tag) = long_payload(request) else {
        return framing::frame(length, |frame| request.encode_raw(frame)).into();
    };
    // An empty field is not written: the payload is taken out, and put back afterwards.
    let payload = (M::GENERATED.payload)(request, tag)
        .map(mem::take)
        .unwrap_or_default();
    let head = framing::frame_without_end(length, payload.len(), |head| {
        request.encode_raw(head);
        wire::start_field(tag, payload.len(), head);
    });
    if let Some(field) = (M::GENERATED.payload)(request, tag) {
        *field = payload.clone();
    }
    EncodedBody {
        head,
        payload,
        tail: Bytes::new(),
    }
}

/// Returns the frame of a `BatchRequest`.
pub(super) fn batch(entries: &[BatchEntry<'_>], parallel: bool) -> Bytes {
    let lengths = entries
        .iter()
        .map(|entry| wire::command_len(entry.tag, entry.message.len()));
    let length = lengths.sum::<usize>() + wire::parallel_len(parallel);
    framing::frame(length, |frame| {
        for entry in entries {
            wire::start_command(entry.tag, entry.message.len(), frame);
            frame.put_slice(entry.message);
        }
        wire::write_parallel(parallel, frame);
    })
}

/// Decodes a reply.
pub(super) fn decode<T: Message + Default>(method: &'static str, body: &Bytes) -> Result<T, Error> {
    T::decode(body.clone()).map_err(|error| decode_error(method, body, error))
}

/// Returns the error of a body that is not the protobuf of a reply.
pub(super) fn decode_error(method: &'static str, body: &Bytes, error: DecodeError) -> Error {
    Error::Decode {
        method: Some(method),
        message: with_start("the reply does not have the schema's shape", body),
        source: Some(cause(error)),
        attempts: Attempts::default(),
    }
}

/// Splits a batch's reply into its items, as they were received.
pub(super) fn split(reply: &Bytes) -> Result<Vec<Bytes>, Error> {
    decode::<Items>(BatchRequest::NAME, reply).map(|items| items.0)
}

/// The items of a `BatchResponse`.
#[derive(Debug, Default)]
struct Items(Vec<Bytes>);

impl Message for Items {
    wire::read_only!();

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag == BATCH_TAGS.replies {
            prost::encoding::bytes::merge_repeated(wire_type, &mut self.0, buffer, context)
        } else {
            skip_field(wire_type, tag, buffer, context)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::api::messages::{BroadcastRequest, Command, PublishRequest, SubscribeRequest};
    use crate::api::payload::{Payload, binary};
    use crate::codec::body::ZERO_COPY_FROM;
    use crate::request::batch::typed::TypedBatch;

    /// Encodes a request, and checks that a server can decode it and that it is unchanged.
    fn written<M: Method + Clone + PartialEq + Default + Debug>(request: &M) -> EncodedBody {
        let mut encoded = request.clone();
        let written = encode(&mut encoded);
        assert_eq!(encoded, *request);
        assert_eq!(
            M::decode(framing::unframed(&written.to_bytes())).unwrap(),
            *request
        );
        written
    }

    #[test]
    fn long_payload_is_not_copied() {
        let data = Bytes::from(vec![b'1'; ZERO_COPY_FROM]);
        let publish = PublishRequest::new("news", data.clone())
            .idempotency_key("key")
            .tags([("a", "b")]);
        let broadcast = BroadcastRequest::new(["news", "sports"], data.clone()).skip_history(true);
        for written in [written(&publish), written(&broadcast)] {
            assert_eq!(written.payload.as_ptr(), data.as_ptr());
            assert!(written.head.len() < 100);
        }
    }

    #[test]
    fn short_payload_is_copied() {
        let publish = PublishRequest::new("news", vec![b'1'; ZERO_COPY_FROM - 1]);
        assert!(written(&publish).payload.is_empty());
        assert!(written(&PublishRequest::default()).payload.is_empty());
    }

    #[test]
    fn first_of_two_long_payloads_is_not_copied() {
        let info = Bytes::from(vec![b'1'; ZERO_COPY_FROM]);
        let data = Bytes::from(vec![b'2'; ZERO_COPY_FROM]);
        let subscribe = SubscribeRequest::new("news")
            .user("42")
            .info(info.clone())
            .data(data.clone());
        let written = written(&subscribe);
        assert_eq!(written.payload.as_ptr(), info.as_ptr());
        assert!((ZERO_COPY_FROM..ZERO_COPY_FROM + 100).contains(&written.head.len()));
    }

    /// Encodes a request, checks that it is unchanged, and returns what a server decodes.
    fn received<M: Method + Clone + PartialEq + Default + Debug>(request: &M) -> M {
        let mut encoded = request.clone();
        let written = encode(&mut encoded);
        assert_eq!(encoded, *request);
        M::decode(framing::unframed(&written.to_bytes())).unwrap()
    }

    #[test]
    fn binary_payload_is_sent_as_it_is() {
        let bytes = b"\xff\x00 any bytes";
        let publish = PublishRequest::new("news", binary(bytes)).idempotency_key("key");
        let raw = PublishRequest::new("news", bytes).idempotency_key("key");
        assert!(publish.data.is_empty() && !publish.b64data.is_empty());
        assert_eq!(received(&publish), raw);

        let broadcast = BroadcastRequest::new(["news", "sports"], binary(bytes));
        let raw_broadcast = BroadcastRequest::new(["news", "sports"], bytes);
        assert_eq!(received(&broadcast), raw_broadcast);

        let subscribe = SubscribeRequest::new("news").user("42");
        let raw_subscribe = subscribe.clone().info("1").data(bytes);
        let subscribe = subscribe.info("1").data(binary(bytes));
        assert_eq!(received(&subscribe), raw_subscribe);

        let batch = BatchRequest::new([
            Command::from(PublishRequest::new("news", "1")),
            Command::from(subscribe),
            Command::from(publish),
            Command::from(broadcast),
        ]);
        let raw_batch = BatchRequest::new([
            Command::from(PublishRequest::new("news", "1")),
            Command::from(raw_subscribe),
            Command::from(raw),
            Command::from(raw_broadcast),
        ]);
        assert_eq!(received(&batch), raw_batch);
    }

    #[test]
    fn binary_payload_is_sent_as_it_is_in_a_batch_of_one_type() {
        let publish = |data: Payload| PublishRequest::new("news", data);
        let requests = ["1".into(), binary(b"\xff"), binary(b"\x00")].map(publish);
        let mut batch = TypedBatch::new(requests.to_vec(), false);
        let written = encode(&mut batch).to_bytes();
        assert_eq!(batch.commands, requests);
        let received = BatchRequest::decode(framing::unframed(&written)).unwrap();
        let raw = [&b"1"[..], b"\xff", b"\x00"].map(|data| Command::from(publish(data.into())));
        assert_eq!(received, BatchRequest::new(raw));
    }

    #[test]
    fn long_binary_payload_is_not_copied_into_the_head() {
        let bytes = vec![0xff; ZERO_COPY_FROM];
        let mut publish = PublishRequest::new("news", binary(&bytes));
        let unchanged = publish.clone();
        let written = encode(&mut publish);
        assert_eq!(publish, unchanged);
        assert_eq!(written.payload, bytes);
        assert!(written.head.len() < 100);
    }

    #[test]
    fn text_that_is_not_base64_is_left_to_the_server() {
        for text in ["no base64!", "YQ", "-_-_"] {
            let publish = PublishRequest::new("news", "").b64data(text);
            assert_eq!(received(&publish), publish);
        }
    }
}
