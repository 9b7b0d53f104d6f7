//! Checks of the errors that targets cause.

use std::time::Duration;

use super::{assert_bounded, texts};
use crate::call::Retry;
use crate::error::Error;

/// The key in the seeds: no error may show it.
pub(crate) const KEY: &str = "hunter2-is-the-key";

/// Checks that an error shows no secrets and no long texts.
pub(crate) fn assert_presentable(error: &Error) {
    assert_bounded(error);
    let mut texts = texts(error);
    texts.push(format!("{error:?}"));
    for text in texts {
        assert!(!text.contains(KEY), "a text shows the key: {text}");
    }
}

/// Checks an error as a client returns it to its caller, and how long a retry would back off for it.
pub(crate) fn check_error(error: Error) {
    let longest = Duration::from_secs(2);
    let wait = Retry::default().wait(1, &error, true);
    assert!(
        wait.is_none_or(|wait| wait.backoff <= longest),
        "a wait of {wait:?}"
    );
    assert_presentable(&error.without(&[KEY.to_owned()]));
}
