//! The answers of Centrifugo to tokens that it refuses.

use std::fmt;

/// The answer of Centrifugo to a token or signature that it refuses, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct Refusal {
    code: RefusalCode,
    reason: String,
}

/// The code that a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// Error 100: `b64info` of a connection token is not base64. Centrifugo 6.9.1 answers with its error for internal failures, after
    /// which client SDKs try again.
    Internal,
    /// Error 102: the namespace of a channel is not configured.
    UnknownChannel,
    /// Error 103: the subscription token or the shared-poll signature is invalid.
    PermissionDenied,
    /// Error 109: the token has expired, or is not valid yet. The client SDK asks for a new one.
    TokenExpired,
    /// The end of the connection with code 3500: the connection token is invalid, or the subscription token is for another user,
    /// channel or connection. The client does not connect again.
    InvalidToken,
}

impl RefusalCode {
    /// Returns the number: 100, 102, 103, 109 or 3500.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Internal => 100,
            Self::UnknownChannel => 102,
            Self::PermissionDenied => 103,
            Self::TokenExpired => 109,
            Self::InvalidToken => 3500,
        }
    }

    /// Returns whether the connection ends, instead of the call alone.
    #[must_use]
    pub fn is_disconnect(self) -> bool {
        self == Self::InvalidToken
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, meaning) = match self {
            Self::Internal => ("error", "internal server error"),
            Self::UnknownChannel => ("error", "unknown channel"),
            Self::PermissionDenied => ("error", "permission denied"),
            Self::TokenExpired => ("error", "token expired"),
            Self::InvalidToken => ("disconnect", "invalid token"),
        };
        write!(formatter, "{kind} {}: {meaning}", self.number())
    }
}

/// The longest text of a token in a reason, in characters.
const SHOWN: usize = 100;

/// The longest reason in characters.
const LONGEST: usize = 500;

/// Returns a text of a token in quotes, cut to 100 characters.
pub(super) fn shown(text: &str) -> String {
    format!("\"{}\"", cut(text.escape_debug(), SHOWN))
}

fn cut(mut characters: impl Iterator<Item = char>, limit: usize) -> String {
    let mut text: String = characters.by_ref().take(limit).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

impl Refusal {
    pub(crate) fn new(code: RefusalCode, reason: impl Into<String>) -> Self {
        let reason = cut(reason.into().chars(), LONGEST);
        Self { code, reason }
    }

    /// Returns the code.
    #[must_use]
    pub fn code(&self) -> RefusalCode {
        self.code
    }

    /// Returns the reason, which Centrifugo writes into its log alone. It contains no part of a token but names and texts of
    /// the header and of claims, of which texts longer than 100 characters are cut.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
