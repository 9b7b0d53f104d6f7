//! Signatures of shared polls.

mod notification;

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use zeroize::Zeroizing;

pub use notification::SharedPollNotification;

use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::expiry::{self, Expiry};
use crate::key::hmac;
use crate::provider::digest;
use crate::verify::{Refusal, RefusalCode};

/// The seconds for which Centrifugo accepts a signature that has expired.
const GRACE: u64 = 5;

/// The secret of shared polls: Centrifugo's `shared_poll.hmac_secret_key`.
///
/// While it is replaced, the previous one is accepted too.
#[derive(Clone)]
pub struct SharedPollSecret {
    secret: Zeroizing<Vec<u8>>,
    previous: Option<(Zeroizing<Vec<u8>>, Option<SystemTime>)>,
}

impl SharedPollSecret {
    /// Creates the secret, which signs and verifies.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if it is empty, has a NUL character or a PEM section, or begins or ends with white space.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self {
            secret: hmac::checked(secret.as_ref())?,
            previous: None,
        })
    }

    /// Sets the previous secret, which only verifies, until a time: `shared_poll.hmac_previous_secret_key` and its
    /// `_valid_until`. `None` is no end.
    ///
    /// The time is compared with the clock, as Centrifugo does since 6.9.3; before, it is compared with the time at which a
    /// signature was made.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn previous(
        mut self,
        secret: impl AsRef<[u8]>,
        valid_until: Option<SystemTime>,
    ) -> Result<Self, Error> {
        self.previous = Some((hmac::checked(secret.as_ref())?, valid_until));
        Ok(self)
    }

    /// Returns the secrets that verify at a time.
    fn at(&self, now: SystemTime) -> impl Iterator<Item = &[u8]> {
        let previous = self.previous.as_ref();
        let valid = previous.filter(move |(_, until)| expiry::is_until(now, *until));
        let previous = valid.map(|(secret, _)| secret.as_slice());
        std::iter::once(self.secret.as_slice()).chain(previous)
    }
}

/// Shows no secret.
impl fmt::Debug for SharedPollSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedPollSecret")
    }
}

/// The keys of a shared-poll channel that a user may track, to be signed.
///
/// A signature is of the texts with NUL characters between. A text that contains one, an empty key and an empty channel are
/// refused, both when they are signed and verified: the signature could be that of other keys.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_token::{Expiry, SharedPollSecret, TrackedKeys};
///
/// let secret = SharedPollSecret::new("shared_poll_secret")?;
/// let keys = TrackedKeys::user("42").channel("poll:prices", ["AAPL", "GOOG"]);
/// let signature = keys.sign(&secret, Expiry::after(Duration::from_secs(600)))?;
/// assert!(keys.verify(&secret, &signature).is_ok());
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "sign it"]
pub struct TrackedKeys {
    user: String,
    channel: String,
    keys: Vec<String>,
}

/// The user of tracked keys, which still need a [`channel`](Self::channel).
#[derive(Clone, Debug)]
#[must_use = "a signature needs a channel too"]
pub struct TrackingUser(String);

impl TrackingUser {
    /// Sets the channel, and its keys in the order in which the client tracks them: that of its request.
    pub fn channel(
        self,
        channel: impl Into<String>,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> TrackedKeys {
        TrackedKeys {
            user: self.0,
            channel: channel.into(),
            keys: keys.into_iter().map(Into::into).collect(),
        }
    }
}

impl TrackedKeys {
    /// Begins with the user, who must be that of the connection.
    pub fn user(user: impl Into<String>) -> TrackingUser {
        TrackingUser(user.into())
    }

    /// Begins with an anonymous user.
    pub fn anonymous() -> TrackingUser {
        TrackingUser(String::new())
    }

