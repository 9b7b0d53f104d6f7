//! Names that the server makes up.

use std::hash::{BuildHasher as _, RandomState};

/// The epoch of a new stream, in Centrifugo's form.
pub(crate) fn epoch() -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut random = number();
    let letters = std::iter::repeat_with(|| {
        let letter = LETTERS[usize::try_from(random % 52).unwrap_or_default()];
        random /= 52;
        char::from(letter)
    });
    letters.take(8).collect()
}

/// A UUID of version 4.
pub(crate) fn uuid() -> String {
    let (high, low) = (number(), number());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// The standard library seeds each `RandomState` anew.
fn number() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn names_have_their_form_and_do_not_repeat() {
        let epochs: HashSet<_> = std::iter::repeat_with(super::epoch).take(1000).collect();
        assert_eq!(epochs.len(), 1000);
        assert!(epochs.iter().all(|epoch| epoch.len() == 8));
        let uuid = super::uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert_ne!(uuid, super::uuid());
    }
}
