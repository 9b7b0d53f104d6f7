//! Names that the server makes up.

pub(crate) use crate::random::uuid;

/// The epoch of a new stream, in Centrifugo's form.
pub(crate) fn epoch() -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut random = crate::random::number();
    let letters = std::iter::repeat_with(|| {
        let letter = LETTERS[usize::try_from(random % 52).unwrap_or_default()];
        random /= 52;
        char::from(letter)
    });
    letters.take(8).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn epochs_have_their_form_and_do_not_repeat() {
        let epochs: HashSet<_> = std::iter::repeat_with(super::epoch).take(1000).collect();
        assert_eq!(epochs.len(), 1000);
        assert!(epochs.iter().all(|epoch| epoch.len() == 8));
    }
}
