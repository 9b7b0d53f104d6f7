//! The result of a provider of credentials.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::platform::{self, Instant};

/// An API key or a token, and until when it is valid: the result of a provider of
/// [`ClientBuilder::api_key_provider`](crate::ClientBuilder::api_key_provider) or
/// [`ClientBuilder::bearer_token_provider`](crate::ClientBuilder::bearer_token_provider).
///
/// A text alone, such as a `String`, is one that is valid until the server refuses it.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api::Credential;
///
/// let credential = Credential::new("secret").expires_in(Duration::from_secs(3600));
/// assert_eq!(format!("{credential:?}"), "Credential");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Credential {
    pub(super) secret: String,
    pub(super) expires: Option<Instant>,
    pub(super) made: Instant,
}

impl Credential {
    /// Creates a credential that is valid until the server refuses it.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            expires: None,
            made: Instant::now(),
        }
    }

    /// Sets the time after which it is no longer valid. With zero the provider is asked before each attempt; attempts that
    /// start meanwhile share what it returns.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        // Beyond the range of clocks, it never expires.
        self.expires = self.made.checked_add(lifetime);
        self
    }

    /// Sets the time from which on it is no longer valid, such as a token's `exp`.
    pub fn expires_at(self, time: SystemTime) -> Self {
        let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.expires_in(since_epoch.saturating_sub(platform::since_epoch()))
    }
}

impl From<String> for Credential {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl From<&str> for Credential {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

/// Without the secret.
impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential")
    }
}
