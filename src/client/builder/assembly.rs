//! What becomes of a configuration that is right.

use std::sync::Once;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
#[cfg(feature = "http")]
use hyper_util::client::proxy::matcher::Matcher;

use super::ClientBuilder;
use crate::Error;
use crate::call::Shared;
use crate::gate::Gate;
use crate::key::{Key, value};
use crate::nodes::{Name, Nodes};
use crate::retry::Budget;
use crate::target::{Protocol, Target};
use crate::transport::{Settings, Transport};

const DEFAULT_USER_AGENT: &str = concat!("centrifugo-api-rust/", env!("CARGO_PKG_VERSION"));

/// How long connecting takes at most where there are other nodes.
const CONNECT_TIMEOUT_OF_SEVERAL: Duration = Duration::from_secs(1);

impl ClientBuilder {
    /// Checks everything, and makes what the clones of a client share.
    pub(super) fn shared(self) -> Result<Shared, Error> {
        let targets: Vec<Target> = self
            .urls
            .iter()
            .map(|url| Target::parse(url))
            .collect::<Result<_, _>>()?;
        self.check_numbers()?;
        self.check_nodes(&targets)?;
        let target = &targets[0];
        self.check_feature(target)?;
        self.check_own_connections(target)?;
        #[cfg(feature = "tls")]
        self.check_tls(target)?;
        self.check_transport(target)?;
        self.warn_of_a_readable_key(&targets);
        let key = Key::new(self.api_key.clone(), self.has_own_key_header(target))?;
        let hosts = targets
            .iter()
            .map(|target| self.host(target, targets.len() > 1));
        Ok(Shared {
            nodes: Nodes::new(hosts.collect::<Result<Vec<_>, _>>()?),
            key,
            gate: Gate::new(self.max_in_flight),
            budget: Budget::default(),
            max_request_size: self.max_request_size,
            split_above: self.split_above,
        })
    }

    /// Warns, once a process, of a key that travels over a network as it is.
    fn warn_of_a_readable_key(&self, targets: &[Target]) {
        static WARNED: Once = Once::new();
        let is_elsewhere = self.has_unix_socket() || self.has_grpc_channel();
        let is_readable = |target: &&Target| !target.tls && !target.is_local();
        let Some(target) = targets.iter().find(is_readable) else {
            return;
        };
        if self.api_key.is_some() && !is_elsewhere {
            WARNED.call_once(|| {
                tracing::warn!(
                    url = target.url(),
                    "the API key travels unencrypted to another host: whoever is on the way can read it; use an https \
                     or grpcs URL where the network is not one's own"
                );
            });
        }
    }

    fn settings(&self, target: &Target, several: bool) -> Result<Settings, Error> {
        Ok(Settings {
            headers: self.headers(target)?,
            key_header: self.api_key.header_name(self.has_own_key_header(target)),
            user_agent: value(
                "user_agent",
                self.user_agent.as_deref().unwrap_or(DEFAULT_USER_AGENT),
            )?,
            connect_timeout: self
                .connect_timeout
                .or(several.then_some(CONNECT_TIMEOUT_OF_SEVERAL)),
            max_response_size: self.max_response_size,
            connections: self.connections.clone(),
            #[cfg(feature = "http")]
            legacy_commands: self.legacy_commands,
            #[cfg(feature = "tls")]
            tls: crate::tls::Tls::new(&self.tls, target.tls)?,
            target: target.clone(),
            address: None,
        })
    }

    fn has_own_key_header(&self, target: &Target) -> bool {
        target.protocol == Protocol::Http && !self.has_legacy_commands()
    }

    /// A host as it stands, and what to look up for it.
    fn host(&self, target: &Target, several: bool) -> Result<(Transport, Option<Name>), Error> {
        let settings = self.settings(target, several)?;
        let is_elsewhere = self.has_http_client()
            || self.has_grpc_channel()
            || self.has_unix_socket()
            || self.has_proxy(target);
        let name = target.name().filter(|_| !is_elsewhere).map(|(host, port)| {
            let mut settings = settings.clone();
            settings
                .connect_timeout
                .get_or_insert(CONNECT_TIMEOUT_OF_SEVERAL);
            let transport = move |address| {
                let settings = Settings {
                    address: Some(address),
                    ..settings.clone()
                };
                Transport::new(settings)
            };
            Name {
                host: host.to_owned(),
                port,
                transport: Box::new(transport),
            }
        });
        Ok((self.transport(settings)?, name))
    }

    /// Whether a proxy looks the host up.
    #[cfg(feature = "http")]
    fn has_proxy(&self, target: &Target) -> bool {
        let uri = target.http_url().parse().ok();
        let is_intercepted = |uri| Matcher::from_system().intercept(&uri).is_some();
        target.protocol == Protocol::Http
            && !self.connections.no_proxy
            && uri.is_some_and(is_intercepted)
    }

    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self)]
    fn has_proxy(&self, _target: &Target) -> bool {
        false
    }

    fn transport(&self, settings: Settings) -> Result<Transport, Error> {
        #[cfg(feature = "http")]
        if let Some(client) = &self.http_client {
            return Transport::http(settings, client.clone());
        }
        #[cfg(feature = "grpc")]
        if let Some(channel) = &self.grpc_channel {
            return Transport::grpc(settings, channel.clone());
        }
        Transport::new(settings)
    }

    fn headers(&self, target: &Target) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let parsed: HeaderName = name.parse().map_err(|_| {
                Error::Config(format!(
                    "header: `{name}` is no name of a header; it takes letters, digits and `-`"
                ))
            })?;
            self.check_header(&parsed, target)?;
            let mut value = value(&format!("header `{name}`"), text)?;
            value.set_sensitive(true);
            headers.append(parsed, value);
        }
        if self.error_mode_transport {
            headers.insert(
                "x-centrifugo-error-mode",
                HeaderValue::from_static("transport"),
            );
        }
        Ok(headers)
    }
}
