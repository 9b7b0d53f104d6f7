//! What channels are like, by their namespace.

use std::collections::BTreeMap;
use std::time::Duration;

use super::state::map::MapOptions;
use super::state::stream::Retention;
use centrifugo_api::Error;

/// How long a stream's position is kept where a namespace says nothing: Centrifugo's `channel.history_meta_ttl`.
const META_TTL: Duration = Duration::from_secs(720 * 3600);

/// The options of a namespace, under Centrifugo's names for them; all are off at first.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api_testing::{Namespace, Server};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let chat = Namespace::new("chat").history_size(100).history_ttl(Duration::from_secs(300)).presence(true);
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
    data_format: DataFormat,
    kind: ChannelKind,
}

/// What published data may be: Centrifugo's `publication_data_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataFormat {
    /// Anything but nothing; Centrifugo's default.
    #[default]
    NotEmpty,
    /// JSON.
    Json,
    /// A JSON object.
    JsonObject,
    /// Any bytes, or none.
    Binary,
}

/// What a channel holds: Centrifugo's `subscription_type`.
#[derive(Clone, Debug)]
pub(crate) enum ChannelKind {
    Stream,
    Map(MapOptions),
    SharedPoll { publish_enabled: bool },
}

/// The options of a channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// None where no history is kept.
    pub(crate) history: Option<Retention>,
    pub(crate) meta_ttl: Duration,
    pub(crate) presence: bool,
    pub(crate) join_leave: bool,
    pub(crate) force_push_join_leave: bool,
    pub(crate) force_recovery: bool,
    pub(crate) force_positioning: bool,
    pub(crate) data_format: DataFormat,
    pub(crate) kind: ChannelKind,
}

impl Namespace {
    /// Makes a namespace in which everything is off. Channels of it are named `name:…`.
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
            data_format: DataFormat::default(),
            kind: ChannelKind::Stream,
        }
    }

    /// Keeps that many publications of each channel, for [`history_ttl`](Self::history_ttl).
    pub fn history_size(mut self, publications: u32) -> Self {
        self.history_size = publications;
        self
    }

    /// Keeps publications for that long, in whole seconds, after the last of a channel.
    pub fn history_ttl(mut self, ttl: Duration) -> Self {
        self.history_ttl = ttl;
        self
    }

    /// Keeps epoch and offset of a channel for that long, in whole seconds, after its last use; 720 hours unless set.
    pub fn history_meta_ttl(mut self, ttl: Duration) -> Self {
        self.history_meta_ttl = ttl;
        self
    }

    /// Knows who is subscribed.
    pub fn presence(mut self, on: bool) -> Self {
        self.presence = on;
        self
    }

    /// Makes events of subscribers who come and go.
    pub fn join_leave(mut self, on: bool) -> Self {
        self.join_leave = on;
        self
    }

    /// Tells all subscribers of those who come and go.
    pub fn force_push_join_leave(mut self, on: bool) -> Self {
        self.force_push_join_leave = on;
        self
    }

    /// Makes subscriptions recoverable, which needs a history.
    pub fn force_recovery(mut self, on: bool) -> Self {
        self.force_recovery = on;
        self
    }

    /// Gives subscriptions a position.
    pub fn force_positioning(mut self, on: bool) -> Self {
        self.force_positioning = on;
        self
    }

    /// Says what published data may be: Centrifugo's `publication_data_format`.
    pub fn data_format(mut self, format: DataFormat) -> Self {
        self.data_format = format;
        self
    }

    /// Makes maps of the channels, for the `map_…` methods.
    pub fn map(mut self, options: MapOptions) -> Self {
        self.kind = ChannelKind::Map(options);
        self
    }

    /// Makes shared polls of the channels, in Centrifugo's mode `versioned`, into which `shared_poll_publish` is
    /// allowed or not.
    pub fn shared_poll(mut self, publish_enabled: bool) -> Self {
        self.kind = ChannelKind::SharedPoll { publish_enabled };
        self
    }

    /// Checks what Centrifugo checks of a configuration.
    fn checked(self) -> Result<Channel, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !self.name.is_empty() && (self.name.len() < 2 || !self.name.bytes().all(fits)) {
            return Err(
                "its name takes letters, digits, `-`, `_` and `.`, two characters at least".into(),
            );
        }
        for (option, ttl) in [
            ("history_ttl", self.history_ttl),
            ("history_meta_ttl", self.history_meta_ttl),
        ] {
            if ttl.subsec_nanos() != 0 {
                return Err(format!("{option} is {ttl:?}: give whole seconds"));
            }
        }
        let meta_ttl = if self.history_meta_ttl.is_zero() {
            META_TTL
        } else {
            self.history_meta_ttl
        };
        match (self.history_size, self.history_ttl.is_zero()) {
            (0, false) => return Err("history_ttl without history_size: set both, or none".into()),
            (1.., true) => return Err("history_size without history_ttl: set both, or none".into()),
            (0, true) if self.force_recovery => {
                return Err(
                    "force_recovery needs a history: set history_size and history_ttl".into(),
                );
            }
            _ => {}
        }
        if self.history_ttl > meta_ttl {
            return Err(format!(
                "history_ttl, {:?}, is longer than history_meta_ttl, {meta_ttl:?}: the position must outlive the \
                 publications",
                self.history_ttl
            ));
        }
        if let ChannelKind::Map(options) = &self.kind {
            options.check()?;
        }
        let size = usize::try_from(self.history_size).unwrap_or(usize::MAX);
        Ok(Channel {
            history: (size > 0).then_some(Retention {
                size,
                ttl: self.history_ttl,
                meta_ttl,
            }),
            meta_ttl,
            presence: self.presence,
            join_leave: self.join_leave,
            force_push_join_leave: self.force_push_join_leave,
            force_recovery: self.force_recovery,
            force_positioning: self.force_positioning,
            data_format: self.data_format,
            kind: self.kind,
        })
    }
}

/// All namespaces, checked.
#[derive(Debug)]
pub(crate) struct Namespaces(BTreeMap<String, Channel>);

impl Namespaces {
    /// Checks the namespaces; the one without a name is for channels without one.
    pub(crate) fn checked(namespaces: Vec<Namespace>) -> Result<Self, Error> {
        let mut checked = BTreeMap::new();
        for namespace in namespaces {
            let name = namespace.name.clone();
            let shown = if name.is_empty() {
                "without_namespace".to_owned()
            } else {
                format!("namespace `{name}`")
            };
            let channel = namespace
                .checked()
                .map_err(|problem| Error::Config(format!("{shown}: {problem}")))?;
            if checked.insert(name, channel).is_some() {
                return Err(Error::Config(format!(
                    "{shown} is configured twice: leave out one of the two"
                )));
            }
        }
        Ok(Self(checked))
    }

    /// The options of a channel, if its namespace is configured.
    pub(crate) fn of(&self, channel: &str) -> Option<&Channel> {
        let name = channel.strip_prefix('$').unwrap_or(channel);
        let namespace = name.split_once(':').map_or("", |(namespace, _)| namespace);
        self.0.get(namespace)
    }
}
