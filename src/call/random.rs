//! Random keys.

use crate::error::Error;

/// Returns a UUID of version 4, of the operating system's random numbers. A generator in the process would give
/// forked processes the same keys.
pub(crate) fn uuid() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::Config(format!(
            "no random id can be made, because the operating system gives no random numbers: {error}; give the \
             request a key of your own"
        ))
    })?;
    let bits = u128::from_be_bytes(bytes);
    // The bits of the version and of the variant are fixed.
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let bits = bits & !(0x3 << 62) | (0x2 << 62);
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn uuids_have_their_form_and_do_not_repeat() {
        let uuids: HashSet<_> = std::iter::repeat_with(|| super::uuid().unwrap())
            .take(1000)
            .collect();
        assert_eq!(uuids.len(), 1000);
        for uuid in uuids {
            let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
            assert_eq!(&uuid[14..15], "4", "{uuid}");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        }
    }
}
