//! How protobuf writes a batch's commands.

use bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::api;

/// The numbers of fields that batches consist of; 0 is none.
pub(crate) struct Tags {
    pub(crate) commands: u32,
    /// Which older schemas lack.
    pub(crate) parallel: u32,
    pub(crate) replies: u32,
    /// Of a reply.
    pub(crate) error: u32,
}

/// How long a command is within its batch: a request of that size, which is the field `tag` of `Command`.
pub(crate) fn command_len(tag: u32, size: usize) -> usize {
    field_len(api::BATCH_TAGS.commands, field_len(tag, size))
}

/// Writes what comes before the request.
pub(crate) fn start_command(tag: u32, size: usize, buffer: &mut impl BufMut) {
    start_field(api::BATCH_TAGS.commands, field_len(tag, size), buffer);
    start_field(tag, size, buffer);
}

/// How long `parallel` is.
pub(crate) fn parallel_len(parallel: bool) -> usize {
    if parallel {
        key_len(api::BATCH_TAGS.parallel) + 1
    } else {
        0
    }
}

pub(crate) fn write_parallel(parallel: bool, buffer: &mut impl BufMut) {
    if parallel {
        encode_key(api::BATCH_TAGS.parallel, WireType::Varint, buffer);
        buffer.put_u8(1);
    }
}

fn field_len(tag: u32, size: usize) -> usize {
    key_len(tag) + encoded_len_varint(length(size)) + size
}

/// Writes what comes before a field of so many bytes.
pub(crate) fn start_field(tag: u32, size: usize, buffer: &mut impl BufMut) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    encode_varint(length(size), buffer);
}

fn length(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// What a message that is read alone, and never written, has of `prost::Message` beside reading.
macro_rules! read_alone {
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

pub(crate) use read_alone;
