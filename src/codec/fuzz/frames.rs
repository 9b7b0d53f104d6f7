//! Fuzzes the frames of gRPC.

use bytes::{Bytes, BytesMut};

use crate::codec::framing::{self, FrameError};
use crate::fuzz::fuzz;

fuzz!(grpc_frames, check_frames);

/// The limit on a message: small, so that a fuzzer exceeds it.
const LIMIT: usize = 4096;

/// Checks the bytes of a stream, of which the first one is the length of its chunks.
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
                    framing::frame(message.len(), |frame| frame.extend_from_slice(&message)),
                    stream
                );
            }
            Err(error) => {
                assert!(!is_message);
                let is_long = length.is_some_and(|length| length > LIMIT) && stream[0] == 0;
                assert_eq!(matches!(error, FrameError::TooLarge), is_long);
            }
        }
    }
}

/// Reads a stream in chunks, as the transport does.
fn read(stream: &[u8], chunk: usize) -> Result<Bytes, FrameError> {
    let mut read = BytesMut::new();
    for chunk in stream.chunks(chunk) {
        read.extend_from_slice(chunk);
        framing::check_start(&read, LIMIT, false)?;
    }
    framing::message(read.freeze(), LIMIT)
}
