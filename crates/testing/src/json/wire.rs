//! The encoding of protobuf: keys, lengths and numbers.

use super::{FieldKind, EncodeError};

/// How many bytes a value has.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Width {
    Varint = 0,
    Eight = 1,
    Length = 2,
    Four = 5,
}

impl FieldKind {
    pub(crate) fn width(self) -> Width {
        match self {
            FieldKind::Double | FieldKind::Fixed64 | FieldKind::Sfixed64 => Width::Eight,
            FieldKind::Float | FieldKind::Fixed32 | FieldKind::Sfixed32 => Width::Four,
            FieldKind::Text | FieldKind::Payload | FieldKind::Message(_) | FieldKind::Map { .. } => Width::Length,
            _ => Width::Varint,
        }
    }
}

/// Writes what precedes a value.
pub(crate) fn put_key(number: u32, width: Width, protobuf: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | width as u64, protobuf);
}

pub(crate) fn key_length(number: u32) -> usize {
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
    match kind.width() {
        Width::Eight => protobuf.extend_from_slice(&bits.to_le_bytes()),
        Width::Four => protobuf.extend_from_slice(&(bits as u32).to_le_bytes()),
        Width::Varint | Width::Length => put_varint(bits, protobuf),
    }
}

pub(crate) fn number_length(kind: FieldKind, bits: u64) -> usize {
    match kind.width() {
        Width::Eight => 8,
        Width::Four => 4,
        Width::Varint | Width::Length => varint_length(bits),
    }
}

/// A value as it is in protobuf.
#[derive(Clone, Copy)]
pub(crate) enum Raw<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Raw<'_> {
    /// What protobuf leaves out.
    pub(super) fn zero(kind: FieldKind) -> Self {
        match kind.width() {
            Width::Length => Raw::Bytes(&[]),
            _ => Raw::Number(0),
        }
    }
}

/// Reads protobuf. Whatever it is given, it answers an error at worst.
pub(crate) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of the next field, and how its value is written.
    pub(super) fn key(&mut self) -> Result<(u32, Width), EncodeError> {
        let key = self.varint()?;
        let width = match key & 7 {
            0 => Width::Varint,
            1 => Width::Eight,
            2 => Width::Length,
            5 => Width::Four,
            _ => return Err(broken()),
        };
        Ok((u32::try_from(key >> 3).map_err(|_| broken())?, width))
    }

    pub(super) fn value(&mut self, width: Width) -> Result<Raw<'a>, EncodeError> {
        Ok(match width {
            Width::Varint => Raw::Number(self.varint()?),
            Width::Eight => Raw::Number(u64::from_le_bytes(self.fixed()?)),
            Width::Four => Raw::Number(u32::from_le_bytes(self.fixed()?).into()),
            Width::Length => {
                let length = usize::try_from(self.varint()?).map_err(|_| broken())?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(broken)?;
                self.0 = rest;
                Raw::Bytes(bytes)
            }
        })
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], EncodeError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or_else(broken)?;
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
        Err(broken())
    }
}

pub(crate) fn broken() -> EncodeError {
    EncodeError("the protobuf is broken".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_as_long_as_foretold_and_read_back() {
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
    fn broken_protobuf_is_an_error() {
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
            assert!(
                reader
                    .key()
                    .and_then(|(_, width)| reader.value(width))
                    .is_err(),
                "{protobuf:?}"
            );
        }
    }
}
