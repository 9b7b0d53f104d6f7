use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::Error;
use crate::client::Client;
use crate::target::{Protocol, Target};
use crate::transport::{Settings, Transport};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_RESPONSE_SIZE: usize = 64 * 1024 * 1024;
const DEFAULT_USER_AGENT: &str = concat!("centrifugo-api-rust/", env!("CARGO_PKG_VERSION"));

/// Headers that the transports set themselves.
const OWN_HEADERS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "grpc-timeout",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// Configures a [`Client`]; every mistake is found in [`build`](Self::build).
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api::Client;
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let client = Client::builder("http://localhost:8000/api")
///     .api_key("secret")
///     .timeout(Duration::from_secs(3))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ClientBuilder {
    url: String,
    api_key: Option<String>,
    timeout: Duration,
    connect_timeout: Option<Duration>,
    headers: Vec<(String, String)>,
    user_agent: Option<String>,
    max_response_size: usize,
    error_mode_transport: bool,
    #[cfg(feature = "http")]
    legacy_commands: bool,
    #[cfg(feature = "tls")]
    tls: crate::tls::Options,
    #[cfg(feature = "http")]
    http_client: Option<reqwest::Client>,
    #[cfg(feature = "grpc")]
    grpc_channel: Option<tonic::transport::Channel>,
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            api_key: None,
            timeout: DEFAULT_TIMEOUT,
            connect_timeout: None,
            headers: Vec::new(),
            user_agent: None,
            max_response_size: DEFAULT_MAX_RESPONSE_SIZE,
            error_mode_transport: false,
            #[cfg(feature = "http")]
            legacy_commands: false,
            #[cfg(feature = "tls")]
            tls: crate::tls::Options::default(),
            #[cfg(feature = "http")]
            http_client: None,
            #[cfg(feature = "grpc")]
            grpc_channel: None,
        }
    }

    /// Sets the API key: the server's `http_api.key`, or `grpc_api.key` over gRPC, which are two keys.
    ///
    /// It travels in `X-API-Key` over HTTP and in the `authorization` metadata over gRPC. Without one the client
    /// sends none, for a server without keys.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Bounds a whole call, connecting and reading the reply included. 10 s by default.
    ///
    /// Centrifugo 6.5 and later cut an HTTP call after 10 s themselves, whatever is set here.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds connecting. By default only [`timeout`](Self::timeout) does.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Adds a header (over gRPC: metadata) to each call, for what stands before Centrifugo.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the `User-Agent`, by default the name and version of this crate. gRPC adds its own behind it.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Bounds a reply, in bytes: a larger one is [`Error::Decode`] and is not read to its end. 64 MiB by default.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = bytes;
        self
    }

    /// Asks the server to answer errors as HTTP statuses or gRPC codes, which proxies and meters understand
    /// (Centrifugo v5.1 and later). Callers see the same [`Error::Api`] either way.
    pub fn error_mode_transport(mut self) -> Self {
        self.error_mode_transport = true;
        self
    }

    /// Sends each call and each batch as command lines to the base URL, for Centrifugo v2 to v4.1.2, which have no
    /// other endpoint. Centrifugo v6 still has it, as `/api`.
    ///
    /// The key travels in `Authorization: apikey …`. The commands of a batch run one after another, in
    /// [`Parallel`](crate::Parallel) too.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn legacy_commands(mut self) -> Self {
        self.legacy_commands = true;
        self
    }

    /// Trusts the certificate authorities in `pem`, one or more, in addition to those that the system trusts.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.roots.push(pem.as_ref().to_vec());
        self
    }

    /// Shows the server a client certificate (mutual TLS): `pem` holds the certificate, what it needs of its
    /// chain, and its private key.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn identity(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.identity = Some(pem.as_ref().to_vec());
        self
    }

    /// Takes any certificate of the server. Whoever is on the network path can then read the key and the data.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn danger_accept_invalid_certs(mut self) -> Self {
        self.tls.accept_invalid_certs = true;
        self
    }

    /// Sends the calls with a [`reqwest::Client`] of one's own, for what this builder does not offer.
    ///
    /// Its own configuration holds for connecting and TLS. It should follow no redirects, and drop idle
    /// connections before the server's 30 s (`pool_idle_timeout`). Where `reqwest::Client::new` panics for want of a
    /// TLS provider, give reqwest one of its TLS features, or install a provider of rustls.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Sends the calls over a [`tonic::transport::Channel`] of one's own, for what this builder does not offer.
    ///
    /// The URL then only picks the transport. A channel belongs to the runtime in which it was made.
    #[cfg(feature = "grpc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
    pub fn grpc_channel(mut self, channel: tonic::transport::Channel) -> Self {
        self.grpc_channel = Some(channel);
        self
    }

    /// Builds the client, without touching the network. Needs no runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option and the fix.
    pub fn build(self) -> Result<Client, Error> {
        let target = Target::parse(&self.url)?;
        self.check_times_and_sizes()?;
        self.check_feature(&target)?;
        self.check_own_connections(&target)?;
        #[cfg(feature = "tls")]
        self.check_tls(&target)?;
        let settings = Settings {
            headers: self.headers(&target)?,
            user_agent: value("user_agent", self.user_agent.as_deref().unwrap_or(DEFAULT_USER_AGENT))?,
            connect_timeout: self.connect_timeout,
            max_response_size: self.max_response_size,
            #[cfg(feature = "http")]
            legacy_commands: self.legacy_commands,
            #[cfg(feature = "tls")]
            tls: crate::tls::client_config(&self.tls, target.tls)?,
            target,
        };
        let timeout = self.timeout;
        Ok(Client::from_parts(self.transport(settings)?, timeout))
    }

    /// Builds a client whose calls block, as [`build`](Self::build) does one for async code.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option and the fix.
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn build_blocking(self) -> Result<crate::blocking::Client, Error> {
        crate::blocking::Client::from_async(self.build()?)
    }

    fn transport(self, settings: Settings) -> Result<Transport, Error> {
        match settings.target.protocol {
            #[cfg(feature = "http")]
            Protocol::Http => Transport::http(settings, self.http_client),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => Transport::grpc(settings, self.grpc_channel),
            #[cfg(not(all(feature = "http", feature = "grpc")))]
            _ => Err(config("url: its transport is not compiled in")),
        }
    }

    fn check_times_and_sizes(&self) -> Result<(), Error> {
        if self.timeout.is_zero() {
            return Err(config("timeout is zero: no call could ever succeed; give a time, such as 10 s"));
        }
        if self.connect_timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(config("connect_timeout is zero: leave it out, or give a time"));
        }
        if self.max_response_size == 0 {
            return Err(config("max_response_size is zero: no reply could be read; give a number of bytes"));
        }
        Ok(())
    }

    fn check_feature(&self, target: &Target) -> Result<(), Error> {
        let (compiled, feature) = match target.protocol {
            Protocol::Http => (cfg!(feature = "http"), "http"),
            Protocol::Grpc => (cfg!(feature = "grpc"), "grpc"),
        };
        for (missing, feature) in [(!compiled, feature), (target.tls && !cfg!(feature = "tls"), "tls")] {
            if missing {
                return Err(Error::Config(format!(
                    "url `{}`: it needs the feature `{feature}` of centrifugo-api, which is off; add it in Cargo.toml",
                    target.url()
                )));
            }
        }
        Ok(())
    }

    fn check_own_connections(&self, target: &Target) -> Result<(), Error> {
        let (http_client, grpc_channel) = (self.has_http_client(), self.has_grpc_channel());
        if http_client && target.protocol == Protocol::Grpc {
            return Err(config("http_client goes with an http or https URL; for gRPC there is grpc_channel"));
        }
        if self.has_legacy_commands() && target.protocol == Protocol::Grpc {
            return Err(config("legacy_commands goes with an http or https URL: gRPC has no such endpoint"));
        }
        if grpc_channel && target.protocol == Protocol::Http {
            return Err(config("grpc_channel goes with a grpc or grpcs URL; for HTTP there is http_client"));
        }
        if !http_client && !grpc_channel {
            return Ok(());
        }
        let own = if http_client { "http_client" } else { "grpc_channel" };
        let set =
            [("connect_timeout", self.connect_timeout.is_some()), ("user_agent", self.user_agent.is_some())];
        match set.iter().find(|(_, is_set)| *is_set) {
            Some((option, _)) => {
                Err(Error::Config(format!("{option} has no effect with {own}: set it there")))
            }
            None => self.check_own_tls(own),
        }
    }

    #[cfg(feature = "tls")]
    fn check_own_tls(&self, own: &str) -> Result<(), Error> {
        match self.tls.first_set() {
            Some(option) => Err(Error::Config(format!("{option} has no effect with {own}: set it there"))),
            None => Ok(()),
        }
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self)]
    fn check_own_tls(&self, _own: &str) -> Result<(), Error> {
        Ok(())
    }

    #[cfg(feature = "tls")]
    fn check_tls(&self, target: &Target) -> Result<(), Error> {
        match self.tls.first_set() {
            Some(option) if !target.tls => Err(Error::Config(format!(
                "{option} has no effect without TLS: use an https or grpcs URL in place of {}, or leave it out",
                target.url()
            ))),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "http")]
    fn has_legacy_commands(&self) -> bool {
        self.legacy_commands
    }

    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self)]
    fn has_legacy_commands(&self) -> bool {
        false
    }

    #[cfg(feature = "http")]
    fn has_http_client(&self) -> bool {
        self.http_client.is_some()
    }

    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self)]
    fn has_http_client(&self) -> bool {
        false
    }

    #[cfg(feature = "grpc")]
    fn has_grpc_channel(&self) -> bool {
        self.grpc_channel.is_some()
    }

    #[cfg(not(feature = "grpc"))]
    #[allow(clippy::unused_self)]
    fn has_grpc_channel(&self) -> bool {
        false
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
        if let Some(key) = &self.api_key {
            let (name, value) =
                key_header(key, target.protocol == Protocol::Http && !self.has_legacy_commands())?;
            headers.insert(name, value);
        }
        if self.error_mode_transport {
            headers.insert("x-centrifugo-error-mode", HeaderValue::from_static("transport"));
        }
        Ok(headers)
    }

    fn check_header(&self, name: &HeaderName, target: &Target) -> Result<(), Error> {
        let key_header = match (target.protocol, self.has_legacy_commands()) {
            (Protocol::Http, false) => "x-api-key",
            _ => "authorization",
        };
        if self.api_key.is_some() && name.as_str() == key_header {
            return Err(Error::Config(format!(
                "header `{name}` is where api_key goes: leave out one of the two"
            )));
        }
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(Error::Config(format!("header `{name}` is set by the client itself: leave it out")));
        }
        if target.protocol == Protocol::Grpc && name.as_str().ends_with("-bin") {
            return Err(Error::Config(format!(
                "header `{name}`: binary metadata is not supported: use another name"
            )));
        }
        Ok(())
    }
}

/// The header that carries the key: one of its own, or `Authorization`.
fn key_header(key: &str, own: bool) -> Result<(HeaderName, HeaderValue), Error> {
    if key.trim().is_empty() {
        return Err(config(
            "api_key is empty: give the server's key, or leave api_key out for a server without one",
        ));
    }
    if key.trim() != key {
        return Err(config("api_key starts or ends with white space: a line end read from a file?"));
    }
    let (name, text) = match own {
        true => (HeaderName::from_static("x-api-key"), key.to_owned()),
        false => (AUTHORIZATION, format!("apikey {key}")),
    };
    let mut value = value("api_key", &text)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Centrifugo compares bytes; what is not visible ASCII does not survive every proxy, and gRPC refuses it.
fn value(option: &str, text: &str) -> Result<HeaderValue, Error> {
    let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match HeaderValue::from_str(text) {
        Ok(value) if visible => Ok(value),
        _ => Err(Error::Config(format!(
            "{option} has characters that a header cannot carry: it takes visible ASCII characters and spaces"
        ))),
    }
}

fn config(message: &str) -> Error {
    Error::Config(message.to_owned())
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("ClientBuilder")
            .field("url", &Target::parse(&self.url).map(|target| target.url()))
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("timeout", &self.timeout)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
