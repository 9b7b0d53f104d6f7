//! The names of Centrifugo's SQL functions.

use crate::error::Error;
use crate::name::{invalid, is_name};

/// The functions of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Functions<'a> {
    prefix: &'a str,
    pub(super) is_binary: bool,
}

impl<'a> Functions<'a> {
    pub(super) fn new(prefix: &'a str) -> Result<Self, Error> {
        if is_name(prefix) {
            Ok(Self::constant(prefix))
        } else {
            Err(invalid(prefix))
        }
    }

    pub(super) const fn constant(prefix: &'a str) -> Self {
        assert!(
            is_name(prefix),
            "the prefix must be in lower case, with letters a to z, digits and `_`"
        );
        Self {
            prefix,
            is_binary: false,
        }
    }

    /// Returns the name of a function, such as `cf_binary_stream_publish` of `stream` and `publish`.
    pub(super) fn name(&self, kind: &str, function: &str) -> String {
        // As Centrifugo does.
        let prefix = self.prefix.trim_end_matches('_');
        let binary = if self.is_binary { "binary_" } else { "" };
        format!("{prefix}_{binary}{kind}_{function}")
    }
}
