//! Requests as Centrifugo's JSON.

use std::{io, mem};

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Serialize;

use crate::api::json::usual::Writer;
use crate::api::method::Method;
use crate::codec::BatchEntry;
use crate::codec::body::{EncodedBody, ZERO_COPY_FROM, long_payload};
use crate::error::{Error, excerpt};
use crate::request::check::not_json_after;

/// Encodes a request.
pub(crate) fn encode<M: Method>(request: &mut M) -> Result<EncodedBody, Error> {
    let tag = long_payload(request);
    let payload = tag.and_then(|tag| (M::GENERATED.payload)(request, tag).cloned());
    let payload = payload.unwrap_or_default();
    let size = estimated_len(request.encoded_len() - payload.len());
    let mut json = Vec::with_capacity(size);
    if payload.is_empty() {
        let written = (M::GENERATED.write_usual)(request, &mut Writer(&mut json));
        if written.is_some() {
            return Ok(Bytes::from(json).into());
        }
        json.clear();
    }
    let mut pieces = Pieces {
        payload,
        before: None,
        last: json,
    };
    match serde_json::to_writer(&mut pieces, request) {
        Ok(()) => Ok(pieces.into_body()),
        Err(error) => Err(not_json_after(M::NAME, &pieces.written(), &error)),
    }
}

/// Estimates the JSON length from the protobuf length. Over-allocating is harmless.
fn estimated_len(protobuf: usize) -> usize {
    const MIN: usize = 256;
    const MAX_FOR_NAMES: usize = 1024 * 1024;
    let names = (2 * protobuf).min(MAX_FOR_NAMES);
    (protobuf + names).max(MIN)
}

/// The JSON written so far, around a long payload that is not copied.
struct Pieces {
    /// The payload, or nothing if no payload is long.
    payload: Bytes,
    /// The JSON in front of the payload, and the payload without the white space around it.
    before: Option<(Vec<u8>, Bytes)>,
    /// The JSON after the payload, or all of it.
    last: Vec<u8>,
}

impl Pieces {
    /// Returns what was written, without the payload that is not copied.
    fn written(&self) -> Vec<u8> {
        let head = self.before.as_ref().map(|(head, _)| &head[..]);
        [head.unwrap_or_default(), &self.last].concat()
    }

    fn into_body(self) -> EncodedBody {
        match self.before {
            Some((head, payload)) => EncodedBody {
                head: head.into(),
                payload,
                tail: self.last.into(),
            },
            None => Bytes::from(self.last).into(),
        }
    }

    /// Adds a long piece: without a copy if it is the payload, or else as a copy.
    ///
    /// This relies on serde_json, which writes an embedded payload as one piece, from the payload's own buffer: its
    /// address distinguishes it from other long texts. It saves a copy of each long payload.
    fn write_long(&mut self, piece: &[u8]) {
        if self.before.is_none() && self.is_in_payload(piece) {
            let head = mem::take(&mut self.last);
            let payload = self.payload.slice_ref(piece);
            self.before = Some((head, payload));
        } else {
            self.last.extend_from_slice(piece);
        }
    }

    /// Returns whether the piece is a part of the payload's buffer.
    fn is_in_payload(&self, piece: &[u8]) -> bool {
        let payload = self.payload.as_ptr_range();
        let piece = piece.as_ptr_range();
        payload.start <= piece.start && piece.end <= payload.end
    }
}

