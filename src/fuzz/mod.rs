//! Fuzzing of the input from servers, from proxies in front of them, and from users.
//!
//! A target is a function of bytes that panics if a property does not hold. `cargo test` runs it on its seeds and on
//! random mutations of them; `CENTRIFUGO_API_FUZZ` is the number of mutations, 1000 by default. `tests/fuzz/run` runs
//! it with a coverage-guided fuzzer.

// The tests of the embedded server include `chance.rs` too, and use all of it.
#[allow(dead_code)]
pub(crate) mod chance;
#[cfg(feature = "_transport")]
pub(crate) mod errors;
#[cfg(not(fuzzing))]
mod run;

use std::error::Error as _;

use crate::error::Error;
#[cfg(not(fuzzing))]
pub(crate) use run::run;

/// The maximal length of an error's text, in bytes.
const LONGEST_TEXT: usize = 2000;

/// Defines the test of a target. Its name is that of the folder of its seeds.
#[cfg(not(fuzzing))]
macro_rules! fuzz {
    ($name:ident, $target:path) => {
        #[test]
        fn $name() {
            crate::fuzz::run(stringify!($name), $target);
        }
    };
}

#[cfg(fuzzing)]
macro_rules! fuzz {
    ($name:ident, $target:path) => {
        #[test]
        fn $name() {
            bolero::check!().for_each(|input: &[u8]| $target(input));
        }
    };
}

pub(crate) use fuzz;

/// Checks that the texts of an error and its causes are short.
pub(crate) fn assert_bounded(error: &Error) {
    for text in texts(error) {
        // The message of Centrifugo's error belongs to the caller, like a reply.
        let is_bounded = text.len() <= LONGEST_TEXT || matches!(error, Error::Api(_));
        assert!(is_bounded, "{} bytes of text: {text}", text.len());
    }
}

/// Returns the texts of the error and its causes.
fn texts(error: &Error) -> Vec<String> {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    std::iter::once(error.to_string())
        .chain(causes.map(ToString::to_string))
        .collect()
}
