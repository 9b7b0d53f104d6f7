//! How a request is written.

use std::mem;

use bytes::Bytes;

use crate::Method;
use crate::batch::wire::start_field;
use crate::transport::outgoing::long_payload;
use crate::transport::{Written, frames};

/// Writes a request's frame. A long payload becomes the last of the message's fields, whose order is free.
pub(in crate::transport) fn encode<M: Method>(request: &mut M) -> Written {
    let length = request.encoded_len();
    let long = long_payload(request);
    let Some((tag, payload)) =
        long.and_then(|tag| Some((tag, mem::take(request.payload_at(tag)?))))
    else {
        return frames::frame(length, |frame| request.encode_raw(frame)).into();
    };
    let head = frames::head(length, payload.len(), |head| {
        request.encode_raw(head);
        start_field(tag, payload.len(), head);
    });
    request
        .payload_at(tag)
        .into_iter()
        .for_each(|field| *field = payload.clone());
    Written {
        head,
        payload,
        tail: Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::transport::outgoing::LONG;
    use crate::{BroadcastRequest, PublishRequest, SubscribeRequest};

    /// Writes a request, and checks that the server reads it and the caller keeps it.
    fn written<M: Method + Clone + PartialEq + Default + Debug>(request: &M) -> Written {
        let mut kept = request.clone();
        let written = encode(&mut kept);
        assert_eq!(kept, *request);
        assert_eq!(
            M::decode(frames::framed(&written.joined())).unwrap(),
            *request
        );
        written
    }

    #[test]
    fn long_payload_stays_where_it_is() {
        let data = Bytes::from(vec![b'1'; LONG]);
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
    fn short_payload_is_written_with_the_rest() {
        let publish = PublishRequest::new("news", vec![b'1'; LONG - 1]);
        assert!(written(&publish).payload.is_empty());
        assert!(written(&PublishRequest::default()).payload.is_empty());
    }

    #[test]
    fn one_of_two_long_payloads_stays() {
        let (info, data) = (Bytes::from(vec![b'1'; LONG]), Bytes::from(vec![b'2'; LONG]));
        let subscribe = SubscribeRequest::new("42", "news")
            .info(info.clone())
            .data(data.clone());
        let written = written(&subscribe);
        assert_eq!(written.payload.as_ptr(), info.as_ptr());
        assert!((LONG..LONG + 100).contains(&written.head.len()));
    }
}
