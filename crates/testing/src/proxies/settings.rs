//! The settings of proxies: those of the code, and those of configurations.

use std::collections::HashMap;
use std::sync::Arc;

use centrifugo_api::Error;
use centrifugo_proxy::{EventKind, Handlers};
use http::{HeaderName, HeaderValue};
use tokio::runtime::Handle;

#[cfg(feature = "grpc")]
use super::network::GrpcBackend;
use super::network::HttpBackend;
use super::options::ProxyOptions;
use super::permissions::{ClientOptions, DEFAULT, Permission};
use super::proxy::{Backend, Proxy};
use super::{Methods, Proxies};

/// The settings of the code.
#[derive(Clone, Default)]
pub(crate) struct ProxySettings {
    pub(crate) backend: Option<CodeBackend>,
    pub(crate) options: Option<ProxyOptions>,
    pub(crate) rpc_namespaces: Vec<String>,
    pub(crate) allow_anonymous: Option<bool>,
}

/// The backend that the code sets.
#[derive(Clone)]
pub(crate) enum CodeBackend {
    Handlers(Handlers),
    Url { url: String, kinds: Vec<EventKind> },
}

/// The settings of configurations.
#[derive(Default)]
pub(crate) struct ConfiguredProxies {
    /// True if there is a configuration, which then decides what is asked.
    pub(crate) is_configured: bool,
    /// Those with the name `default`, as far as they are enabled.
    pub(crate) defaults: HashMap<EventKind, ConfiguredProxy>,
    pub(crate) named: HashMap<String, ConfiguredProxy>,
    /// The proxy of methods without a namespace.
    pub(crate) rpc_without_namespace: Option<String>,
    /// The proxies of methods, by namespace; `None` if none is asked.
    pub(crate) rpc_namespaces: HashMap<String, Option<String>>,
    pub(crate) allow_anonymous: bool,
}

/// A proxy of a configuration.
pub(crate) struct ConfiguredProxy {
    /// The path of its section, for messages.
    pub(crate) path: String,
    /// Empty if it is not set.
    pub(crate) endpoint: String,
    pub(crate) has_tls: bool,
    pub(crate) options: ProxyOptions,
}

impl CodeBackend {
    fn answers(&self, kind: EventKind) -> bool {
        match self {
            Self::Handlers(handlers) => handlers.kinds().any(|other| other == kind),
            Self::Url { kinds, .. } => kinds.contains(&kind),
        }
    }
}

impl ProxySettings {
    /// Returns the options of the clients of channels without a namespace, if no namespace is configured: clients may do
    /// everything, and all that the backend answers is asked.
    pub(crate) fn default_options(&self) -> ClientOptions {
        let backend = self.backend.as_ref();
        let proxy = |kind: EventKind| {
            let answers = backend.is_some_and(|backend| backend.answers(kind));
            answers.then(|| DEFAULT.to_owned())
        };
        ClientOptions {
            subscribe: Permission::ALL,
            publish: Permission::ALL,
            subscribe_proxy: proxy(EventKind::Subscribe),
            publish_proxy: proxy(EventKind::Publish),
            sub_refresh_proxy: proxy(EventKind::SubRefresh),
            ..ClientOptions::default()
        }
    }

    /// Returns the proxies of a server.
    pub(crate) fn build(
        self,
        configured: ConfiguredProxies,
        runtime: &Handle,
    ) -> Result<Proxies, Error> {
        if let Some(options) = &self.options {
            check_headers(options).map_err(|problem| config("proxy_options", &problem))?;
        }
        let backend = match &self.backend {
            Some(backend) => Some(self.code_backend(backend, runtime)?),
            None => None,
        };
        let kinds = EventKind::ALL.iter().copied();
        let kinds = kinds.filter(|kind| self.is_asked(*kind, &configured));
        let mut proxies = Proxies::new(runtime);
        for kind in kinds {
            let proxy = self.proxy(backend.as_ref(), configured.defaults.get(&kind), runtime)?;
            proxies.defaults.insert(kind, Arc::new(proxy));
        }
        for (name, configured) in &configured.named {
            let proxy = self.proxy(backend.as_ref(), Some(configured), runtime)?;
            proxies.named.insert(name.clone(), Arc::new(proxy));
        }
        proxies.allow_anonymous = self.allow_anonymous.unwrap_or(configured.allow_anonymous);
        proxies.methods = self.methods(configured);
        Ok(proxies)
    }

