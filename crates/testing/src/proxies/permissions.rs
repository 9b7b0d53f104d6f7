//! Permissions: what the clients of a namespace may do, and which proxies decide it.

use crate::namespace::Namespace;

/// The name of the proxy that is not one of `proxies`.
pub(crate) const DEFAULT: &str = "default";

/// The options of a namespace that apply to the commands of clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientOptions {
    pub(crate) subscribe: Permission,
    pub(crate) publish: Permission,
    pub(crate) map_publish: Permission,
    pub(crate) map_remove: Permission,
    // The names of proxies; `None` if none is asked.
    pub(crate) subscribe_proxy: Option<String>,
    pub(crate) publish_proxy: Option<String>,
    pub(crate) sub_refresh_proxy: Option<String>,
    pub(crate) subscribe_stream_proxy: Option<String>,
    pub(crate) is_bidirectional: bool,
    pub(crate) map_publish_proxy: Option<String>,
    pub(crate) map_remove_proxy: Option<String>,
    /// The name of the proxy for shared polls; `None` for the default.
    pub(crate) shared_poll_proxy: Option<String>,
}

/// The clients that may do something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Permission {
    pub(crate) for_client: bool,
    pub(crate) for_subscriber: bool,
    /// True if the others include the anonymous user.
    pub(crate) for_anonymous: bool,
}

impl Permission {
    /// Everyone.
    pub(crate) const ALL: Self = Self {
        for_client: true,
        for_subscriber: true,
        for_anonymous: true,
    };

    pub(crate) fn allows(self, user: &str, is_subscribed: bool) -> bool {
        let is_among = self.for_client || (self.for_subscriber && is_subscribed);
        is_among && (!user.is_empty() || self.for_anonymous)
    }
}

impl ClientOptions {
    /// Validates the options as Centrifugo does.
    pub(crate) fn check(&self) -> Result<(), String> {
        let others = [
            ("subscribe_proxy_enabled", &self.subscribe_proxy),
            ("publish_proxy_enabled", &self.publish_proxy),
            ("sub_refresh_proxy_enabled", &self.sub_refresh_proxy),
        ];
        let other = others.iter().find(|(_, proxy)| proxy.is_some());
        match other {
            Some((other, _)) if self.subscribe_stream_proxy.is_some() => Err(format!(
                "subscribe_stream_proxy_enabled excludes {other}: leave out one of the two"
            )),
            _ => Ok(()),
        }
    }
}

fn default_proxy(on: bool) -> Option<String> {
    on.then(|| DEFAULT.to_owned())
}

impl Namespace {
    pub(crate) fn clients(mut self, options: ClientOptions) -> Self {
        self.clients = options;
        self
    }
}

/// # Clients of [`Server::connect_client`](crate::Server::connect_client)
///
/// They may only do what a namespace allows, or what a proxy answers.
impl Namespace {
    /// Lets clients subscribe that are not anonymous.
    pub fn allow_subscribe_for_client(mut self, on: bool) -> Self {
        self.clients.subscribe.for_client = on;
        self
    }

    /// Lets [`allow_subscribe_for_client`](Self::allow_subscribe_for_client) include anonymous clients.
    pub fn allow_subscribe_for_anonymous(mut self, on: bool) -> Self {
        self.clients.subscribe.for_anonymous = on;
        self
    }

    /// Lets clients publish that are not anonymous.
    pub fn allow_publish_for_client(mut self, on: bool) -> Self {
        self.clients.publish.for_client = on;
        self
    }

    /// Lets clients publish that are subscribed to the channel, and not anonymous.
    pub fn allow_publish_for_subscriber(mut self, on: bool) -> Self {
        self.clients.publish.for_subscriber = on;
        self
    }

    /// Lets [`allow_publish_for_client`](Self::allow_publish_for_client) and
    /// [`allow_publish_for_subscriber`](Self::allow_publish_for_subscriber) include anonymous clients.
    pub fn allow_publish_for_anonymous(mut self, on: bool) -> Self {
        self.clients.publish.for_anonymous = on;
        self
    }

    /// Lets clients set keys of maps that are not anonymous: Centrifugo's `map.allow_publish_for_client`.
    pub fn allow_map_publish_for_client(mut self, on: bool) -> Self {
        self.clients.map_publish.for_client = on;
        self
    }

    /// Lets clients remove keys of maps that are not anonymous: Centrifugo's `map.allow_remove_for_client`.
    pub fn allow_map_remove_for_client(mut self, on: bool) -> Self {
        self.clients.map_remove.for_client = on;
        self
    }

    /// Asks the subscribe proxy about clients that subscribe.
    pub fn subscribe_proxy_enabled(mut self, on: bool) -> Self {
        self.clients.subscribe_proxy = default_proxy(on);
        self
    }

    /// Asks the publish proxy about clients that publish.
    pub fn publish_proxy_enabled(mut self, on: bool) -> Self {
        self.clients.publish_proxy = default_proxy(on);
        self
    }

    /// Asks the sub_refresh proxy about subscriptions that expire.
    pub fn sub_refresh_proxy_enabled(mut self, on: bool) -> Self {
        self.clients.sub_refresh_proxy = default_proxy(on);
        self
    }

    /// Takes the publications of each subscription from a stream of the backend.
    pub fn subscribe_stream_proxy_enabled(mut self, on: bool) -> Self {
        self.clients.subscribe_stream_proxy = default_proxy(on);
        self
    }

    /// Sends what clients publish into the streams of their subscriptions.
    pub fn subscribe_stream_proxy_bidirectional(mut self, on: bool) -> Self {
        self.clients.is_bidirectional = on;
        self
    }

    /// Asks the map_publish proxy about clients that set keys: Centrifugo's `map.publish_proxy_enabled`.
    pub fn map_publish_proxy_enabled(mut self, on: bool) -> Self {
        self.clients.map_publish_proxy = default_proxy(on);
        self
    }

    /// Asks the map_remove proxy about clients that remove keys: Centrifugo's `map.remove_proxy_enabled`.
    pub fn map_remove_proxy_enabled(mut self, on: bool) -> Self {
        self.clients.map_remove_proxy = default_proxy(on);
        self
    }
}
