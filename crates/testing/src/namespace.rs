//! Namespaces: the options of channels.

use std::time::Duration;

#[cfg(feature = "proxy")]
use crate::proxies::ClientOptions;
use crate::state::map::MapOptions;
use crate::state::stream::Retention;

/// The default time for which a stream's position is kept: Centrifugo's `channel.history_meta_ttl`.
const META_TTL: Duration = Duration::from_secs(720 * 3600);

/// The options of a namespace, named as in Centrifugo. All are off by default.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api_testing::{Namespace, Server};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let chat = Namespace::new("chat")
///     .history_size(100)
///     .history_ttl(Duration::from_secs(300))
///     .presence(true);
/// let server = Server::builder().namespace(chat).start()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Namespace {
    pub(crate) name: String,
    history_size: u32,
    history_ttl: Duration,
    history_meta_ttl: Duration,
    presence: bool,
    join_leave: bool,
    force_push_join_leave: bool,
    force_recovery: bool,
    force_positioning: bool,
    force_recovery_mode: RecoveryMode,
    data_format: DataFormat,
    kind: ChannelKind,
    #[cfg(feature = "proxy")]
    pub(crate) clients: ClientOptions,
}

/// The format that published data must have: Centrifugo's `publication_data_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataFormat {
    /// Any non-empty data; Centrifugo's default.
    #[default]
    NotEmpty,
    /// JSON.
    Json,
    /// A JSON object.
    JsonObject,
    /// Any data, including none.
    Binary,
}

/// The publications that clients recover: Centrifugo's `force_recovery_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryMode {
    /// All publications that they have missed; Centrifugo's default.
    #[default]
    Stream,
    /// The newest publication.
    Cache,
}

/// The kind of a channel: Centrifugo's `subscription_type`.
#[derive(Clone, Debug)]
pub(crate) enum ChannelKind {
    Stream,
    Map(MapOptions),
    SharedPoll {
        publish_enabled: bool,
        /// True if the server makes the versions itself.
        #[cfg_attr(not(feature = "proxy"), allow(dead_code))]
        is_versionless: bool,
    },
}

/// The options of a channel.
#[derive(Clone, Debug)]
pub(crate) struct ChannelOptions {
    /// `None` if the channel keeps no history.
    pub(crate) history: Option<Retention>,
    pub(crate) meta_ttl: Duration,
    pub(crate) presence: bool,
    pub(crate) join_leave: bool,
    pub(crate) force_push_join_leave: bool,
    pub(crate) force_recovery: bool,
    pub(crate) force_positioning: bool,
    pub(crate) recovery_mode: RecoveryMode,
    pub(crate) data_format: DataFormat,
    pub(crate) kind: ChannelKind,
    #[cfg(feature = "proxy")]
    pub(crate) clients: ClientOptions,
}

