//! The codes with which a handler refuses: errors, and the ends of connections.

use std::borrow::Cow;
use std::fmt;

use crate::error::Error;

/// The longest reason of a disconnect, in bytes: WebSocket and the client SDKs set it.
const LONGEST_REASON: usize = 32;

/// An error that the client gets in reply to its command: a code from 400 to 1999, and a message.
///
/// The other codes are Centrifugo's own. The client stays connected, unless the error is a reply to its `connect`.
///
/// ```
/// use centrifugo_proxy::ClientError;
///
/// const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
///
/// # fn main() -> Result<(), centrifugo_proxy::Error> {
/// let at_run_time = ClientError::new(1000 + 7, "quota exceeded")?;
/// assert_eq!(at_run_time.code(), 1007);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    code: u32,
    message: Cow<'static, str>,
    is_temporary: bool,
}

impl ClientError {
    /// Creates an error from a code that is known at run time.
    ///
    /// # Errors
    ///
    /// [`Error`] if the code is not from 400 to 1999.
    pub fn new(code: u32, message: impl Into<Cow<'static, str>>) -> Result<Self, Error> {
        if !is_error(code) {
            return Err(Error::new(format!(
                "{code} is not a code for errors of an application: use 400 to 1999, since the others are Centrifugo's own"
            )));
        }
        Ok(Self {
            code,
            message: message.into(),
            is_temporary: false,
        })
    }

    /// Creates an error for a constant, where the compiler checks the code:
    ///
    /// ```compile_fail,E0080
    /// # use centrifugo_proxy::ClientError;
    /// const DENIED: ClientError = ClientError::constant(103, "denied"); // error: use a code from 400 to 1999
    /// # let _ = DENIED;
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a constant if the code is not from 400 to 1999: use [`new`](Self::new) there.
    #[must_use]
    pub const fn constant(code: u32, message: &'static str) -> Self {
        assert!(is_error(code), "use a code from 400 to 1999");
        Self {
            code,
            message: Cow::Borrowed(message),
            is_temporary: false,
        }
    }

    /// Tells the client that the same command may succeed later. Client SDKs then try again to connect and to subscribe by
    /// themselves.
    #[must_use]
    pub const fn temporary(mut self) -> Self {
        self.is_temporary = true;
        self
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> u32 {
        self.code
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns whether the same command may succeed later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.is_temporary
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error {}: {}", self.code, self.message)
    }
}

/// The end of the client's connection: a code from 4000 to 4999, and a reason of at most 32 bytes of ASCII.
///
/// Client SDKs reconnect by themselves after 4000 to 4499, and do not after 4500 to 4999. The other codes are Centrifugo's
/// own.
///
/// ```
/// use centrifugo_proxy::Disconnect;
///
/// const BANNED: Disconnect = Disconnect::constant(4500, "banned");
///
/// assert!(BANNED.is_terminal());
/// assert!(Disconnect::new(4000, "a reason that is much too long for it").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnect {
    code: u32,
    reason: Cow<'static, str>,
}

impl Disconnect {
    /// Creates a disconnect from a code or reason that is known at run time.
    ///
    /// # Errors
    ///
    /// [`Error`] if the code is not from 4000 to 4999, or if the reason has more than 32 bytes or something else than
    /// printable ASCII.
    pub fn new(code: u32, reason: impl Into<Cow<'static, str>>) -> Result<Self, Error> {
        if !is_disconnect(code) {
            return Err(Error::new(format!(
                "{code} is not a code for disconnects of an application: use 4000 to 4499 if the client shall reconnect, and \
                 4500 to 4999 if not"
            )));
        }
        let reason = reason.into();
        check_reason(&reason)?;
        Ok(Self { code, reason })
    }

