//! How a request is written.

use std::{io, mem};

use bytes::Bytes;
use serde::Serialize;

use crate::error::excerpt;
use crate::json::invalid_request;
use crate::transport::Written;
use crate::transport::outgoing::{LONG, long_payload};
use crate::{Error, Method};

/// Writes the request as Centrifugo's JSON.
pub(in crate::transport) fn encode<M: Method>(request: &mut M) -> Result<Written, Error> {
    let long = long_payload(request).and_then(|tag| request.payload_at(tag).cloned());
    let long = long.unwrap_or_default();
    let room = room(request.encoded_len() - long.len());
    let mut pieces = Pieces {
        payload: long,
        before: None,
        last: Vec::with_capacity(room),
    };
    match serde_json::to_writer(&mut pieces, request) {
        Ok(()) => Ok(pieces.written()),
        Err(error) => Err(invalid_request(request, &error)),
    }
}

/// What JSON takes, mostly, of what is so long as protobuf: the names make it longer. Room that is left costs nothing.
fn room(protobuf: usize) -> usize {
    const LEAST: usize = 256;
    const NAMES: usize = 1024 * 1024;
    LEAST.max(protobuf + NAMES.min(2 * protobuf))
}

/// What is written, around a long payload that is not copied.
struct Pieces {
    payload: Bytes,
    /// What came before the payload, and the payload as it was written.
    before: Option<(Vec<u8>, Bytes)>,
    last: Vec<u8>,
}

impl Pieces {
    fn written(self) -> Written {
        match self.before {
            Some((head, payload)) => Written {
                head: head.into(),
                payload,
                tail: self.last.into(),
            },
            None => Bytes::from(self.last).into(),
        }
    }

    fn write_long(&mut self, piece: &[u8]) {
        let (all, range) = (self.payload.as_ptr_range(), piece.as_ptr_range());
        match self.before.is_none() && all.start <= range.start && range.end <= all.end {
            true => self.before = Some((mem::take(&mut self.last), self.payload.slice_ref(piece))),
            false => self.last.extend_from_slice(piece),
        }
    }
}

impl io::Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    // Of the many that there are in a request, most have a few bytes.
    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        match piece.len() < LONG {
            true => self.last.extend_from_slice(piece),
            false => self.write_long(piece),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the body of a call by name.
pub(in crate::transport) fn encode_raw<P: Serialize + ?Sized>(
    method: &str,
    params: &P,
) -> Result<Bytes, Error> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if method.is_empty() || !method.bytes().all(is_name) {
        return Err(Error::InvalidRequest(format!(
            "call_raw: `{}` is no name of a method: it takes lower-case letters, digits and `_`; nothing was sent",
            excerpt(method.as_bytes())
        )));
    }
    match serde_json::to_vec(params) {
        Ok(body) if body.first() == Some(&b'{') => Ok(body.into()),
        Ok(body) => Err(Error::InvalidRequest(format!(
            "{method}: the parameters `{}` are no JSON object; nothing was sent",
            excerpt(&body)
        ))),
        Err(error) => Err(Error::InvalidRequest(format!(
            "{method}: the parameters have no JSON form: {error}; nothing was sent"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BroadcastRequest, PublishRequest, SubscribeRequest};

    /// A payload of that many bytes.
    fn json(length: usize) -> Bytes {
        format!("\"{}\"", "x".repeat(length - 2)).into()
    }

    /// Writes a request, and checks that it is the JSON that serde writes.
    fn written<M: Method>(mut request: M) -> Written {
        let written = encode(&mut request).unwrap();
        assert_eq!(written.joined(), serde_json::to_vec(&request).unwrap());
        assert_eq!(written.joined().len(), written.len());
        written
    }

    #[test]
    fn long_payload_stays_where_it_is() {
        let data = json(LONG);
        for written in [
            written(PublishRequest::new("news", data.clone()).skip_history(true)),
            written(BroadcastRequest::new(["news", "sports"], data.clone())),
        ] {
            assert_eq!(written.payload.as_ptr_range(), data.as_ptr_range());
        }
    }

    #[test]
    fn short_payload_is_written_with_the_rest() {
        for data in [Bytes::new(), json(LONG - 1)] {
            assert!(
                written(PublishRequest::new("news", data))
                    .payload
                    .is_empty()
            );
        }
    }

    #[test]
    fn one_of_two_long_payloads_stays() {
        let (info, data) = (json(LONG), json(LONG + 1));
        let written = written(
            SubscribeRequest::new("42", "news")
                .info(info.clone())
                .data(data),
        );
        assert_eq!(written.payload.as_ptr_range(), info.as_ptr_range());
    }

    #[test]
    fn space_around_a_long_payload_is_left_out() {
        let data = Bytes::from([b" \n", &json(LONG)[..], b" "].concat());
        let written = written(PublishRequest::new("news", data.clone()));
        assert_eq!(
            written.payload.as_ptr_range(),
            data[2..LONG + 2].as_ptr_range()
        );
    }

    #[test]
    fn long_payload_that_is_no_json_is_refused() {
        let mut request = PublishRequest::new("news", "x".repeat(LONG));
        assert!(
            encode(&mut request)
                .unwrap_err()
                .to_string()
                .contains("`data` is not JSON")
        );
    }
}
