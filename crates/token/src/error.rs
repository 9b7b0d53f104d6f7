//! The errors of keys, claims and signing.

use std::error::Error as StdError;

/// An error of a signer outside the process, see [`Signer`](crate::Signer).
pub type SignerError = Box<dyn StdError + Send + Sync>;

/// A mistake in a key or in claims, or the failure of a signer.
///
/// It never contains a secret or a token. Nothing has been signed, except that [`Error::TooLong`] and [`Error::Signature`]
/// may come after an outside [`Signer`](crate::Signer) has signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key that cannot be read or used.
    #[error("key: {0}")]
    Key(String),
    /// A claim that is missing or wrong.
    #[error("claim `{claim}`: {problem}")]
    Claim {
        /// The claim's name.
        claim: String,
        /// The mistake, and the fix.
        problem: String,
    },
    /// A token that is longer than `max_length` allows.
    #[error(
        "the token has {length} bytes, more than max_length, {limit}: it travels in a header or a URL; keep `info`, `meta` \
         and `data` short, or raise max_length"
    )]
    TooLong {
        /// The length of the token in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A signer outside the process that failed; the source says why.
    #[error("the signer failed")]
    Signer(#[source] SignerError),
    /// A signer outside the process returned something that is not a signature of its algorithm.
    #[error("the signer's signature: {0}")]
    Signature(String),
}

impl Error {
    pub(crate) fn key(problem: impl Into<String>) -> Self {
        Self::Key(problem.into())
    }

    pub(crate) fn claim(claim: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Claim {
            claim: claim.into(),
            problem: problem.into(),
        }
    }
}
