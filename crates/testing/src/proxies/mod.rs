//! Proxies: the server asks handlers, or a backend at a URL, about what its clients do.

mod asker;
mod builder;
mod client;
mod connect;
mod maps;
mod network;
mod options;
mod permissions;
mod polls;
mod proxy;
mod publish;
mod refresh;
mod refusal;
mod rpc;
mod settings;
mod stream;
mod subscribe;
mod unread;

use std::collections::HashMap;
use std::sync::Arc;

use centrifugo_proxy::EventKind;
use tokio::runtime::Handle;
use tokio::sync::watch;

pub use self::client::{ConnectingClient, ProxiedConnection, SubscribeOptions, Subscribed};
pub use self::options::ProxyOptions;

pub(crate) use self::options::{StatusTransform, TransformedTo};
pub(crate) use self::permissions::{ClientOptions, DEFAULT, Permission};
pub(crate) use self::settings::{ConfiguredProxies, ConfiguredProxy, ProxySettings};

use self::proxy::Proxy;
use self::refusal::Refusal;
use crate::engine::Engine;

/// The proxies of a server.
pub(crate) struct Proxies {
    /// Those with the name `default`.
    defaults: HashMap<EventKind, Arc<Proxy>>,
    named: HashMap<String, Arc<Proxy>>,
    methods: Methods,
    /// Lets clients in that no proxy and no token names.
    allow_anonymous: bool,
    /// That of the server.
    runtime: Handle,
    /// The number of refreshes that proxies are asked about.
    refreshing: watch::Sender<usize>,
}

/// The proxies of methods.
#[derive(Default)]
struct Methods {
    without_namespace: Option<String>,
    /// `None` if none is asked.
    namespaces: HashMap<String, Option<String>>,
}

impl Proxies {
    fn new(runtime: &Handle) -> Self {
        Self {
            defaults: HashMap::new(),
            named: HashMap::new(),
            methods: Methods::default(),
            allow_anonymous: false,
            runtime: runtime.clone(),
            refreshing: watch::Sender::default(),
        }
    }

    /// Returns the proxy of that name for an event.
    fn named(&self, kind: EventKind, name: &str) -> Result<Arc<Proxy>, Refusal> {
        let proxy = match name {
            DEFAULT => self.defaults.get(&kind),
            name => self.named.get(name),
        };
        proxy.cloned().ok_or_else(|| {
            Refusal::Misconfigured(format!(
                "no backend for the proxy `{name}` of `{kind}`: call ServerBuilder::proxy with handlers, or proxy_url"
            ))
        })
    }

    fn is_usable(&self, kind: EventKind, name: &str) -> bool {
        self.named(kind, name).is_ok_and(|proxy| proxy.is_usable())
    }

    fn refresh(&self) -> Option<&Arc<Proxy>> {
        let proxy = self.defaults.get(&EventKind::Refresh);
        proxy.filter(|proxy| proxy.is_usable())
    }
}

impl Engine {
    /// Returns whether a proxy refreshes connections.
    pub(crate) fn has_refresh_proxy(&self) -> bool {
        self.proxies.refresh().is_some()
    }

    /// Returns whether a proxy refreshes the subscriptions to a channel.
    pub(crate) fn has_sub_refresh_proxy(&self, channel: &str) -> bool {
        let options = self.namespaces.options_of(channel);
        let name = options.and_then(|options| options.clients.sub_refresh_proxy.as_deref());
        name.is_some_and(|name| self.proxies.is_usable(EventKind::SubRefresh, name))
    }
}
