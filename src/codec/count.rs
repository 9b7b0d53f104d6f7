//! Counts the parts of a reply before they are decoded: each takes far more memory than its bytes, so that a reply with
//! many more parts than the request must not be decoded.

use std::fmt;

use bytes::{Buf, Bytes};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Codec;
use crate::api::json::Name;

/// The number of parts above those of the request that may be decoded.
const SPARE: usize = 1000;

/// The bytes of a part of a reply that is not counted.
const USUAL: usize = 64;

/// Returns the number of parts in the reply to a request of `asked` parts if they are too many to be decoded.
pub(super) fn too_many(codec: Codec, reply: &Bytes, asked: usize) -> Option<usize> {
    let allowed = asked.saturating_add(SPARE);
    // A short reply has room for a bounded number of parts.
    if reply.len() <= allowed.saturating_mul(USUAL) {
        return None;
    }
    let count = match codec {
        // Lines of JSON are counted once they are a reply.
        Codec::Json | Codec::CommandLines => serde_json::from_slice::<Count>(reply).ok()?.0,
        Codec::Protobuf => fields(reply.clone(), 1).ok()?,
    };
    (count > allowed).then_some(count)
}

/// Returns the greatest number of fields that a message, or one in a field of it, has.
fn fields(mut message: Bytes, depth: u8) -> Result<usize, DecodeError> {
    let mut count = 0;
    let mut most = 0;
    while message.has_remaining() {
        let (tag, wire_type) = decode_key(&mut message)?;
        count += 1;
        if wire_type != WireType::LengthDelimited || depth == 0 {
            skip_field(wire_type, tag, &mut message, DecodeContext::default())?;
            continue;
        }
        let length = usize::try_from(decode_varint(&mut message)?).unwrap_or(usize::MAX);
        if length > message.remaining() {
            return Ok(most.max(count));
        }
        // What is no message has no fields.
        let inner = fields(message.split_to(length), depth - 1).unwrap_or_default();
        most = most.max(inner);
    }
    Ok(most.max(count))
}

/// The length of the longest list of parts in a reply: `replies` of a batch, or `responses` of a broadcast.
#[derive(Default)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a reply")
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(0))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Count, M::Error> {
        let mut most = 0;
        while let Some(Name(name)) = map.next_key()? {
            if matches!(&*name, "replies" | "responses" | "result") {
                let Count(count) = map.next_value()?;
                most = most.max(count);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Count(most))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Count, S::Error> {
        let mut count = 0;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Count(count))
    }
}

#[cfg(test)]
#[cfg(feature = "_transport")]
mod tests {
    use super::*;
    use crate::api::messages::{BatchRequest, BroadcastRequest, PublishRequest};
    use crate::api::method::Method;
    use crate::error::Error;
    use crate::request::batch::typed::TypedBatch;

    const PARTS: usize = 500_000;

    /// Returns the reply to a batch, and that to a broadcast, with that many empty parts.
    fn replies(codec: Codec) -> [Bytes; 2] {
        let parts = vec!["{}"; PARTS].join(",");
        if codec == Codec::Json {
            return [
                format!(r#"{{"replies":[{parts}]}}"#).into(),
                format!(r#"{{"result":{{"responses":[{parts}]}}}}"#).into(),
            ];
        }
        let parts = [0x0a, 0].repeat(PARTS);
        let mut broadcast = vec![0x12];
        prost::encoding::encode_varint(parts.len() as u64, &mut broadcast);
        broadcast.extend_from_slice(&parts);
        [parts.into(), broadcast.into()]
    }

    fn assert_refused<M: Method>(codec: Codec, request: &M, reply: &Bytes) {
        let mut outcome = None;
        let body = Bytes::new().into();
        let used = allocation_counter::measure(|| {
            outcome = Some(codec.decode(request, &body, reply).map(drop));
        });
        let outcome = outcome.unwrap();
        assert!(
            matches!(&outcome, Err(Error::Decode { message, .. }) if message.starts_with("500000 parts for 1")),
            "{outcome:?}"
        );
        assert!(used.bytes_max < 1_000_000, "{used:?}");
    }

    #[test]
    fn reply_with_many_more_parts_than_asked_is_not_decoded() {
        for codec in [Codec::Json, Codec::Protobuf] {
            let [batch, broadcast] = replies(codec);
            let publish = PublishRequest::new("news", "1");
            assert_refused(
                codec,
                &TypedBatch::new(vec![publish.clone()], false),
                &batch,
            );
            assert_refused(codec, &BatchRequest::new([publish]), &batch);
            assert_refused(codec, &BroadcastRequest::new(["news"], "1"), &broadcast);
            assert!(codec.split(&batch, 1).is_err());
        }
    }

    #[test]
    fn parts_that_were_asked_for_are_not_too_many() {
        for codec in [Codec::Json, Codec::Protobuf] {
            for reply in replies(codec) {
                assert_eq!(too_many(codec, &reply, PARTS), None);
                assert_eq!(too_many(codec, &reply, PARTS - SPARE), None);
                assert_eq!(too_many(codec, &reply, 1), Some(PARTS));
            }
        }
    }
}
