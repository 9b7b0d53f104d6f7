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
    use crate::batch::wire;
    use crate::transport::frames::frame;

    let commands = batch
        .iter()
        .map(|entry| wire::command_len(entry.tag, entry.body.len()));
    frame(
        commands.sum::<usize>() + wire::parallel_len(parallel),
        |body| {
            for entry in batch {
                wire::start_command(entry.tag, entry.body.len(), body);
                body.put_slice(&entry.body);
            }
            wire::write_parallel(parallel, body);
        },
    )
}
