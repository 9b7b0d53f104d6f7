//! gRPC frames: five bytes in front of a message, which may be compressed.
//!
//! tonic's own reader reports what it cannot read as a status of the server, and panics on invalid details.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::EncodedBody;

/// The reason why the bytes of a stream are not the frame of a reply.
#[derive(Debug)]
pub(crate) enum FrameError {
    TooLarge,
    /// A text that says what is wrong, and the start of the bytes.
    Invalid(&'static str, Bytes),
}

/// The length of a frame's start: one byte that says whether the message is compressed, and four for its length.
const PREFIX: usize = 5;

/// Returns the frame around a message of that length, which `write` writes.
pub(crate) fn frame(length: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
    frame_without_end(length, 0, write)
}

/// Returns the frame of a message of that length without its last `missing` bytes, which the caller sends separately.
pub(super) fn frame_without_end(
    length: usize,
    missing: usize,
    write: impl FnOnce(&mut BytesMut),
) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX + length - missing);
    frame.put_u8(0);
    // No protobuf message is longer than 2 GiB.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    write(&mut frame);
    debug_assert_eq!(frame.len() + missing, PREFIX + length);
    frame.freeze()
}

/// Returns the message in an uncompressed frame.
pub(crate) fn unframed(frame: &Bytes) -> Bytes {
    frame.slice(PREFIX..)
}

/// Reserves memory for the rest of a message, but at most 1 MiB: the server may announce more than it sends.
pub(crate) fn reserve(received: &mut BytesMut) {
    const AT_ONCE: usize = 1024 * 1024;
    let whole = announced_len(received).map_or(0, |length| length.saturating_add(PREFIX));
    received.reserve(whole.saturating_sub(received.len()).min(AT_ONCE));
}

/// Checks the start of a frame, as soon as it has been received.
pub(crate) fn check_start(received: &[u8], limit: usize, gzip: bool) -> Result<(), FrameError> {
    let invalid = |problem| FrameError::Invalid(problem, Bytes::copy_from_slice(received));
    match received.first() {
        None | Some(0) => {}
        Some(1) if gzip => {}
        Some(1) => {
            return Err(invalid(
                "the reply is compressed, although that was not requested",
            ));
        }
        Some(_) => {
            return Err(invalid(
                "the reply is not gRPC: is this the port of Centrifugo's gRPC API?",
            ));
        }
    }
    match announced_len(received) {
        Some(length) if length > limit => Err(FrameError::TooLarge),
        Some(length) if received.len() - PREFIX > length => {
            Err(invalid("the reply has bytes after its message"))
        }
        _ => Ok(()),
    }
}

/// Returns the message's length by the start of its frame, once that has been received.
fn announced_len(received: &[u8]) -> Option<usize> {
    let length = received.get(1..PREFIX)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(length)).ok()
}

/// Returns the message of a stream that has ended without an error.
pub(crate) fn message(mut received: Bytes, limit: usize) -> Result<Bytes, FrameError> {
    match announced_len(&received) {
        Some(length) if received.len() - PREFIX == length => {
            let is_compressed = received[0] == 1;
            received.advance(PREFIX);
            if is_compressed {
                gzip::decompress(&received, limit)
            } else {
                Ok(received)
            }
        }
        Some(_) => Err(FrameError::Invalid("the reply is cut short", received)),
        None => Err(FrameError::Invalid("the reply has no message", received)),
    }
}

/// Compresses the message in a frame, unless it is too short to become shorter.
pub(crate) fn compress(frame: &EncodedBody) -> EncodedBody {
    /// In bytes.
    const WORTHWHILE_FROM: usize = 1024;
    if frame.len() < WORTHWHILE_FROM {
        return frame.clone();
    }
    gzip::compress(frame).unwrap_or_else(|| frame.clone())
}

#[cfg(feature = "gzip")]
mod gzip {
    use std::io::{Read as _, Write as _};

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::read::GzDecoder;
    use flate2::write::GzEncoder;

    use super::{EncodedBody, FrameError, PREFIX};

    /// Returns a compressed frame, or `None` if its message cannot be compressed.
    pub(super) fn compress(frame: &EncodedBody) -> Option<EncodedBody> {
        let mut encoder = GzEncoder::new(vec![1; PREFIX], Compression::fast());
        encoder.write_all(&frame.head[PREFIX..]).ok()?;
        encoder.write_all(&frame.payload).ok()?;
        let mut compressed = encoder.finish().ok()?;
        let length = u32::try_from(compressed.len() - PREFIX).ok()?;
        compressed[1..PREFIX].copy_from_slice(&length.to_be_bytes());
        Some(Bytes::from(compressed).into())
    }

    /// Decompresses a message up to the limit: it may expand to far more than its compressed size.
    pub(super) fn decompress(compressed: &[u8], limit: usize) -> Result<Bytes, FrameError> {
        let limit_and_one = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut decoder = GzDecoder::new(compressed).take(limit_and_one);
        let mut message = Vec::new();
        match decoder.read_to_end(&mut message) {
            Ok(length) if length > limit => Err(FrameError::TooLarge),
            Ok(_) => Ok(message.into()),
            Err(_) => {
                let start = Bytes::copy_from_slice(compressed);
                Err(FrameError::Invalid("the reply is not valid gzip", start))
            }
        }
    }
}

/// The stand-in for compression when the feature `gzip` is off: then no option requests it.
#[cfg(not(feature = "gzip"))]
mod gzip {
    use bytes::Bytes;

    use super::{EncodedBody, FrameError};

    pub(super) fn compress(_frame: &EncodedBody) -> Option<EncodedBody> {
        None
    }

    pub(super) fn decompress(compressed: &[u8], _limit: usize) -> Result<Bytes, FrameError> {
        let problem = "the reply is compressed, although that was not requested";
        Err(FrameError::Invalid(
            problem,
            Bytes::copy_from_slice(compressed),
        ))
    }
}
