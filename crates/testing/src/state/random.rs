//! Names that the server makes up.

use uuid::Uuid;

/// The id of a node or a client.
pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

/// The epoch of a new stream, in Centrifugo's form.
pub(crate) fn epoch() -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let random = Uuid::new_v4();
    let letters = random.as_bytes()[8..].iter();
    letters
        .map(|byte| char::from(LETTERS[usize::from(*byte) % 52]))
        .collect()
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
