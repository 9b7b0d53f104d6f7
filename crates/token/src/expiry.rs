//! Times in claims.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Error;

/// The last second of the year 9999, the last one that every reader of tokens can show.
const LATEST: u64 = 253_402_300_799;

/// The time at which a token, a connection or a subscription expires. There is no default: it must be chosen.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use centrifugo_token::Expiry;
///
/// let in_ten_minutes = Expiry::after(Duration::from_secs(600));
/// let tomorrow = Expiry::at(SystemTime::now() + Duration::from_secs(86_400));
/// let not_at_all = Expiry::never();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    After(Duration),
    At(SystemTime),
    Never,
}

impl Expiry {
    /// Returns the expiry that long after the token is signed. Fractions of a second of the lifetime are dropped, and a lifetime
    /// below 1 s is an error when the token is signed.
    #[must_use]
    pub fn after(lifetime: Duration) -> Self {
        Self(Kind::After(lifetime))
    }

    /// Returns the expiry at that time. Fractions of a second are dropped.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        Self(Kind::At(time))
    }

    /// Returns the expiry that never comes. Only another secret or key makes such a token invalid.
    #[must_use]
    pub fn never() -> Self {
        Self(Kind::Never)
    }

    /// Returns the seconds since 1970 at which a token expires that is signed at `at`, or `None` if it never does.
    pub(crate) fn seconds(self, claim: &str, at: SystemTime) -> Result<Option<u64>, Error> {
        let now = seconds(claim, at)?;
        let seconds = match self.0 {
            Kind::Never => return Ok(None),
            Kind::At(time) => since_1970(claim, time)?,
            Kind::After(lifetime) if lifetime.as_secs() == 0 => {
                return Err(Error::claim(
                    claim,
                    "the lifetime is below 1 s, and fractions of a second are dropped: choose 1 s or more",
                ));
            }
            // The lifetime is rounded down, not the sum, which would depend on the fraction of the clock.
            Kind::After(lifetime) => now.saturating_add(lifetime.as_secs()),
        };
        if seconds > LATEST {
            return Err(Error::claim(
                claim,
                "the time is after the year 9999: use Expiry::never(), or are milliseconds taken for seconds?",
            ));
        }
        if seconds <= now {
            return Err(Error::claim(
                claim,
                format!(
                    "it would have expired already, {} s before now: choose a later time, at least 1 s",
                    now - seconds
                ),
            ));
        }
        Ok(Some(seconds))
    }
}

/// Returns the seconds since 1970, if the time is one that every reader of tokens can show.
pub(crate) fn seconds(claim: &str, time: SystemTime) -> Result<u64, Error> {
    let seconds = since_1970(claim, time)?;
    if seconds > LATEST {
        return Err(Error::claim(
            claim,
            "the time is after the year 9999: are milliseconds taken for seconds?",
        ));
    }
    Ok(seconds)
}

fn since_1970(claim: &str, time: SystemTime) -> Result<u64, Error> {
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| {
        Error::claim(
            claim,
            "the time is before 1970: is the clock set, or are seconds taken for milliseconds?",
        )
    })?;
    Ok(since.as_secs())
}

/// Returns the time between two moments, of which tokens have the whole seconds alone. It is zero if the second one is earlier.
pub(crate) fn whole_seconds_between(start: SystemTime, end: SystemTime) -> Duration {
    let seconds = |time: SystemTime| {
        time.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
    };
    Duration::from_secs(seconds(end).saturating_sub(seconds(start)))
}

/// Returns whether a previous secret is still accepted: by whole seconds, as Centrifugo compares them.
pub(crate) fn is_until(now: SystemTime, until: Option<SystemTime>) -> bool {
    let seconds = |time: SystemTime| {
        time.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
    };
    until.is_none_or(|until| seconds(now) <= seconds(until))
}