    /// Returns whether a backend is there for an event, by the proxy with the name `default`.
    fn is_asked(&self, kind: EventKind, configured: &ConfiguredProxies) -> bool {
        let is_of_connection = matches!(kind, EventKind::Connect | EventKind::Refresh);
        match &self.backend {
            // The namespaces decide whether other events are asked about.
            Some(_) if configured.is_configured && !is_of_connection => true,
            Some(backend) if !configured.is_configured => backend.answers(kind),
            _ => configured.defaults.contains_key(&kind),
        }
    }

    fn methods(&self, configured: ConfiguredProxies) -> Methods {
        let default = Some(DEFAULT.to_owned());
        let answers = |backend: &CodeBackend| backend.answers(EventKind::Rpc);
        let is_answered = self.backend.as_ref().is_some_and(answers);
        let mut methods = Methods {
            without_namespace: configured.rpc_without_namespace,
            namespaces: configured.rpc_namespaces,
        };
        if !configured.is_configured && is_answered {
            methods.without_namespace.clone_from(&default);
        }
        for name in &self.rpc_namespaces {
            methods.namespaces.insert(name.clone(), default.clone());
        }
        methods
    }

    fn code_backend(&self, backend: &CodeBackend, runtime: &Handle) -> Result<Backend, Error> {
        match backend {
            CodeBackend::Handlers(handlers) => Ok(Backend::Handlers(handlers.clone())),
            CodeBackend::Url { url, .. } => {
                let backend = match url.starts_with("http://") {
                    true => HttpBackend::below(url).map(Backend::Http),
                    false => grpc(url, runtime),
                };
                backend.map_err(|problem| config("proxy_url", &problem))
            }
        }
    }

    fn proxy(
        &self,
        backend: Option<&Backend>,
        configured: Option<&ConfiguredProxy>,
        runtime: &Handle,
    ) -> Result<Proxy, Error> {
        let options = self.options.clone();
        let options = options.or_else(|| configured.map(|proxy| proxy.options.clone()));
        let options = options.unwrap_or_default();
        let backend = match (backend, configured) {
            (Some(backend), _) => backend.clone(),
            (None, Some(configured)) => {
                check_headers(&options).map_err(|problem| config(&configured.path, &problem))?;
                configured.backend(runtime)
            }
            (None, None) => Backend::Unusable("no backend is set".to_owned()),
        };
        Ok(Proxy { options, backend })
    }
}

impl ConfiguredProxy {
    fn backend(&self, runtime: &Handle) -> Backend {
        let endpoint = self.endpoint.as_str();
        let backend = if endpoint.is_empty() {
            Err("it is not set".to_owned())
        } else if self.has_tls || endpoint.starts_with("https://") {
            Err("the embedded server uses no TLS".to_owned())
        } else if endpoint.starts_with("http://") {
            HttpBackend::at(endpoint).map(Backend::Http)
        } else {
            grpc(endpoint, runtime)
        };
        backend.unwrap_or_else(|problem| {
            Backend::Unusable(format!(
                "{}.endpoint: {problem}; call ServerBuilder::proxy with handlers, or proxy_url",
                self.path
            ))
        })
    }
}

#[cfg(feature = "grpc")]
fn grpc(url: &str, runtime: &Handle) -> Result<Backend, String> {
    GrpcBackend::at(url, runtime).map(Backend::Grpc)
}

#[cfg(not(feature = "grpc"))]
fn grpc(url: &str, _: &Handle) -> Result<Backend, String> {
    Err(format!(
        "`{url}` does not begin with http://, and for gRPC the feature `grpc` of centrifugo-api-testing is missing"
    ))
}

fn check_headers(options: &ProxyOptions) -> Result<(), String> {
    for (name, value) in &options.static_headers {
        let is_name = HeaderName::try_from(name).is_ok();
        // The value may be a secret.
        if !is_name || HeaderValue::try_from(value).is_err() {
            return Err(format!("the static header `{name}` cannot be sent"));
        }
    }
    Ok(())
}

fn config(option: &str, problem: &str) -> Error {
    Error::Config(format!("{option}: {problem}"))
}