impl io::Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    // Most writes are a few bytes: keep this path small.
    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if piece.len() < ZERO_COPY_FROM {
            self.last.extend_from_slice(piece);
        } else {
            self.write_long(piece);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Encodes the parameters of a call by name.
pub(crate) fn encode_raw<P: Serialize + ?Sized>(method: &str, params: &P) -> Result<Bytes, Error> {
    let invalid = |problem: String| Error::InvalidRequest(problem.into());
    if !is_method_name(method) {
        let name = excerpt(method.as_bytes());
        return Err(invalid(format!(
            "call_raw: `{name}` is not a valid method name: use lower-case letters, digits and `_`; nothing was sent"
        )));
    }
    match serde_json::to_vec(params) {
        Ok(body) if body.first() == Some(&b'{') => Ok(body.into()),
        Ok(body) => Err(invalid(format!(
            "{method}: the parameters `{}` are not a JSON object; nothing was sent",
            excerpt(&body)
        ))),
        Err(error) => Err(invalid(format!(
            "{method}: the parameters have no JSON form: {error}; nothing was sent"
        ))),
    }
}

/// Returns whether a text can be the name of a method.
fn is_method_name(name: &str) -> bool {
    let has_only_allowed_bytes = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    !name.is_empty() && has_only_allowed_bytes
}

/// Returns the batch `{"commands":[{"publish":…},…]}`.
pub(crate) fn batch(entries: &[BatchEntry<'_>], parallel: bool) -> Bytes {
    const START: &[u8] = br#"{"commands":["#;
    const END: &[u8] = b"]}";
    const END_IF_PARALLEL: &[u8] = br#"],"parallel":true}"#;
    const AROUND_ENTRY: usize = r#",{"":}"#.len();
    let sizes = entries
        .iter()
        .map(|entry| entry.message.len() + entry.method.len() + AROUND_ENTRY);
    let size: usize = sizes.sum();
    let mut body = BytesMut::with_capacity(START.len() + size + END_IF_PARALLEL.len());
    body.put_slice(START);
    for (index, entry) in entries.iter().enumerate() {
        body.put_slice(if index == 0 { b"{\"" } else { b",{\"" });
        body.put_slice(entry.method.as_bytes());
        body.put_slice(b"\":");
        body.put_slice(entry.message);
        body.put_u8(b'}');
    }
    body.put_slice(if parallel { END_IF_PARALLEL } else { END });
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::{
        BroadcastRequest, HistoryRequest, PublishRequest, SubscribeRequest,
    };
    use crate::request::batch::typed::TypedBatch;

    /// Returns a payload of that many bytes.
    fn json(length: usize) -> Bytes {
        format!("\"{}\"", "x".repeat(length - 2)).into()
    }

    /// Encodes a request, and checks that it is the JSON that serde writes.
    fn written<M: Method>(mut request: M) -> EncodedBody {
        let written = encode(&mut request).unwrap();
        assert_eq!(written.to_bytes(), serde_json::to_vec(&request).unwrap());
        assert_eq!(written.to_bytes().len(), written.len());
        written
    }

    /// Returns the JSON that is written without serde, if there is one. It is that of serde.
    fn usual<M: Method>(request: &M) -> Option<String> {
        let mut json = Vec::new();
        (M::GENERATED.write_usual)(request, &mut Writer(&mut json))?;
        assert_eq!(json, serde_json::to_vec(request).unwrap());
        Some(String::from_utf8(json).unwrap())
    }

    fn publish(channel: &str, data: &str) -> PublishRequest {
        PublishRequest::new(channel, data)
    }

    #[test]
    fn usual_publications_are_written_without_serde() {
        for request in [
            PublishRequest::default(),
            publish("news", ""),
            publish("", "{}"),
            publish("é\u{7f}\u{2028}", " [1, {\"a\": \"\\u00e9\"}]\n"),
            publish("news", "null").idempotency_key("a"),
            publish("", "").idempotency_key("a"),
        ] {
            assert!(usual(&request).is_some(), "{request:?}");
            for parallel in [false, true] {
                let batch = TypedBatch::new(vec![request.clone(), request.clone()], parallel);
                assert!(usual(&batch).is_some(), "{request:?}");
            }
        }
        assert!(usual(&TypedBatch::<PublishRequest>::new(Vec::new(), false)).is_some());
    }

    #[test]
    fn other_publications_are_left_to_serde() {
        for request in [
            publish("\"", "{}"),
            publish("\\", "{}"),
            publish("a\nb", "{}"),
            publish("news", "{}").idempotency_key("\u{1f}"),
            publish("news", "{}").skip_history(true),
            publish("news", "{}").tags([("a", "b")]),
            publish("news", "{}").version(1),
            publish("news", "{}").b64data("AA=="),
        ] {
            let batch = TypedBatch::new(vec![publish("news", "{}"), request.clone()], false);
            assert_eq!(
                (usual(&request), usual(&batch)),
                (None, None),
                "{request:?}"
            );
            written(request);
            written(batch);
        }
        let batch = TypedBatch::new(vec![HistoryRequest::new("news")], false);
        assert_eq!(usual(&batch), None);
    }

    #[test]
    fn payload_of_a_command_that_is_not_json_is_refused() {
        for data in ["{", "1,", "{}{}", "\u{feff}1"] {
            let batch = TypedBatch::new(vec![publish("news", data)], false);
            assert_eq!(usual(&batch), None, "{data}");
            assert!(encode(&mut { batch }).is_err(), "{data}");
        }
    }

    #[test]
    fn long_payload_is_not_copied() {
        let data = json(ZERO_COPY_FROM);
        for written in [
            written(PublishRequest::new("news", data.clone()).skip_history(true)),
            written(BroadcastRequest::new(["news", "sports"], data.clone())),
        ] {
            assert_eq!(written.payload.as_ptr_range(), data.as_ptr_range());
        }
    }

    #[test]
    fn short_payload_is_copied() {
        for data in [Bytes::new(), json(ZERO_COPY_FROM - 1)] {
            assert!(
                written(PublishRequest::new("news", data))
                    .payload
                    .is_empty()
            );
        }
    }

    #[test]
    fn first_of_two_long_payloads_is_not_copied() {
        let info = json(ZERO_COPY_FROM);
        let data = json(ZERO_COPY_FROM + 1);
        let written = written(
            SubscribeRequest::new("news")
                .user("42")
                .info(info.clone())
                .data(data),
        );
        assert_eq!(written.payload.as_ptr_range(), info.as_ptr_range());
    }

    #[test]
    fn space_around_long_payload_is_left_out() {
        let data = Bytes::from([b" \n", &json(ZERO_COPY_FROM)[..], b" "].concat());
        let written = written(PublishRequest::new("news", data.clone()));
        assert_eq!(
            written.payload.as_ptr_range(),
            data[2..ZERO_COPY_FROM + 2].as_ptr_range()
        );
    }

    #[test]
    fn long_payload_that_is_not_json_is_refused() {
        let invalid = Bytes::from("x".repeat(ZERO_COPY_FROM));
        assert_refused(PublishRequest::new("news", invalid.clone()));
        let info = json(ZERO_COPY_FROM);
        let subscribe = SubscribeRequest::new("news").user("42");
        assert_refused(subscribe.info(info).data(invalid));
    }

    fn assert_refused<M: Method>(mut request: M) {
        let error = encode(&mut request).unwrap_err().to_string();
        let expected = format!("{}: `data` is not JSON", M::NAME);
        assert!(error.starts_with(&expected), "{error}");
    }
}
