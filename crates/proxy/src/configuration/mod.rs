//! The configuration that Centrifugo needs to call the handlers.

mod channel;
mod endpoint;
mod names;
mod parts;
mod print;
mod proxies;
mod section;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::time::Duration;

pub use channel::ChannelOptions;

use crate::error::Error;
use crate::handlers::Handlers;
use proxies::Settings;

/// The sections of the configuration of Centrifugo v6 that fit the handlers: `client.proxy`, `channel.proxy`, `rpc`, and the
/// options of namespaces.
///
/// ```
/// use centrifugo_proxy::{
///     Caller, ConnectReply, EventKind, Handlers, ProxyConfiguration, PublishReply, RpcReply, SubscribeReply,
/// };
///
/// # fn main() -> Result<(), centrifugo_proxy::Error> {
/// let handlers = Handlers::new(Caller::with_secret("s3cret")?)
///     .connect(|_| async { Ok(ConnectReply::user("42")) })
///     .subscribe(|_| async { Ok(SubscribeReply::allow()) })
///     .publish(|_| async { Ok(PublishReply::allow()) })
///     .rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
///
/// let configuration = ProxyConfiguration::new(&handlers)
///     .http("http://backend:3000/centrifugo")
///     .http_headers(["cookie"])
///     .namespace("chat", [EventKind::Subscribe, EventKind::Publish])
///     .rpc_namespace("shop");
/// println!("{}", configuration.to_yaml()?); // or to_json, to_environment
/// # assert!(configuration.to_yaml()?.starts_with("client:\n  proxy:\n    connect:\n      enabled: true\n"));
/// # Ok(()) }
/// ```
///
/// A handler that nobody calls, an event without a handler, a stream without gRPC and the like are errors when the
/// configuration is printed, so a unit test that prints it finds them. Other options of namespaces are in
/// [`ChannelOptions`]; [`merge`](Self::merge) adds the rest of Centrifugo's configuration.
///
/// The newest secret of [`Caller`](crate::Caller) is printed with each proxy, since Centrifugo must send it; `Debug` does
/// not show it. See [`secret_from_variable`](Self::secret_from_variable) for a configuration without secrets.
///
/// All options were checked with Centrifugo 6.9.1, but for those of the events of Centrifugo PRO, which follow its
/// documentation.
#[derive(Clone)]
#[must_use = "print it"]
pub struct ProxyConfiguration {
    handlers: Handlers,
    settings: Settings,
    /// By namespace; `None` for channels without one.
    channels: Vec<(Option<String>, ChannelOptions)>,
    /// The namespaces of methods; `None` for methods without one.
    methods: Vec<Option<String>>,
    shared_poll_secret: Option<String>,
    /// Other parts of Centrifugo's configuration, as JSON.
    others: Vec<String>,
}

impl ProxyConfiguration {
    /// Creates a configuration for these handlers. It needs an endpoint, and a namespace for each event of channels or methods.
    pub fn new(handlers: &Handlers) -> Self {
        Self {
            handlers: handlers.clone(),
            settings: Settings::default(),
            channels: Vec::new(),
            methods: Vec::new(),
            shared_poll_secret: None,
            others: Vec::new(),
        }
    }

    /// Sets the URL below which `Handlers::http` is served, such as `http://backend:3000/centrifugo`; `https://` too.
    ///
    /// All events but streams go there. Centrifugo adds the [name](crate::EventKind::name) of the event, as in `/centrifugo/connect`.
    pub fn http(mut self, url: impl Into<String>) -> Self {
        self.settings.http = Some(url.into());
        self
    }

    /// Sets the address at which `Handlers::grpc` is served: `grpc://backend:4000`, or `grpcs://` for TLS.
    ///
    /// Streams go there, and all other events if there is no HTTP endpoint.
    pub fn grpc(mut self, url: impl Into<String>) -> Self {
        self.settings.grpc = Some(url.into());
        self
    }

    /// Sets the authority that signed the certificate of the backend; by default Centrifugo trusts those of its system.
    ///
    /// This is PEM, or the path of a file on Centrifugo's machine, as for the other certificate. They are of the encrypted
    /// endpoints: `https://` and `grpcs://`.
    pub fn server_ca(mut self, certificate: impl Into<String>) -> Self {
        self.settings.tls.server_ca = Some(certificate.into());
        self
    }