impl Namespace {
    /// Creates a namespace with all options off. Its channels are named `name:…`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            history_size: 0,
            history_ttl: Duration::ZERO,
            history_meta_ttl: Duration::ZERO,
            presence: false,
            join_leave: false,
            force_push_join_leave: false,
            force_recovery: false,
            force_positioning: false,
            force_recovery_mode: RecoveryMode::default(),
            data_format: DataFormat::default(),
            kind: ChannelKind::Stream,
            #[cfg(feature = "proxy")]
            clients: ClientOptions::default(),
        }
    }

    /// Keeps this many publications of each channel for [`history_ttl`](Self::history_ttl).
    pub fn history_size(mut self, publications: u32) -> Self {
        self.history_size = publications;
        self
    }

    /// Keeps publications for this long after the last publication of the channel, in whole
    /// seconds.
    pub fn history_ttl(mut self, ttl: Duration) -> Self {
        self.history_ttl = ttl;
        self
    }

    /// Keeps epoch and offset for this long after the last use of the channel, in whole seconds;
    /// 720 hours by default.
    pub fn history_meta_ttl(mut self, ttl: Duration) -> Self {
        self.history_meta_ttl = ttl;
        self
    }

    /// Enables presence.
    pub fn presence(mut self, on: bool) -> Self {
        self.presence = on;
        self
    }

    /// Enables join and leave events.
    pub fn join_leave(mut self, on: bool) -> Self {
        self.join_leave = on;
        self
    }

    /// Pushes join and leave events to all subscribers.
    pub fn force_push_join_leave(mut self, on: bool) -> Self {
        self.force_push_join_leave = on;
        self
    }

    /// Makes subscriptions recoverable. Needs a history.
    pub fn force_recovery(mut self, on: bool) -> Self {
        self.force_recovery = on;
        self
    }

    /// Sets what clients recover: Centrifugo's `force_recovery_mode`.
    pub fn force_recovery_mode(mut self, mode: RecoveryMode) -> Self {
        self.force_recovery_mode = mode;
        self
    }

    /// Makes subscriptions positioned.
    pub fn force_positioning(mut self, on: bool) -> Self {
        self.force_positioning = on;
        self
    }

    /// Sets the format that published data must have: Centrifugo's `publication_data_format`.
    pub fn data_format(mut self, format: DataFormat) -> Self {
        self.data_format = format;
        self
    }

    /// Makes the namespace's channels maps, for the `map_…` methods.
    pub fn map(mut self, options: MapOptions) -> Self {
        self.kind = ChannelKind::Map(options);
        self
    }

    /// Makes the namespace's channels shared polls in Centrifugo's mode `versioned`.
    ///
    /// `publish_enabled` allows `shared_poll_publish`.
    pub fn shared_poll(mut self, publish_enabled: bool) -> Self {
        self.kind = ChannelKind::SharedPoll {
            publish_enabled,
            is_versionless: false,
        };
        self
    }

    /// Makes the namespace's channels shared polls in Centrifugo's mode `versionless`, in which the server itself sees
    /// whether a state has changed.
    pub fn shared_poll_versionless(mut self) -> Self {
        self.kind = ChannelKind::SharedPoll {
            publish_enabled: false,
            is_versionless: true,
        };
        self
    }

    /// Validates the options as Centrifugo does.
    pub(crate) fn checked(self) -> Result<ChannelOptions, String> {
        self.check_name()?;
        let meta_ttl = if self.history_meta_ttl.is_zero() {
            META_TTL
        } else {
            self.history_meta_ttl
        };
        self.check_history(meta_ttl)?;
        if let ChannelKind::Map(options) = &self.kind {
            options.check()?;
        }
        self.check_clients()?;
        let size = usize::try_from(self.history_size).unwrap_or(usize::MAX);
        let history = (size > 0).then_some(Retention {
            size,
            ttl: self.history_ttl,
            meta_ttl,
        });
        Ok(ChannelOptions {
            history,
            meta_ttl,
            presence: self.presence,
            join_leave: self.join_leave,
            force_push_join_leave: self.force_push_join_leave,
            force_recovery: self.force_recovery,
            force_positioning: self.force_positioning,
            recovery_mode: self.force_recovery_mode,
            data_format: self.data_format,
            kind: self.kind,
            #[cfg(feature = "proxy")]
            clients: self.clients,
        })
    }

    #[cfg(feature = "proxy")]
    fn check_clients(&self) -> Result<(), String> {
        self.clients.check()
    }

    #[cfg(not(feature = "proxy"))]
    #[allow(clippy::unnecessary_wraps, clippy::unused_self)] // As with proxies.
    fn check_clients(&self) -> Result<(), String> {
        Ok(())
    }

    fn check_name(&self) -> Result<(), String> {
        let is_valid = self.name.len() >= 2 && self.name.bytes().all(is_name_byte);
        if self.name.is_empty() || is_valid {
            Ok(())
        } else {
            Err(
                "the name must have at least two characters: letters, digits, `-`, `_` and `.`"
                    .into(),
            )
        }
    }

    fn check_history(&self, meta_ttl: Duration) -> Result<(), String> {
        let ttls = [
            ("history_ttl", self.history_ttl),
            ("history_meta_ttl", self.history_meta_ttl),
        ];
        for (option, ttl) in ttls {
            if ttl.subsec_nanos() != 0 {
                return Err(format!("{option} is {ttl:?}: set whole seconds"));
            }
        }
        let has_size = self.history_size > 0;
        let has_ttl = !self.history_ttl.is_zero();
        if has_ttl && !has_size {
            return Err("history_ttl without history_size: set both or neither".into());
        }
        if has_size && !has_ttl {
            return Err("history_size without history_ttl: set both or neither".into());
        }
        if self.force_recovery && !has_size {
            return Err("force_recovery needs a history: set history_size and history_ttl".into());
        }
        if self.history_ttl > meta_ttl {
            return Err(format!(
                "history_ttl, {:?}, is longer than history_meta_ttl, {meta_ttl:?}: the position \
                 must outlive the publications",
                self.history_ttl
            ));
        }
        Ok(())
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
