//! Centrifugo's JSON.

mod decode;
mod encode;

pub(crate) use decode::{decode, error_object, parse_error, split};
pub(crate) use encode::{batch, encode, encode_raw};
