//! Batches as protobuf: the parts of a `BatchRequest` that are written without the message itself.

use bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::messages::BATCH_TAGS;

/// The numbers of the fields that batches consist of; 0 if the schema has no such field.
pub(crate) struct BatchTags {
    pub(crate) commands: u32,
    /// Older schemas do not have it.
    pub(crate) parallel: u32,
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) replies: u32,
    /// The field of a reply.
    pub(crate) error: u32,
}

/// Returns the length of a command within its batch: a request of `size` bytes in the field `tag` of `Command`.
pub(crate) fn command_len(tag: u32, size: usize) -> usize {
    field_len(BATCH_TAGS.commands, field_len(tag, size))
}

/// Writes the bytes in front of the request of a command.
pub(crate) fn start_command(tag: u32, size: usize, buffer: &mut impl BufMut) {
    start_field(BATCH_TAGS.commands, field_len(tag, size), buffer);
    start_field(tag, size, buffer);
}

/// Returns the length of the field `parallel`.
pub(crate) fn parallel_len(parallel: bool) -> usize {
    if parallel {
        key_len(BATCH_TAGS.parallel) + 1
    } else {
        0
    }
}

/// Writes the field `parallel`.
pub(crate) fn write_parallel(parallel: bool, buffer: &mut impl BufMut) {
    if parallel {
        encode_key(BATCH_TAGS.parallel, WireType::Varint, buffer);
        buffer.put_u8(1);
    }
}

fn field_len(tag: u32, size: usize) -> usize {
    key_len(tag) + encoded_len_varint(length(size)) + size
}

/// Writes the bytes in front of a field of `size` bytes.
pub(crate) fn start_field(tag: u32, size: usize, buffer: &mut impl BufMut) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    encode_varint(length(size), buffer);
}

fn length(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Stubs the writing half of `prost::Message` for types that are only read.
macro_rules! read_only {
    () => {
        fn encode_raw(&self, _buffer: &mut impl ::bytes::BufMut) {}

        fn encoded_len(&self) -> usize {
            0
        }

        fn clear(&mut self) {
            *self = Self::default();
        }
    };
}

pub(crate) use read_only;
