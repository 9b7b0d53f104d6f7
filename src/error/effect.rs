//! The effect of a call: whether it ran on the server.

/// The effect of a call, or of one attempt of it, on the server.
///
/// The effects of all attempts and all parts of a call are folded into one by [`and`](Self::and):
/// [`Error::effect`](crate::Error::effect) is the effect of the whole call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It certainly did not run: nothing was sent, or the server said that it did not process the request.
    #[default]
    Unsent,
    /// It may have run: it was sent, and no reply says what became of it; or the reply is an error of Centrifugo, whose code
    /// says what is wrong but not whether a part has run.
    MayHaveRun,
    /// It ran, or a part of it did: the server replied.
    Ran,
}

impl Effect {
    /// Returns the effect of two attempts, or of two parts, together: unsent only if both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Returns whether the call certainly did not run.
    #[must_use]
    pub fn is_unsent(self) -> bool {
        self == Self::Unsent
    }
}
