//! The header `grpc-timeout`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::http::header::HeaderValue;

/// The headers of calls, which are usually the same one call after another: it is kept.
#[derive(Debug)]
pub(super) struct TimeoutHeaders(Mutex<(Timeout, HeaderValue)>);

/// A timeout as gRPC has it: at most 8 digits and a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timeout {
    Millis(u64),
    Seconds(u64),
}

impl TimeoutHeaders {
    /// Returns the header of a call that has so much time left.
    pub(super) fn header(&self, left: Duration) -> HeaderValue {
        let timeout = Timeout::of(left);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != timeout {
            *kept = (timeout, timeout.header());
        }
        kept.1.clone()
    }
}

impl Default for TimeoutHeaders {
    fn default() -> Self {
        let none = Timeout::Millis(0);
        Self(Mutex::new((none, none.header())))
    }
}

impl Timeout {
    /// Returns the timeout of a call that has so much time left.
    ///
    /// It is rounded up to two digits, so that it seldom changes: HPACK sends a value that it has sent before as one byte, and
    /// a new one costs a tenth of the call. It is never shorter than the time that is left: servers enforce it, and so does a
    /// channel of tonic, and must not end the call before its deadline.
    fn of(left: Duration) -> Self {
        const LARGEST: u64 = 99_999_999;
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let millis = rounded_up(millis.saturating_add(1));
        if millis <= LARGEST {
            return Self::Millis(millis);
        }
        let seconds = rounded_up(left.as_secs().saturating_add(1));
        Self::Seconds(seconds.min(LARGEST))
    }

    fn header(self) -> HeaderValue {
        let text = match self {
            Self::Millis(millis) => format!("{millis}m"),
            Self::Seconds(seconds) => format!("{seconds}S"),
        };
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("10S"))
    }
}

/// Returns a number rounded up to two significant digits.
fn rounded_up(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    number.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_seldom_changes_and_is_never_too_short() {
        let headers = TimeoutHeaders::default();
        for (left, header) in [
            (Duration::ZERO, "1m"),
            (Duration::from_micros(98_999), "99m"),
            (Duration::from_millis(99), "100m"),
            (Duration::from_millis(100), "110m"),
            (Duration::from_micros(6_999_999), "7000m"),
            (Duration::from_secs(7), "7100m"),
            (Duration::from_micros(9_900_000), "10000m"),
            (Duration::from_micros(9_999_999), "10000m"),
            (Duration::from_millis(98_999_999), "99000000m"),
            (Duration::from_millis(99_000_000), "100000S"),
            (Duration::from_secs(123_456_789), "99999999S"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(headers.header(left), header, "{left:?}");
        }
        for micros in (0..20_000_000).step_by(997) {
            let left = Duration::from_micros(micros);
            let header = headers.header(left);
            let millis = header.to_str().unwrap().trim_end_matches('m');
            let sent = Duration::from_millis(millis.parse().unwrap());
            assert!(
                sent > left && sent <= left + left / 10 + Duration::from_millis(2),
                "{left:?}"
            );
        }
    }
}
