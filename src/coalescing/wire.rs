//! A batch, put together from requests that are written already.

use bytes::{BufMut as _, Bytes};

use super::queue::Entry;

/// As JSON: `{"commands":[{"publish":…},…]}`.
#[cfg(feature = "http")]
pub(super) fn json(batch: &[Entry], parallel: bool) -> Bytes {
    const START: &[u8] = br#"{"commands":["#;
    const END: &[u8] = br#"],"parallel":true}"#;
    let size: usize = batch.iter().map(Entry::size).sum();
    let mut body = bytes::BytesMut::with_capacity(START.len() + size + END.len());
    body.put_slice(START);
    for (index, entry) in batch.iter().enumerate() {
        body.put_slice(if index == 0 { b"{\"" } else { b",{\"" });
        body.put_slice(entry.method.as_bytes());
        body.put_slice(b"\":");
        body.put_slice(&entry.body);
        body.put_u8(b'}');
    }
    body.put_slice(if parallel { END } else { b"]}" });
    body.freeze()
}

/// As protobuf's `BatchRequest`, in its frame.
#[cfg(feature = "grpc")]
pub(super) fn protobuf(batch: &[Entry], parallel: bool) -> Bytes {
    use crate::transport::frames::frame;
    use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

    let (commands, parallel_tag) = crate::api::BATCH_TAGS;
    let length = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let size = |entry: &Entry| {
        let size = entry.body.len();
        key_len(entry.tag) + encoded_len_varint(length(size)) + size
    };
    let framed = |entry| {
        let size = size(entry);
        key_len(commands) + encoded_len_varint(length(size)) + size
    };
    let last = if parallel { key_len(parallel_tag) + 1 } else { 0 };
    frame(batch.iter().map(framed).sum::<usize>() + last, |body| {
        for entry in batch {
            encode_key(commands, WireType::LengthDelimited, body);
            encode_varint(length(size(entry)), body);
            encode_key(entry.tag, WireType::LengthDelimited, body);
            encode_varint(length(entry.body.len()), body);
            body.put_slice(&entry.body);
        }
        if parallel {
            encode_key(parallel_tag, WireType::Varint, body);
            body.put_u8(1);
        }
    })
}
