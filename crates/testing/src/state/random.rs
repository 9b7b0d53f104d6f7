//! Random ids and epochs.

use uuid::Uuid;

/// Returns a new id for a node or a client.
pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

/// Returns the epoch of a new stream, in the format of Centrifugo: eight letters.
pub(crate) fn epoch() -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let random = Uuid::new_v4();
    random.as_bytes()[8..]
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % 52]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn epochs_have_eight_letters_and_do_not_repeat() {
        let epochs: HashSet<_> = std::iter::repeat_with(super::epoch).take(1000).collect();
        assert_eq!(epochs.len(), 1000);
        assert!(epochs.iter().all(|epoch| epoch.len() == 8));
    }
}
