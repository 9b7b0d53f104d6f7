//! The options of channels: those of a namespace, or of channels without one.

use serde_json::Value;

use super::names::{self, Part};
use super::section::Section;
use crate::error::Error;
use crate::event::EventKind;
use crate::handlers::Handlers;

/// The options of a namespace, or of channels without one, in a [`ProxyConfiguration`](crate::ProxyConfiguration): the events
/// that Centrifugo asks the backend about, and further options.
///
/// An array of kinds is such options too. What an event needs is printed with it:
///
/// | event | printed | you add |
/// |---|---|---|
/// | `MapPublish`, `MapRemove` | `subscription_type: map` | `map.mode`, and usually `map.key_ttl` |
/// | `SharedPollRefresh` | `subscription_type: shared_poll` | [`shared_poll_secret`](crate::ProxyConfiguration::shared_poll_secret) |
/// | `SubscribeBidirectional` | `subscribe_stream_proxy_bidirectional` | |
/// | `CacheEmpty` (Centrifugo PRO) | `force_recovery`, `force_recovery_mode: cache` | `history_size`, `history_ttl` |
/// | `ChannelState` (Centrifugo PRO) | `presence` | `engine.type: redis`, outside of this configuration |
///
/// Presence can be read only where the namespace has it: `.option("presence", true)`. Clients that are to read it also need
/// `.option("allow_presence_for_subscriber", true)`.
///
/// With Centrifugo 6.9.1 nobody can subscribe to a map channel through the handler of `Subscribe`: error 107. Let clients do
/// so by tokens or `allow_subscribe_for_client`.
///
/// ```
/// use centrifugo_proxy::{ChannelOptions, EventKind};
///
/// let board = ChannelOptions::new([EventKind::MapPublish, EventKind::MapRemove])
///     .option("map.mode", "recoverable")
///     .option("map.key_ttl", "300s")
///     .option("allow_subscribe_for_client", true);
/// # let _ = board;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ChannelOptions {
    kinds: Vec<EventKind>,
    options: Vec<(String, Value)>,
}

impl ChannelOptions {
    /// Creates the options by which Centrifugo asks the backend about these events.
    pub fn new(kinds: impl IntoIterator<Item = EventKind>) -> Self {
        Self {
            kinds: kinds.into_iter().collect(),
            options: Vec::new(),
        }
    }

    /// Adds an option of Centrifugo, by its path: `presence`, `map.mode`.
    ///
    /// Only Centrifugo knows whether there is such an option: `centrifugo checkconfig --strict` tells.
    pub fn option(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.push((path.into(), value.into()));
        self
    }

