//! Partitions of channels.

use std::num::NonZeroU16;

/// Returns the partition of a channel, from 0 to `partitions - 1`: of an outbox in PostgreSQL, or of anything else that
/// keeps the order of a channel by keeping it in one place.
///
/// `partitions` is `num_partitions` of the consumer: Centrifugo does not read rows of other partitions. The result has
/// the type of an INTEGER column.
///
/// It is the remainder of the CRC-32 of the channel's UTF-8 bytes, divided by `partitions`. This CRC-32 is the one of
/// zlib, gzip and PNG, which most languages have in their standard library, so that services in other languages choose
/// the same partition. It will not change: a channel whose partition changes loses its order.
///
/// | language | the same partition |
/// |---|---|
/// | C# | `System.IO.Hashing.Crc32.HashToUInt32(Encoding.UTF8.GetBytes(channel)) % n` |
/// | Go | `crc32.ChecksumIEEE([]byte(channel)) % n`, from `hash/crc32` |
/// | Java | `var crc = new java.util.zip.CRC32(); crc.update(channel.getBytes(UTF_8)); crc.getValue() % n` |
/// | Node.js | `zlib.crc32(channel) % n` |
/// | PHP | `crc32($channel) % $n` |
/// | Python | `zlib.crc32(channel.encode()) % n` |
/// | Ruby | `Zlib.crc32(channel) % n` |
///
/// | channel | CRC-32 | of 2 | of 3 | of 8 | of 10 |
/// |---|---|---|---|---|---|
/// | `news` | 500406608 | 0 | 2 | 0 | 8 |
/// | `user:42` | 1684999558 | 0 | 1 | 6 | 8 |
/// | `dialog:7:8` | 4206421714 | 0 | 1 | 2 | 4 |
/// | `$personal:#7` | 3771609159 | 1 | 0 | 7 | 9 |
/// | `чат:привет` | 2834801360 | 0 | 2 | 0 | 0 |
/// | `123456789` | 3421780262 | 0 | 2 | 6 | 2 |
/// | (empty) | 0 | 0 | 0 | 0 | 0 |
///
/// ```
/// use std::num::NonZeroU16;
///
/// use centrifugo_api::consumer::partition;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let partitions = NonZeroU16::new(8).ok_or("no partitions")?;
/// assert_eq!(partition("user:42", partitions), 6);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn partition(channel: &str, partitions: NonZeroU16) -> i32 {
    let remainder = crc32(channel.as_bytes()) % u32::from(partitions.get());
    remainder.cast_signed()
}

/// Returns the CRC-32 of ISO 3309, as zlib computes it.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    /// The generator polynomial, with its bits reversed.
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = crc & 1 == 1;
            crc >>= 1;
            if is_odd {
                crc ^= POLYNOMIAL;
            }
        }
    }
    !crc
}
