//! HTTP/1 over connections of our own, on hyper: the engine beside that on reqwest. It is a transport as services are, which
//! [`HttpService`](super::service::HttpService) calls.

mod connection;
mod desk;
mod failure;
mod pool;
mod proxy;
mod serve;
mod waker;

use std::sync::Arc;
use std::time::Duration;

use ::http::header::HeaderValue;

use super::TransportConfig;
use super::diagnosis::Diagnosis;
use super::dial::{Dialer, Passage};
use crate::error::Error;
use crate::platform::PerRuntime;
use pool::Pool;
use proxy::Proxy;

/// The idle time after which a connection is closed. Centrifugo 6.5 and later close idle connections after 30 s:
/// if the client closes them earlier, no call is sent while the server closes its connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// The HTTP/1 connections to a node.
pub(super) struct Http1 {
    /// The server as errors show it.
    shown: Box<str>,
    /// True if the URL names a host, so that errors show the address too.
    has_name: bool,
    host: HeaderValue,
    /// True if requests have complete URIs, for a proxy that sends them on.
    has_forwarding_proxy: bool,
    proxy_authorization: Option<HeaderValue>,
    pools: PerRuntime<Arc<Pool>>,
    diagnosis: Diagnosis,
}

impl Http1 {
    pub(super) fn new(config: &TransportConfig) -> Result<Self, Error> {
        let proxy = Proxy::of(config)?.map(Arc::new);
        let forwarding = proxy.as_ref().filter(|proxy| proxy.forwards());
        let has_forwarding_proxy = forwarding.is_some();
        let proxy_authorization = forwarding.and_then(|proxy| proxy.authorization());
        let passage = proxy.map(|proxy| proxy as Arc<dyn Passage>);
        let dialer = Arc::new(Dialer::new(config, "http/1.1", passage)?);
        let options = &config.connections;
        let max_idle = options.max_idle.unwrap_or(usize::MAX);
        let idle_timeout = options.idle_timeout.unwrap_or(IDLE_TIMEOUT);
        let make = move || Ok(Pool::new(Arc::clone(&dialer), max_idle, idle_timeout));
        Ok(Self {
            shown: config.shown(),
            has_name: config.url.name().is_some() && config.proxy.is_none(),
            host: host(config)?,
            has_forwarding_proxy,
            proxy_authorization,
            pools: PerRuntime::new(make),
            diagnosis: Diagnosis::new(config),
        })
    }
}

/// Returns the header `Host` of calls.
fn host(config: &TransportConfig) -> Result<HeaderValue, Error> {
    let host = config.url.authority_without_usual_port();
    HeaderValue::try_from(host)
        .map_err(|error| Error::Config(format!("url `{}`: {error}", config.url)))
}
