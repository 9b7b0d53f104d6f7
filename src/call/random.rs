//! Random keys and numbers.

use std::hash::{BuildHasher as _, RandomState};

/// Returns a UUID of version 4.
pub(crate) fn uuid() -> String {
    let high = number();
    let low = number();
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// Returns a random number. It is the hash of a constant: the standard library gives each `RandomState` different
/// keys, which saves a dependency on a generator. It is not meant for secrets.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_have_their_form_and_do_not_repeat() {
        let uuid = super::uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        let uuids: std::collections::HashSet<_> =
            std::iter::repeat_with(super::uuid).take(1000).collect();
        assert_eq!(uuids.len(), 1000);
    }
}
