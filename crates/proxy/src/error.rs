//! The errors of this crate.

use std::borrow::Cow;

/// An error of the arguments of a function of this crate. Its text says what is wrong, and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(Cow<'static, str>);

impl Error {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}