    pub(super) fn has(&self, kind: EventKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Adds the options to a section. The place is that of the options, in errors.
    pub(super) fn add_to(
        &self,
        section: &mut Section,
        place: &str,
        handlers: &Handlers,
    ) -> Result<(), Error> {
        self.check_kinds(place, handlers)?;
        self.check_together(place)?;
        for kind in EventKind::ALL.iter().filter(|kind| self.has(**kind)) {
            add_kind(section, *kind);
        }
        for (path, value) in &self.options {
            self.check_option(place, path, value)?;
            if !section.put(path, value.clone()) {
                return Err(Error::new(format!(
                    "{place} has the option `{path}` twice, or its events set it: leave it out"
                )));
            }
        }
        self.check_needs(place)
    }

    fn check_option(&self, place: &str, path: &str, value: &Value) -> Result<(), Error> {
        let is_name = |name: &str| {
            let is_valid =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            !name.is_empty() && name.bytes().all(is_valid)
        };
        if !path.split('.').all(is_name) {
            return Err(Error::new(format!(
                "{place} has the option {path:?}, which is not a path such as `presence` or `map.mode`"
            )));
        }
        let is_of_proxy = ["proxy_enabled", "proxy_name", "proxy_bidirectional"]
            .iter()
            .any(|end| path.ends_with(end));
        // Who publishes by a proxy gets the key from it.
        let is_key = path == "map.client_key"
            && (self.has(EventKind::MapPublish) || self.has(EventKind::MapRemove));
        if is_of_proxy || is_key || path == "name" {
            return Err(Error::new(format!(
                "{place} has the option `{path}`, which follows from its events and its name: leave it out"
            )));
        }
        check_value(place, path, value)
    }

    fn check_kinds(&self, place: &str, handlers: &Handlers) -> Result<(), Error> {
        if self.kinds.is_empty() {
            return Err(Error::new(format!(
                "{place} has no events: name one, or leave it out"
            )));
        }
        for kind in &self.kinds {
            match names::part(*kind) {
                Part::Client => {
                    return Err(Error::new(format!(
                        "{place} names `{kind}`, which is of connections, not of channels: leave it out, its handler is enough"
                    )));
                }
                Part::Rpc => {
                    return Err(Error::new(format!(
                        "{place} names `{kind}`, which has namespaces of its own: call `rpc_namespace` or \
                         `rpc_without_namespace`"
                    )));
                }
                Part::Channel if !handlers.parts().table.has(*kind) => {
                    return Err(Error::new(format!(
                        "{place} names `{kind}`, which has no handler: register one by `Handlers::{kind}`, or leave it out"
                    )));
                }
                Part::Channel => {}
            }
        }
        Ok(())
    }

    /// Checks that Centrifugo allows these events together.
    fn check_together(&self, place: &str) -> Result<(), Error> {
        use EventKind::{
            MapPublish, MapRemove, Publish, SharedPollRefresh, SubRefresh, Subscribe,
            SubscribeBidirectional, SubscribeUnidirectional,
        };
        const MAPS: &[EventKind] = &[MapPublish, MapRemove];
        const POLLS: &[EventKind] = &[SharedPollRefresh];
        const STREAMS: &[EventKind] = &[SubscribeUnidirectional, SubscribeBidirectional];
        const APART: [(&[EventKind], &[EventKind]); 5] = [
            (&[SubscribeUnidirectional], &[SubscribeBidirectional]),
            (STREAMS, &[Subscribe, Publish, SubRefresh]),
            (STREAMS, MAPS),
            (STREAMS, POLLS),
            (MAPS, POLLS),
        ];
        for (some, others) in APART {
            let one = some.iter().find(|kind| self.has(**kind));
            let other = others.iter().find(|kind| self.has(**kind));
            if let (Some(one), Some(other)) = (one, other) {
                return Err(Error::new(format!(
                    "{place} has both `{one}` and `{other}`, which no channel can: give them namespaces of their own"
                )));
            }
        }
        Ok(())
    }

    /// Checks that there are the options that events need, and that only the user can choose.
    fn check_needs(&self, place: &str) -> Result<(), Error> {
        const NEEDS: [(EventKind, &str, &str); 4] = [
            (
                EventKind::MapPublish,
                "map.mode",
                "`ephemeral` or `recoverable` with `map.key_ttl`, or `persistent`",
            ),
            (
                EventKind::MapRemove,
                "map.mode",
                "`ephemeral` or `recoverable` with `map.key_ttl`, or `persistent`",
            ),
            (EventKind::CacheEmpty, "history_size", "for instance 1"),
            (EventKind::CacheEmpty, "history_ttl", "for instance `1h`"),
        ];
        for (kind, option, values) in NEEDS {
            let is_set = self.options.iter().any(|(path, _)| path == option);
            if self.has(kind) && !is_set {
                return Err(Error::new(format!(
                    "{place} has `{kind}` and so needs the option `{option}`: add it by `ChannelOptions::option`, {values}"
                )));
            }
        }
        Ok(())
    }
}

impl<const N: usize> From<[EventKind; N]> for ChannelOptions {
    fn from(kinds: [EventKind; N]) -> Self {
        Self::new(kinds)
    }
}

impl From<&[EventKind]> for ChannelOptions {
    fn from(kinds: &[EventKind]) -> Self {
        Self::new(kinds.iter().copied())
    }
}

impl From<Vec<EventKind>> for ChannelOptions {
    fn from(kinds: Vec<EventKind>) -> Self {
        Self::new(kinds)
    }
}

/// Adds the options of an event. Two events may have the same.
fn add_kind(section: &mut Section, kind: EventKind) {
    if let Some(flag) = names::flag(kind) {
        section.put(flag, true.into());
    }
    match kind {
        EventKind::SubscribeBidirectional => {
            section.put("subscribe_stream_proxy_bidirectional", true.into());
        }
        EventKind::MapPublish | EventKind::MapRemove => {
            section.put("subscription_type", "map".into());
        }
        EventKind::SharedPollRefresh => {
            section.put("subscription_type", "shared_poll".into());
        }
        EventKind::CacheEmpty => {
            section.put("force_recovery", true.into());
            section.put("force_recovery_mode", "cache".into());
        }
        EventKind::ChannelState => {
            section.put("presence", true.into());
        }
        _ => {}
    }
}

fn check_value(place: &str, path: &str, value: &Value) -> Result<(), Error> {
    let is_valid = match value {
        Value::Null | Value::Object(_) => false,
        Value::String(text) => !text.contains('\0'),
        // The environment has elements of lists between spaces.
        Value::Array(items) => items.iter().all(|item| {
            let text = item.as_str().unwrap_or_default();
            !text.is_empty() && !text.contains(|character: char| " \0".contains(character))
        }),
        Value::Bool(_) | Value::Number(_) => true,
    };
    if !is_valid {
        return Err(Error::new(format!(
            "the option `{path}` of {place} is not text, a number, a flag or a list of words; sections are paths, as in `map.mode`"
        )));
    }
    Ok(())
}
