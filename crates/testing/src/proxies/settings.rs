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
    fn build(&self, runtime: &Handle) -> Backend {
        let url = match self {
            Self::Handlers(handlers) => return Backend::Handlers(handlers.clone()),
            Self::Url { url, .. } => url,
        };
        let backend = if url.starts_with("http://") {
            HttpBackend::below(url).map(http)
        } else {
            grpc(url, runtime)
        };
        backend.unwrap_or_else(Backend::Unusable)
    }

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

    /// Checks what the code sets, before the server starts.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(options) = &self.options {
            check_headers(options).map_err(|problem| config("proxy_options", &problem))?;
        }
        if let Some(CodeBackend::Url { url, kinds }) = &self.backend {
            check_url(url, kinds).map_err(|problem| config("proxy_url", &problem))?;
        }
        Ok(())
    }

    /// Returns the proxies of a server, whose settings are checked.
    pub(crate) fn build(self, configured: ConfiguredProxies, runtime: &Handle) -> Proxies {
        let backend = self.backend.as_ref().map(|backend| backend.build(runtime));
        let backend = backend.as_ref();
        let kinds = EventKind::ALL.iter().copied();
        let kinds = kinds.filter(|kind| self.is_asked(*kind, &configured));
        let mut proxies = Proxies::new(runtime);
        for kind in kinds {
            let proxy = self.proxy(backend, configured.defaults.get(&kind), runtime);
            proxies.defaults.insert(kind, Arc::new(proxy));
        }
        for (name, configured) in &configured.named {
            let proxy = self.proxy(backend, Some(configured), runtime);
            proxies.named.insert(name.clone(), Arc::new(proxy));
        }
        proxies.allow_anonymous = self.allow_anonymous.unwrap_or(configured.allow_anonymous);
        proxies.methods = self.methods(configured);
        proxies
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

    fn proxy(
        &self,
        backend: Option<&Backend>,
        configured: Option<&ConfiguredProxy>,
        runtime: &Handle,
    ) -> Proxy {
        let options = self.options.clone();
        let options = options.or_else(|| configured.map(|proxy| proxy.options.clone()));
        let backend = match (backend, configured) {
            (Some(backend), _) => backend.clone(),
            (None, Some(configured)) => configured.backend(runtime),
            (None, None) => Backend::Unusable("no backend is set".to_owned()),
        };
        Proxy {
            options: options.unwrap_or_default(),
            backend,
        }
    }
}

impl ConfiguredProxy {
    fn backend(&self, runtime: &Handle) -> Backend {
        let endpoint = self.endpoint.as_str();
        let backend = if let Err(problem) = check_headers(&self.options) {
            Err(problem)
        } else if endpoint.is_empty() {
            Err("it is not set".to_owned())
        } else if self.has_tls || endpoint.starts_with("https://") {
            Err("the embedded server uses no TLS".to_owned())
        } else if endpoint.starts_with("http://") {
            HttpBackend::at(endpoint).map(http)
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

fn http(backend: HttpBackend) -> Backend {
    Backend::Http(Box::new(backend))
}

/// Checks the URL of a backend for events of these kinds.
fn check_url(url: &str, kinds: &[EventKind]) -> Result<(), String> {
    if url.starts_with("http://") {
        if let Some(kind) = kinds.iter().find(|kind| kind.is_stream()) {
            return Err(format!(
                "`{kind}` is a stream, and streams exist only over gRPC: give an address such as grpc://127.0.0.1:4000"
            ));
        }
        if url.contains('?') {
            return Err(format!(
                "`{url}` has a query: leave it out, since the names of events are added to the path"
            ));
        }
        HttpBackend::below(url).map(drop)
    } else if url.starts_with("https://") || url.starts_with("grpcs://") {
        Err("the embedded server uses no TLS: serve the backend at http:// or grpc://".to_owned())
    } else if url.contains("://") && !url.starts_with("grpc://") {
        Err(format!("`{url}` begins with neither http:// nor grpc://"))
    } else {
        check_address(url)
    }
}

#[cfg(feature = "grpc")]
fn check_address(url: &str) -> Result<(), String> {
    GrpcBackend::check(url)
}

#[cfg(not(feature = "grpc"))]
fn check_address(url: &str) -> Result<(), String> {
    Err(format!(
        "`{url}` does not begin with http://, and for gRPC the feature `grpc` of centrifugo-api-testing is missing"
    ))
}

#[cfg(feature = "grpc")]
fn grpc(url: &str, runtime: &Handle) -> Result<Backend, String> {
    GrpcBackend::at(url, runtime).map(Backend::Grpc)
}

#[cfg(not(feature = "grpc"))]
fn grpc(url: &str, _: &Handle) -> Result<Backend, String> {
    check_address(url).map(|()| Backend::Unusable(String::new()))
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