    /// Returns the signature for the client: `iat:exp:…`.
    ///
    /// # Errors
    ///
    /// [`Error::Claim`] if the expiry has passed, the channel or a key is empty, or a text contains a NUL character.
    pub fn sign(&self, secret: &SharedPollSecret, expiry: Expiry) -> Result<String, Error> {
        self.sign_at(secret, expiry, SystemTime::now())
    }

    /// Returns the signature that is made at a time, which tests may choose.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub fn sign_at(
        &self,
        secret: &SharedPollSecret,
        expiry: Expiry,
        now: SystemTime,
    ) -> Result<String, Error> {
        self.check()?;
        let iat = expiry::seconds("iat", now)?.to_string();
        let exp = expiry.seconds("exp", now)?.unwrap_or(0).to_string();
        let message = self.message(&iat, &exp);
        let tag = hmac::tag(&secret.secret, Algorithm::Hs256, message.as_bytes());
        Ok(format!("{iat}:{exp}:{}", hex(&tag)))
    }

    /// Checks a signature as Centrifugo does, with the secret or the previous one.
    ///
    /// # Errors
    ///
    /// The answer of Centrifugo: 103 for a wrong signature, 109 for one that expired more than 5 s ago. 103 too for texts that
    /// [`sign`](Self::sign) refuses.
    pub fn verify(&self, secret: &SharedPollSecret, signature: &str) -> Result<(), Refusal> {
        self.verify_at(secret, signature, SystemTime::now())
    }

    /// Checks a signature at a time, which tests may choose.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn verify_at(
        &self,
        secret: &SharedPollSecret,
        signature: &str,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let denied = |reason: &str| Refusal::new(RefusalCode::PermissionDenied, reason);
        self.check().map_err(|error| denied(&error.to_string()))?;
        let mut parts = signature.splitn(3, ':');
        let (Some(iat), Some(exp), Some(tag)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(denied("the signature does not have three parts"));
        };
        let (Ok(_), Ok(expires)) = (iat.parse::<u64>(), exp.parse::<u64>()) else {
            return Err(denied("the signature's times are not numbers"));
        };
        let tag = unhex(tag).ok_or_else(|| denied("the signature is not hexadecimal"))?;
        let message = self.message(iat, exp);
        let fits = |secret| hmac::fits(secret, Algorithm::Hs256, message.as_bytes(), &tag);
        if !secret.at(now).any(fits) {
            return Err(denied(
                "the signature is wrong: another secret, user or channel, or other keys or another order of them",
            ));
        }
        let seconds = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        if expires > 0 && expires.saturating_add(GRACE) < seconds {
            return Err(Refusal::new(
                RefusalCode::TokenExpired,
                "the signature has expired",
            ));
        }
        Ok(())
    }

    #[cfg(feature = "endpoints")]
    pub(crate) fn channel_name(&self) -> &str {
        &self.channel
    }

    #[cfg(feature = "endpoints")]
    pub(crate) fn key_names(&self) -> &[String] {
        &self.keys
    }

    /// Checks that no other texts have the same message.
    fn check(&self) -> Result<(), Error> {
        if self.channel.is_empty() {
            return Err(Error::claim("channel", "it is empty"));
        }
        if self.keys.iter().any(String::is_empty) {
            return Err(Error::claim("keys", "a key is empty"));
        }
        let keys = self.keys.iter().map(|key| ("keys", key));
        let texts = [("user", &self.user), ("channel", &self.channel)];
        let mut texts = texts.into_iter().chain(keys);
        match texts.find(|(_, text)| text.contains('\0')) {
            Some((name, _)) => Err(Error::claim(name, "it contains a NUL character")),
            None => Ok(()),
        }
    }

    fn message(&self, iat: &str, exp: &str) -> String {
        let keys = digest::digest(&digest::SHA256, self.keys.join("\0").as_bytes());
        let keys = hex(keys.as_ref());
        [iat, exp, &self.user, &self.channel, &keys].join("\0")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads lower-case digits alone: Centrifugo compares the text.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(16 * digit(*high)? + digit(*low)?))
        .collect()
}