    /// Creates a disconnect for a constant, where the compiler checks the code and the reason:
    ///
    /// ```compile_fail,E0080
    /// # use centrifugo_proxy::Disconnect;
    /// const GONE: Disconnect = Disconnect::constant(3000, "gone"); // error: use a code from 4000 to 4999
    /// # let _ = GONE;
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a constant where [`new`](Self::new) returns an error: use that there.
    #[must_use]
    pub const fn constant(code: u32, reason: &'static str) -> Self {
        assert!(is_disconnect(code), "use a code from 4000 to 4999");
        assert!(
            is_reason(reason),
            "use a reason of at most 32 bytes of printable ASCII"
        );
        Self {
            code,
            reason: Cow::Borrowed(reason),
        }
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> u32 {
        self.code
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns whether client SDKs do not reconnect by themselves.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        self.code >= 4500
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "disconnect {}: {}", self.code, self.reason)
    }
}

const fn is_error(code: u32) -> bool {
    code >= 400 && code <= 1999
}

const fn is_disconnect(code: u32) -> bool {
    code >= 4000 && code <= 4999
}

const fn is_reason(reason: &str) -> bool {
    let bytes = reason.as_bytes();
    if bytes.len() > LONGEST_REASON {
        return false;
    }
    let mut index = 0;
    while index < bytes.len() {
        if !(bytes[index] == b' ' || bytes[index].is_ascii_graphic()) {
            return false;
        }
        index += 1;
    }
    true
}

/// Says what is wrong with a reason.
fn check_reason(reason: &str) -> Result<(), Error> {
    if is_reason(reason) {
        return Ok(());
    }
    let is_printable = |character: &char| *character == ' ' || character.is_ascii_graphic();
    if let Some(other) = reason.chars().find(|character| !is_printable(character)) {
        return Err(Error::new(format!(
            "the reason {reason:?} of a disconnect has {other:?}: use printable ASCII, which all client SDKs can read"
        )));
    }
    let length = reason.len();
    Err(Error::new(format!(
        "the reason {reason:?} of a disconnect has {length} bytes: shorten it to {LONGEST_REASON}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_reason_is_quoted_with_what_is_wrong() {
        let text = |reason: &'static str| {
            let error = Disconnect::new(4000, reason).expect_err(reason);
            error.to_string()
        };
        let naive = text("naïve");
        assert!(
            naive.contains("\"naïve\"") && naive.contains("'ï'"),
            "{naive}"
        );
        let long = text("a reason that is much too long for it");
        assert!(long.contains("much too long"), "{long}");
        assert!(long.contains("37 bytes: shorten it to 32"), "{long}");
    }

    #[test]
    fn codes_of_errors_are_from_400_to_1999() {
        for code in [400, 403, 1000, 1999] {
            assert_eq!(
                ClientError::new(code, "x").map(|error| error.code()),
                Ok(code)
            );
        }
        for code in [0, 100, 103, 399, 2000, 4000, u32::MAX] {
            assert!(ClientError::new(code, "x").is_err(), "{code}");
        }
    }

    #[test]
    fn codes_of_disconnects_are_from_4000_to_4999() {
        for (code, is_terminal) in [(4000, false), (4499, false), (4500, true), (4999, true)] {
            let disconnect = Disconnect::new(code, "x").expect("the code is valid");
            assert_eq!(disconnect.is_terminal(), is_terminal, "{code}");
        }
        for code in [0, 1000, 3000, 3999, 5000, u32::MAX] {
            assert!(Disconnect::new(code, "x").is_err(), "{code}");
        }
    }

    #[test]
    fn reason_is_at_most_32_bytes_of_printable_ascii() {
        let longest = "x".repeat(LONGEST_REASON);
        assert!(Disconnect::new(4000, longest.clone()).is_ok());
        assert!(Disconnect::new(4000, "").is_ok());
        for reason in [longest + "x", "naïve".to_owned(), "a\nb".to_owned()] {
            assert!(Disconnect::new(4000, reason.clone()).is_err(), "{reason}");
        }
    }
}