    /// Sets the name that the certificate of the backend has, if it is not the host of the endpoint.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.settings.tls.server_name = Some(name.into());
        self
    }

    /// Sets the certificate by which Centrifugo shows who it is, and its key: see [`Caller`](crate::Caller).
    ///
    /// A key that is given as PEM is printed: prefer the path of its file.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.settings.tls.client_certificate = Some(certificate.into());
        self.settings.tls.client_key = Some(key.into());
        self
    }

    /// Adds a namespace of channels, with the events that Centrifugo asks the backend about: an array of kinds, or
    /// [`ChannelOptions`].
    pub fn namespace(
        mut self,
        name: impl Into<String>,
        options: impl Into<ChannelOptions>,
    ) -> Self {
        self.channels.push((Some(name.into()), options.into()));
        self
    }

    /// Sets the events of channels without a namespace, as [`namespace`](Self::namespace) does for others.
    pub fn without_namespace(mut self, options: impl Into<ChannelOptions>) -> Self {
        self.channels.push((None, options.into()));
        self
    }

    /// Adds a namespace of methods that are called: `shop` for `shop:order`.
    pub fn rpc_namespace(mut self, name: impl Into<String>) -> Self {
        self.methods.push(Some(name.into()));
        self
    }

    /// Lets clients call methods without a namespace.
    pub fn rpc_without_namespace(mut self) -> Self {
        self.methods.push(None);
        self
    }

    /// Adds headers of the client's connection that are forwarded to the handlers, such as `cookie`.
    ///
    /// Those that belong to one connection or message, such as `connection`, `host` and `accept-encoding`, are errors.
    pub fn http_headers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(Into::into);
        self.settings.http_headers.extend(names);
        self
    }

    /// Adds headers that clients emulate, as browsers do over WebSocket. Since Centrifugo 6.9; `http_headers` of older
    /// releases has them too.
    ///
    /// Each client says in them what it likes.
    pub fn emulated_headers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(Into::into);
        self.settings.emulated_headers.extend(names);
        self
    }

    /// Adds keys of the metadata of clients that use gRPC.
    pub fn grpc_metadata<S: Into<String>>(mut self, keys: impl IntoIterator<Item = S>) -> Self {
        let keys = keys.into_iter().map(Into::into);
        self.settings.grpc_metadata.extend(keys);
        self
    }

    /// Sets how long Centrifugo waits for an answer; 1 s by default. It must be longer than [`Handlers::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Sets whether payloads are sent as base64, which they must be if they are not JSON.
    pub fn binary_encoding(mut self, is_enabled: bool) -> Self {
        self.settings.binary_encoding = is_enabled;
        self
    }

    /// Sets whether the `meta` of connections is sent.
    pub fn include_connection_meta(mut self, is_enabled: bool) -> Self {
        self.settings.include_connection_meta = is_enabled;
        self
    }

    /// Lets Centrifugo take the secret from a variable of its environment, whose name begins with `CENTRIFUGO_VAR_`.
    ///
    /// Then only that of shared polls is printed, and the key of a certificate if it is not a path. Set the variable for Centrifugo, which does not start without it.
    pub fn secret_from_variable(mut self, variable: impl Into<String>) -> Self {
        self.settings.secret_variable = Some(variable.into());
        self
    }

    /// Sets the secret by which keys of shared polls are signed (`shared_poll.hmac_secret_key`), without which Centrifugo has
    /// no shared polls.
    pub fn shared_poll_secret(mut self, secret: impl Into<String>) -> Self {
        self.shared_poll_secret = Some(secret.into());
        self
    }

    /// Adds another part of Centrifugo's configuration, a JSON object, so that one file has everything: what
    /// `TokenConfiguration` of `centrifugo-token` and `Outbox::consumer` of `centrifugo-postgres` print, and options of your own.
    ///
    /// Sections are joined, those of lists by their `name`: further options of a namespace, more namespaces, `consumers`. An
    /// option that is set twice is an error when the configuration is printed. Only Centrifugo knows whether there is such an option:
    /// `centrifugo checkconfig --strict` tells.
    ///
    /// ```
    /// # use centrifugo_proxy::{Caller, ConnectReply, Handlers, ProxyConfiguration};
    /// # fn main() -> Result<(), centrifugo_proxy::Error> {
    /// # let handlers = Handlers::new(Caller::anyone()).connect(|_| async { Ok(ConnectReply::user("42")) });
    /// let configuration = ProxyConfiguration::new(&handlers)
    ///     .http("http://backend:3000/centrifugo")
    ///     .merge(r#"{"client": {"allowed_origins": ["https://example.com"]}}"#);
    /// # assert!(configuration.to_yaml()?.contains("  allowed_origins: [\"https://example.com\"]\n"));
    /// # Ok(()) }
    /// ```
    pub fn merge(mut self, json: impl Into<String>) -> Self {
        self.others.push(json.into());
        self
    }

    /// Returns the configuration as JSON.
    ///
    /// # Errors
    ///
    /// [`Error`] if something does not fit, with the fix: an endpoint, a name, the timeout, a handler that nobody calls, an
    /// event without a handler, events that Centrifugo does not allow together, or a part that cannot be merged.
    pub fn to_json(&self) -> Result<String, Error> {
        let json = serde_json::to_string_pretty(&self.section()?);
        json.map_err(|error| {
            Error::new(format!(
                "the configuration cannot be written as JSON: {error}"
            ))
        })
    }

    /// Returns the configuration as YAML.
    ///
    /// # Errors
    ///
    /// As [`to_json`](Self::to_json).
    pub fn to_yaml(&self) -> Result<String, Error> {
        Ok(print::yaml(&self.section()?))
    }

    /// Returns the configuration as variables of Centrifugo's environment, such as `CENTRIFUGO_RPC_PROXY_ENDPOINT`.
    ///
    /// # Errors
    ///
    /// As [`to_json`](Self::to_json).
    pub fn to_environment(&self) -> Result<Vec<(String, String)>, Error> {
        Ok(print::environment(&self.section()?))
    }
}

/// Shows neither URLs, which may have passwords, nor secrets.
impl fmt::Debug for ProxyConfiguration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProxyConfiguration")
            .field("handlers", &self.handlers)
            .field("settings", &self.settings)
            .field("channels", &self.channels)
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}
