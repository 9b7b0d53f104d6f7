//! The names of Centrifugo's options.

use std::time::Duration;

use http::HeaderName;

use crate::error::Error;
use crate::event::EventKind;

/// Headers of a connection or of the framing of a message, which HTTP, gRPC or Centrifugo itself sets.
///
/// Of those that are forwarded nevertheless, Centrifugo 6.9.1 drops some, and others do harm: over gRPC most make every event fail,
/// and over HTTP `accept-encoding` lets a backend compress answers that nobody decompresses.
const OWN_HEADERS: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The part of the configuration that has the proxy of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Client,
    Channel,
    Rpc,
}

/// Returns the part of the configuration that has the proxy of an event.
pub(super) fn part(kind: EventKind) -> Part {
    match kind {
        EventKind::Connect | EventKind::Refresh => Part::Client,
        EventKind::Rpc => Part::Rpc,
        _ => Part::Channel,
    }
}

/// Returns the name of the proxy in its part.
pub(super) fn proxy(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SubscribeUnidirectional | EventKind::SubscribeBidirectional => {
            "subscribe_stream"
        }
        EventKind::ChannelState => "state",
        _ => kind.name(),
    }
}

/// Returns the option by which a namespace asks for an event. Shared polls have none: they are a type of subscription.
pub(super) fn flag(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::Subscribe => Some("subscribe_proxy_enabled"),
        EventKind::Publish => Some("publish_proxy_enabled"),
        EventKind::SubRefresh => Some("sub_refresh_proxy_enabled"),
        EventKind::MapPublish => Some("map.publish_proxy_enabled"),
        EventKind::MapRemove => Some("map.remove_proxy_enabled"),
        EventKind::SubscribeUnidirectional | EventKind::SubscribeBidirectional => {
            Some("subscribe_stream_proxy_enabled")
        }
        EventKind::CacheEmpty => Some("cache_empty_proxy_enabled"),
        EventKind::ChannelState => Some("state_proxy_enabled"),
        EventKind::SharedPollRefresh | EventKind::Connect | EventKind::Refresh | EventKind::Rpc => {
            None
        }
    }
}

/// Returns whether an event is of one client, whose headers and metadata can be forwarded.
pub(super) fn is_of_client(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::SharedPollRefresh | EventKind::CacheEmpty | EventKind::ChannelState
    )
}

/// Checks the name of a namespace by Centrifugo's rule. The function is that for what has no namespace.
pub(super) fn check_namespace(name: &str, without: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::new(format!(
            "the name of a namespace is empty: give one, or call `{without}`"
        )));
    }
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.len() < 2 || !name.bytes().all(is_valid) {
        return Err(Error::new(format!(
            "{name:?} is not a valid name of a namespace: it needs two characters or more, all of them ASCII letters, digits, `-`, `_` \
             or `.`"
        )));
    }
    Ok(())
}

/// Returns whether a header is one that HTTP, gRPC or Centrifugo itself sets.
pub(super) fn is_own_header(name: &str) -> bool {
    OWN_HEADERS.contains(&name)
}

/// Checks the names of headers in an option. Returns them in lower case, the only form in which Centrifugo finds keys of
/// metadata.
pub(super) fn headers(
    option: &str,
    names: &[String],
    has_http: bool,
) -> Result<Vec<String>, Error> {
    let checked = names.iter().map(|name| {
        let header = HeaderName::try_from(&**name).map_err(|_| {
            Error::new(format!(
                "`{option}` has {name:?}, which is not a valid name of a header"
            ))
        })?;
        check_forwarded(option, header.as_str(), has_http)?;
        Ok(header.to_string())
    });
    checked.collect()
}

/// Checks that a header arrives and does no harm.
fn check_forwarded(option: &str, name: &str, has_http: bool) -> Result<(), Error> {
    if is_own_header(name) {
        return Err(Error::new(format!(
            "`{option}` has `{name}`, which belongs to one connection or message: forwarded, it would not arrive, or events would \
             fail; leave it out"
        )));
    }
    let is_dropped_by_grpc = name == "user-agent" || name.starts_with("grpc-");
    if is_dropped_by_grpc && !has_http {
        return Err(Error::new(format!(
            "`{option}` has `{name}`, which does not arrive over gRPC: leave it out, or let events go over HTTP by `http`"
        )));
    }
    Ok(())
}

/// Returns a duration as Centrifugo writes it, such as `1s` or `1500ms`.
pub(super) fn duration(duration: Duration) -> Result<String, Error> {
    let nanoseconds = i64::try_from(duration.as_nanos()).map_err(|_| {
        Error::new("the timeout is longer than the 292 years that Centrifugo can hold")
    })?;
    for (unit, name) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")] {
        if nanoseconds % unit == 0 {
            return Ok(format!("{}{name}", nanoseconds / unit));
        }
    }
    Ok(format!("{nanoseconds}ns"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_centrifugo() -> Result<(), Error> {
        for (given, expected) in [
            (Duration::from_secs(90), "90s"),
            (Duration::from_millis(1500), "1500ms"),
            (Duration::from_micros(1), "1us"),
            (Duration::from_nanos(1_000_001), "1000001ns"),
        ] {
            assert_eq!(duration(given)?, expected);
        }
        assert!(duration(Duration::MAX).is_err());
        Ok(())
    }

    #[test]
    fn names_of_namespaces_are_those_of_centrifugo() {
        for valid in ["ab", "a-", "A.b_2"] {
            assert!(check_namespace(valid, "").is_ok(), "{valid}");
        }
        for invalid in ["", "a", "a b", "a:b", "ä", "chat\n"] {
            assert!(check_namespace(invalid, "").is_err(), "{invalid}");
        }
        let empty = check_namespace("", "without_namespace").expect_err("it is empty");
        let empty = empty.to_string();
        assert!(empty.contains("call `without_namespace`"), "{empty}");
    }
}
