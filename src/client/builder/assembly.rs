//! Checks a configuration, and builds the shared state of a client from it.

use std::sync::{Arc, Once};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::ClientBuilder;
use super::checks::check_scheme;
use crate::call::credentials::{Credentials, Scheme};
use crate::call::nodes::{Discovery, NodeFactory, Nodes};
use crate::call::{Budget, InFlight, Inner, MissingMethods, Queues};
use crate::error::Error;
use crate::observe::Observers;
use crate::transport::tls::Tls;
use crate::transport::url::{Protocol, ServerUrl};
use crate::transport::{HeaderRules, Transport, TransportConfig, header_value, proxy_for};

const DEFAULT_USER_AGENT: &str = concat!("centrifugo-api-rust/", env!("CARGO_PKG_VERSION"));

/// The time for connecting by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const HAS_SOCKS: bool = cfg!(feature = "socks");
const HAS_TLS: bool = cfg!(feature = "_tls");

impl ClientBuilder {
    /// Checks all options, and creates the state that clones of the client share.
    pub(super) fn assemble(self) -> Result<Inner, Error> {
        let urls = self.urls.iter().map(|url| ServerUrl::parse(url));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        self.check(&urls)?;
        self.warn_of_clear_text_key(&urls);
        let credentials = Credentials::new(
            self.api_key.clone(),
            self.key_scheme(&urls[0]),
            self.bearer_token.clone(),
        )?;
        let observers = Observers::new(self.observers.clone());
        let in_flight = InFlight::new(self.max_in_flight);
        let max_request_size = self.max_request_size;
        let split_above = self.split_above;
        let retry_budget = self.retry_budget;
        let request_ids = self.request_ids;
        let honours_keys = self.honours_keys()?;
        let discovery = self.discovery.clone();
        let discovery = discovery.map(|(provider, every)| Discovery::new(provider, every));
        let factory = Box::new(self);
        Ok(Inner {
            nodes: Nodes::new(&urls, factory, observers.clone(), discovery)?,
            observers,
            request_ids,
            credentials,
            in_flight,
            queues: Queues::default(),
            budget: Budget::new(retry_budget),
            max_request_size,
            split_above,
            honours_keys,
            missing_methods: MissingMethods::default(),
        })
    }

    /// Warns once per process of a key that is sent over a network in clear text.
    fn warn_of_clear_text_key(&self, urls: &[ServerUrl]) {
        static WARNED: Once = Once::new();
        let has_service = self.has_own_service(urls[0].protocol);
        let uses_urls = !self.has_unix_socket() && !self.own.has_grpc_channel() && !has_service;
        let Some(url) = urls.iter().find(|url| !url.tls && !url.is_local()) else {
            return;
        };
        if self.has_credentials() && uses_urls {
            WARNED.call_once(|| {
                tracing::warn!(
                    url = url.to_string(),
                    "the API key or token is sent unencrypted to another host, where others on the network can read it; use an \
                     https or grpcs URL unless the network is your own"
                );
            });
        }
    }

    /// Returns the options of the transport to a URL.
    fn transport_config(&self, url: &ServerUrl) -> Result<TransportConfig, Error> {
        let user_agent = self.user_agent.as_deref().unwrap_or(DEFAULT_USER_AGENT);
        let proxy = self.proxy(url)?;
        let connects_itself = self.has_own_service(url.protocol);
        let proxy_has_tls = proxy
            .as_deref()
            .is_some_and(|proxy| proxy.starts_with("https:"));
        let needs_tls = (url.tls && !connects_itself) || proxy_has_tls;
        Ok(TransportConfig {
            headers: self.http_headers(url)?,
            credential_headers: self.credential_headers(url),
            user_agent: header_value("user_agent", user_agent)?,
            connect_timeout: Some(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT)),
            max_response_size: self.max_response_size,
            connections: self.connections.clone(),
            proxy,
            legacy_commands: self.legacy_commands,
            tls: Tls::new(&self.tls, needs_tls)?,
            url: url.clone(),
            names: Arc::clone(&self.names),
        })
    }

    /// Returns the form of the key in requests.
    fn key_scheme(&self, url: &ServerUrl) -> Scheme {
        if url.protocol == Protocol::Http && !self.legacy_commands {
            Scheme::XApiKey
        } else {
            Scheme::ApiKey
        }
    }

    /// Returns the headers that carry credentials.
    fn credential_headers(&self, url: &ServerUrl) -> Vec<HeaderName> {
        let key = self.api_key.is_some().then(|| self.key_scheme(url));
        let token = self.bearer_token.is_some().then_some(Scheme::Bearer);
        key.into_iter().chain(token).map(Scheme::name).collect()
    }

    /// Returns the proxy that looks up the host and connects to it, if there is one. Nobody else's proxy can reach this
    /// machine.
    fn proxy(&self, url: &ServerUrl) -> Result<Option<String>, Error> {
        let may_use_proxy = url.protocol == Protocol::Http
            && !url.is_local()
            && !self.connections.no_proxy
            && !self.has_unix_socket()
            && !self.own.has_http_client()
            && !self.has_own_service(url.protocol);
        let proxy = if may_use_proxy { proxy_for(url) } else { None };
        if let Some(proxy) = &proxy {
            check_proxy(proxy)?;
        }
        Ok(proxy)
    }

    /// Checks the headers of each call, and returns them.
    fn http_headers(&self, url: &ServerUrl) -> Result<HeaderMap, Error> {
        let rules = HeaderRules {
            protocol: url.protocol,
            credentials: self.credential_headers(url),
        };
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let (name, value) = rules.parse(name, text)?;
            headers.append(name, value);
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

impl NodeFactory for ClientBuilder {
    fn urls(&self, urls: &[String]) -> Result<Vec<ServerUrl>, Error> {
        if urls.is_empty() {
            return Err(Error::Config(
                "endpoints: there is no URL, and a client needs a node to call".to_owned(),
            ));
        }
        let parsed = urls.iter().map(|url| ServerUrl::parse(url));
        let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
        let own = ServerUrl::parse(&self.urls[0])?;
        check_scheme(&parsed[0], &own)?;
        self.check_nodes(&parsed)?;
        Ok(parsed)
    }

    fn transport(&self, url: &ServerUrl) -> Result<Transport, Error> {
        Transport::new(self.transport_config(url)?, self.own.clone())
    }
}

/// Checks that the feature that a proxy needs is on.
fn check_proxy(proxy: &str) -> Result<(), Error> {
    let feature = if proxy.starts_with("socks") && !HAS_SOCKS {
        "socks"
    } else if proxy.starts_with("https") && !HAS_TLS {
        "tls"
    } else {
        return Ok(());
    };
    Err(Error::Config(format!(
        "the proxy {proxy} of the environment or the system needs the feature `{feature}` of centrifugo-api, which is \
         off: add it in Cargo.toml, or connect without a proxy by no_proxy"
    )))
}
