//! Centrifugo's own configuration: the parts of it that the embedded server supports.

mod duration;
mod namespaces;
#[cfg(feature = "proxy")]
mod proxies;
mod section;
#[cfg(feature = "_token")]
mod tokens;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use self::section::Section;
use crate::builder::ServerBuilder;
use crate::namespace::Namespace;
use crate::wire::ServerConfig;

type Object = Map<String, Value>;

/// The variables of an environment, by name.
type Environment = BTreeMap<String, String>;

/// A mistake in the configuration, with the path of the option.
type Problem = String;

/// The beginning of the names of Centrifugo's variables.
const VARIABLE_PREFIX: &str = "CENTRIFUGO";

/// # Centrifugo's own configuration
impl ServerBuilder {
    /// Applies a configuration of Centrifugo v6 in JSON, so that tests have the namespaces of
    /// production.
    ///
    /// The server reads `channel` with its `namespaces` and `without_namespace`, and the options
    /// `key`, `error_mode`, `handler_prefix`, `insecure` and `max_receive_message_size` of
    /// `http_api` and `grpc_api`. With the feature `token` it reads the keys, audience, issuer and user claim of
    /// `client.token` and `client.subscription_token` too. With the feature `proxy` it reads
    /// `client.allow_anonymous_connect_without_token`, what namespaces allow to clients that subscribe or publish, and the
    /// proxies: `client.proxy`, `channel.proxy`, `rpc`, `proxies`, but for TLS, compression and `grpc_metadata`. It ignores
    /// all other options.
    ///
    /// Without `http_api.key`, which production may take from its environment, the key for HTTP is
    /// `secret` or the one that is set in code. Without `grpc_api.key` the server accepts every
    /// call over gRPC, as Centrifugo does.
    pub fn configuration(mut self, json: &str) -> Self {
        let parsed = serde_json::from_str(json).map_err(|error| {
            format!(
                "it is not a JSON object: {error}; for YAML or TOML, pass what their parsers return to \
                 configuration_value"
            )
        });
        self.sources.configurations.push(parsed);
        self
    }

    /// Applies a configuration of Centrifugo v6 that was parsed from any format, as
    /// [`configuration`](Self::configuration) does.
    ///
    /// A parser returns such a value for YAML or TOML, for example
    /// `toml::from_str::<toml::Table>(text)?`.
    pub fn configuration_value(mut self, value: impl Serialize) -> Self {
        let parsed = match serde_json::to_value(value) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("the value is not an object".to_owned()),
            Err(error) => Err(format!("the value cannot be read: {error}")),
        };
        self.sources.configurations.push(parsed);
        self
    }

    /// Applies an environment as Centrifugo does: a variable such as `CENTRIFUGO_HTTP_API_KEY` or
    /// `CENTRIFUGO_CHANNEL_NAMESPACES` wins over the option `http_api.key` or `channel.namespaces`
    /// of a configuration.
    ///
    /// `std::env::vars()` is the environment of the test itself. The server does not read that
    /// unasked.
    ///
    /// ```
    /// use centrifugo_api_testing::Server;
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let server = Server::builder()
    ///     .configuration(r#"{"channel": {"without_namespace": {"presence": true}}}"#)
    ///     .environment([("CENTRIFUGO_HTTP_API_KEY", "key")])
    ///     .start()?;
    /// assert_eq!(server.api_key(), "key");
    /// # Ok(()) }
    /// ```
    pub fn environment<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        for (name, value) in variables {
            let name = name.into();
            let value = value.into();
            // As in Centrifugo, an empty variable is an unset one.
            if name.starts_with(VARIABLE_PREFIX) && !value.is_empty() {
                self.sources.environment.insert(name, value);
            }
        }
        self
    }
}

/// The configurations and the environment of a server.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    configurations: Vec<Result<Object, Problem>>,
    environment: Environment,
}

/// The options that configurations and the environment set.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) config: ServerConfig,
    /// The namespaces of each configuration.
    pub(crate) namespaces: Vec<Vec<Namespace>>,
    #[cfg(feature = "_token")]
    pub(crate) tokens: crate::tokens::Tokens,
    #[cfg(feature = "proxy")]
    pub(crate) proxies: crate::proxies::ConfiguredProxies,
}

impl Sources {
    pub(crate) fn read(self) -> Result<Settings, Problem> {
        let mut configurations = self.configurations;
        // As Centrifugo, the server needs no file if there is an environment.
        if configurations.is_empty() && !self.environment.is_empty() {
            configurations.push(Ok(Object::new()));
        }
        let mut settings = Settings::default();
        for configuration in configurations {
            let root = configuration?;
            let root = Section::root(&root, &self.environment);
            read_config(&mut settings.config, &root)?;
            #[cfg(feature = "_token")]
            {
                settings.tokens = tokens::read(&root)?.or(settings.tokens);
            }
            #[cfg(feature = "proxy")]
            proxies::read(&root, &mut settings.proxies)?;
            settings
                .namespaces
                .push(namespaces::read(&root.section("channel")?)?);
        }
        Ok(settings)
    }
}

fn read_config(config: &mut ServerConfig, root: &Section<'_>) -> Result<(), Problem> {
    let http = root.section("http_api")?;
    let grpc = root.section("grpc_api")?;
    if http.flag("insecure")? {
        config.http_key = None;
    } else if let Some(key) = http.non_empty_text("key")? {
        config.http_key = Some(key);
    }
    config.grpc_key = grpc.non_empty_text("key")?;
    config.http_error_mode_transport = is_error_mode_transport(&http)?;
    config.grpc_error_mode_transport = is_error_mode_transport(&grpc)?;
    config.prefix = prefix(&http)?;
    let max_size = grpc.number("max_receive_message_size")?;
    if max_size > 0 {
        config.max_receive_message_size = usize::try_from(max_size).unwrap_or(usize::MAX);
    }
    Ok(())
}

/// Reads the path of the HTTP API, without a slash at its end.
fn prefix(http: &Section<'_>) -> Result<String, Problem> {
    let prefix = http
        .text("handler_prefix")?
        .unwrap_or_else(|| "/api".to_owned());
    let begins_with_slash = prefix.starts_with('/') || prefix.is_empty();
    let has_valid_bytes = prefix
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
    if begins_with_slash && has_valid_bytes && !prefix.contains("//") {
        Ok(prefix.trim_end_matches('/').to_owned())
    } else {
        Err(format!(
            "{}: `{prefix}` is not a valid path: begin it with `/`, and use letters, digits, `-`, \
             `.`, `_` and `~`",
            http.name("handler_prefix")
        ))
    }
}

/// Reads `error_mode`: whether errors are reported as HTTP statuses or gRPC codes.
fn is_error_mode_transport(api: &Section<'_>) -> Result<bool, Problem> {
    match api.text("error_mode")?.as_deref() {
        None | Some("") => Ok(false),
        Some("transport") => Ok(true),
        Some(mode) => Err(format!(
            "{}: `{mode}` is not a valid mode: leave it out, or set it to `transport`",
            api.name("error_mode")
        )),
    }
}
