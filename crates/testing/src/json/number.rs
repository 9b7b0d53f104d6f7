//! Conversion of numbers and bools between JSON and the bits of protobuf.

use std::fmt::LowerExp;
use std::io::Write as _;
use std::str::FromStr;

use crate::json::{EncodeError, FieldKind};

/// Parses a number or a bool, also as the key of a map. As in Go, integers must be plain and in
/// range.
pub(crate) fn parse(kind: FieldKind, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    Some(match kind {
        FieldKind::Bool => text.parse::<bool>().ok()?.into(),
        FieldKind::Double => finite(text.parse::<f64>().ok()?)?.to_bits(),
        FieldKind::Float => {
            let number = text.parse::<f32>().ok()?;
            finite(number.into())?;
            number.to_bits().into()
        }
        FieldKind::Int32 | FieldKind::Enum => i64::from(text.parse::<i32>().ok()?) as u64,
        FieldKind::Int64 | FieldKind::Sfixed64 => text.parse::<i64>().ok()? as u64,
        FieldKind::Sfixed32 => u64::from(text.parse::<i32>().ok()? as u32),
        FieldKind::Sint32 => zigzag(text.parse::<i32>().ok()?.into()),
        FieldKind::Sint64 => zigzag(text.parse::<i64>().ok()?),
        FieldKind::Uint32 | FieldKind::Fixed32 => unsigned::<u32>(text)?.into(),
        FieldKind::Uint64 | FieldKind::Fixed64 => unsigned::<u64>(text)?,
        FieldKind::Text | FieldKind::Payload | FieldKind::Message(_) | FieldKind::Map { .. } => {
            return None;
        }
    })
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// Parses an unsigned integer. As in Go, a sign is an error, even in a key, where JSON allows any
/// text.
fn unsigned<T: FromStr>(text: &str) -> Option<T> {
    if text.starts_with('+') {
        return None;
    }
    text.parse().ok()
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(bits: u64) -> i64 {
    (bits >> 1) as i64 ^ -((bits & 1) as i64)
}

/// Checks whether a number is zero; a negative zero counts as zero.
pub(crate) fn is_zero(kind: FieldKind, bits: u64) -> bool {
    match kind {
        FieldKind::Double => f64::from_bits(bits) == 0.0,
        FieldKind::Float => f32::from_bits(bits as u32) == 0.0,
        _ => bits == 0,
    }
}

/// Writes a number or a bool.
pub(crate) fn write(kind: FieldKind, bits: u64, json: &mut Vec<u8>) -> Result<(), EncodeError> {
    let written = match kind {
        FieldKind::Bool => write!(json, "{}", bits != 0),
        FieldKind::Double => return write_float(f64::from_bits(bits), json),
        FieldKind::Float => return write_float(f32::from_bits(bits as u32), json),
        FieldKind::Int32 | FieldKind::Enum | FieldKind::Sfixed32 => write!(json, "{}", bits as i32),
        FieldKind::Int64 | FieldKind::Sfixed64 => write!(json, "{}", bits as i64),
        FieldKind::Sint32 => write!(json, "{}", unzigzag(bits) as i32),
        FieldKind::Sint64 => write!(json, "{}", unzigzag(bits)),
        FieldKind::Uint32 | FieldKind::Fixed32 => write!(json, "{}", bits as u32),
        FieldKind::Uint64 | FieldKind::Fixed64 => write!(json, "{bits}"),
        FieldKind::Text | FieldKind::Payload | FieldKind::Message(_) | FieldKind::Map { .. } => {
            Ok(())
        }
    };
    written.map_err(|error| EncodeError(error.to_string()))
}

/// Writes a float with the fewest digits that identify it.
fn write_float<T: Copy + FromStr + LowerExp + PartialEq>(
    number: T,
    json: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let text = shortest(number);
    let parts = text
        .split_once('e')
        .and_then(|(digits, exponent)| Some((digits, exponent.parse().ok()?)));
    let Some((digits, exponent)) = parts else {
        return Err(EncodeError(format!("{number:e} is not a number in JSON")));
    };
    match exponent {
        -6..21 => push_plain(digits, exponent, json),
        21.. => json.extend_from_slice(format!("{digits}e+{exponent}").as_bytes()),
        _ => json.extend_from_slice(text.as_bytes()),
    }
    Ok(())
}

/// Returns the shortest representation of a float in scientific notation.
///
/// Of two that are equally short and near, Go chooses the even one. Rust does so only for a given
/// precision.
fn shortest<T: Copy + FromStr + LowerExp + PartialEq>(number: T) -> String {
    let shortest = format!("{number:e}");
    let digits = shortest.split('e').next().unwrap_or_default();
    let precision = digits
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let even = format!("{number:.precision$e}");
    // Near powers of two, the nearest text of that length may represent another number.
    if even.parse::<T>().is_ok_and(|parsed| parsed == number) {
        even
    } else {
        shortest
    }
}

/// Writes a number without an exponent. `digits` may have a sign, and a point after the first
/// digit.
fn push_plain(digits: &str, exponent: i32, json: &mut Vec<u8>) {
    let unsigned = digits.trim_start_matches('-');
    if unsigned.len() < digits.len() {
        json.push(b'-');
    }
    let mut plain: Vec<u8> = unsigned.bytes().filter(|digit| *digit != b'.').collect();
    let leading_zeros = usize::try_from(-exponent).unwrap_or_default();
    plain.splice(..0, std::iter::repeat_n(b'0', leading_zeros));
    let whole_length = usize::try_from(exponent).unwrap_or_default() + 1;
    plain.resize(plain.len().max(whole_length), b'0');
    let (whole, fraction) = plain.split_at(whole_length);
    json.extend_from_slice(whole);
    if !fraction.is_empty() {
        json.push(b'.');
        json.extend_from_slice(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_must_be_plain_and_in_range() {
        for (kind, text, bits) in [
            (FieldKind::Bool, "true", Some(1)),
            (FieldKind::Bool, "1", None),
            (FieldKind::Int32, "-1", Some(u64::MAX)),
            (FieldKind::Int32, "-0", Some(0)),
            (FieldKind::Int32, "2147483648", None),
            (FieldKind::Int64, "-9223372036854775808", Some(1 << 63)),
            (FieldKind::Int64, "9223372036854775808", None),
            (FieldKind::Uint32, "4294967295", Some(0xffff_ffff)),
            (FieldKind::Uint32, "4294967296", None),
            (FieldKind::Uint32, "-0", None),
            (FieldKind::Uint64, "18446744073709551615", Some(u64::MAX)),
            (FieldKind::Uint64, "1.0", None),
            (FieldKind::Uint64, "1e1", None),
            (FieldKind::Uint64, "\"1\"", None),
            (FieldKind::Uint64, "+1", None),
            (FieldKind::Int64, "+1", Some(1)),
            (FieldKind::Sint32, "-2", Some(3)),
            (FieldKind::Sint64, "9223372036854775807", Some(u64::MAX - 1)),
            (FieldKind::Sfixed32, "-1", Some(0xffff_ffff)),
            (FieldKind::Text, "1", None),
        ] {
            assert_eq!(parse(kind, text.as_bytes()), bits, "{text}");
        }
    }

    #[test]
    fn floats_above_their_range_are_refused() {
        for (kind, text, is_read) in [
            (FieldKind::Double, "1e308", true),
            (FieldKind::Double, "1e309", false),
            (FieldKind::Double, "1e-400", true),
            (FieldKind::Float, "1e38", true),
            (FieldKind::Float, "1e39", false),
            (FieldKind::Float, "true", false),
        ] {
            assert_eq!(parse(kind, text.as_bytes()).is_some(), is_read, "{text}");
        }
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        let written = |kind, bits| {
            let mut json = Vec::new();
            write(kind, bits, &mut json).map(|()| String::from_utf8(json).unwrap())
        };
        for (number, json) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-0.1, "-0.1"),
            (1e-6, "0.000001"),
            (9.99e-7, "9.99e-7"),
            (1e-10, "1e-10"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1.8446744073709552e19, "18446744073709552000"),
            (-123.456, "-123.456"),
            (184_467_440_737_091.63, "184467440737091.62"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(
                written(FieldKind::Double, f64::to_bits(number)).unwrap(),
                json
            );
        }
        for (number, json) in [
            (0.1, "0.1"),
            (1e-6, "0.000001"),
            (1e21, "1e+21"),
            (3_241_217.3, "3241217.2"),
        ] {
            assert_eq!(
                written(FieldKind::Float, f32::to_bits(number).into()).unwrap(),
                json
            );
        }
        assert!(written(FieldKind::Double, f64::NAN.to_bits()).is_err());
        assert!(written(FieldKind::Float, f32::INFINITY.to_bits().into()).is_err());
    }
}
