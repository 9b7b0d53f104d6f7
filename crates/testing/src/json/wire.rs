//! The wire format of protobuf: tags, lengths and numbers.

use crate::json::{EncodeError, FieldKind};

/// The wire type of a value, which determines its length.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

impl FieldKind {
    pub(crate) fn wire_type(self) -> WireType {
        match self {
            FieldKind::Double | FieldKind::Fixed64 | FieldKind::Sfixed64 => WireType::Fixed64,
            FieldKind::Float | FieldKind::Fixed32 | FieldKind::Sfixed32 => WireType::Fixed32,
            FieldKind::Text
            | FieldKind::Payload
            | FieldKind::Message(_)
            | FieldKind::Map { .. } => WireType::Length,
            _ => WireType::Varint,
        }
    }
}

/// Writes the tag of a field: its number and wire type.
pub(crate) fn put_tag(number: u32, wire_type: WireType, protobuf: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | wire_type as u64, protobuf);
}

pub(crate) fn tag_length(number: u32) -> usize {
    varint_length(u64::from(number) << 3)
}

pub(crate) fn put_varint(mut number: u64, protobuf: &mut Vec<u8>) {
    while number >= 0x80 {
        protobuf.push(number as u8 | 0x80);
        number >>= 7;
    }
    protobuf.push(number as u8);
}

pub(crate) fn varint_length(number: u64) -> usize {
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Writes a number or a bool.
pub(crate) fn put_number(kind: FieldKind, bits: u64, protobuf: &mut Vec<u8>) {
    match kind.wire_type() {
        WireType::Fixed64 => protobuf.extend_from_slice(&bits.to_le_bytes()),
        WireType::Fixed32 => protobuf.extend_from_slice(&(bits as u32).to_le_bytes()),
        WireType::Varint | WireType::Length => put_varint(bits, protobuf),
    }
}

pub(crate) fn number_length(kind: FieldKind, bits: u64) -> usize {
    match kind.wire_type() {
        WireType::Fixed64 => 8,
        WireType::Fixed32 => 4,
        WireType::Varint | WireType::Length => varint_length(bits),
    }
}

/// An undecoded value of protobuf.
#[derive(Clone, Copy)]
pub(crate) enum Raw<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Raw<'_> {
    /// Returns the zero value of a kind, which protobuf omits.
    pub(super) fn zero(kind: FieldKind) -> Self {
        match kind.wire_type() {
            WireType::Length => Raw::Bytes(&[]),
            _ => Raw::Number(0),
        }
    }
}

/// A reader of protobuf. Malformed input is an error.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(protobuf: &'a [u8]) -> Self {
        Self(protobuf)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the number and the wire type of the next field.
    pub(super) fn tag(&mut self) -> Result<(u32, WireType), EncodeError> {
        let tag = self.varint()?;
        let wire_type = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            5 => WireType::Fixed32,
            _ => return Err(malformed()),
        };
        let number = u32::try_from(tag >> 3).map_err(|_| malformed())?;
        Ok((number, wire_type))
    }

    pub(super) fn value(&mut self, wire_type: WireType) -> Result<Raw<'a>, EncodeError> {
        Ok(match wire_type {
            WireType::Varint => Raw::Number(self.varint()?),
            WireType::Fixed64 => Raw::Number(u64::from_le_bytes(self.fixed()?)),
            WireType::Fixed32 => Raw::Number(u32::from_le_bytes(self.fixed()?).into()),
            WireType::Length => {
                let length = usize::try_from(self.varint()?).map_err(|_| malformed())?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
                self.0 = rest;
                Raw::Bytes(bytes)
            }
        })
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], EncodeError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn varint(&mut self) -> Result<u64, EncodeError> {
        let mut number = 0;
        for (index, byte) in self.0.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Ok(number);
            }
        }
        Err(malformed())
    }
}

pub(crate) fn malformed() -> EncodeError {
    EncodeError("the protobuf is malformed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_have_predicted_length_and_are_read_back() {
        for shift in 0..64 {
            for number in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut protobuf = Vec::new();
                put_varint(number, &mut protobuf);
                assert_eq!(protobuf.len(), varint_length(number), "{number}");
                assert!(matches!(Reader(&protobuf).varint(), Ok(read) if read == number));
            }
        }
    }

    #[test]
    fn malformed_protobuf_is_an_error() {
        for protobuf in [
            &b"\xff"[..],
            b"\x08",
            b"\x0a\x05ab",
            b"\x0b",
            b"\x0d\x01",
            b"\x09\x01\x02",
            &[0xff; 11],
        ] {
            let mut reader = Reader(protobuf);
            let value = reader
                .tag()
                .and_then(|(_, wire_type)| reader.value(wire_type));
            assert!(value.is_err(), "{protobuf:?}");
        }
    }
}
