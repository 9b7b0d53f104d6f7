//! Settings of a client from configuration files and from the environment.

mod deserialize;
mod duration;
mod environment;
mod lists;
mod options;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use super::ClientBuilder;
use crate::error::Error;
use crate::transport::url::ServerUrl;
use options::ClientOption;
use value::Value;

/// The options of a client in a configuration file: TOML, YAML, JSON and whatever else serde reads.
///
/// The names are those of [`ClientBuilder`]'s methods. `url` is required; everything else may be left out, or be null.
///
/// | kind | options |
/// |---|---|
/// | a URL, a list of URLs, or URLs separated by commas: one per node | `url` |
/// | text | `api_key`, `authority`, `bearer_token`, `server_name`, `server_version`, `unix_socket`, `user_agent` |
/// | the path of a file, which is read by [`builder`](Self::builder) | `api_key_file`, `bearer_token_file`, `identity_file`, `root_certificate_file` |
/// | time, as text with a unit: `"10s"`, `"1.5s"`, `"500ms"`, `"2m"`, `"1h30m"` | `timeout`, `attempt_timeout`, `connect_timeout`, `idle_timeout`, `tcp_keepalive`, `http2_keep_alive`, `http2_keep_alive_timeout`, `retry.first_wait`, `retry.longest_wait` |
/// | number, of bytes where it is a size | `grpc_connections`, `max_idle_connections`, `max_in_flight`, `max_request_size`, `max_response_size`, `retry.max_attempts`, `retry_budget`, `split_above` |
/// | `true` or `false` | `danger_accept_invalid_certs`, `error_mode_transport`, `grpc_gzip`, `hyper`, `key_and_bearer_token`, `legacy_commands`, `no_proxy`, `request_ids`, `retry.idempotency_keys` |
/// | a table of names and values | `headers` |
///
/// An option with a dot is in a table: `max_attempts` in the table `retry`. `api_key_file` and
/// `bearer_token_file` are for secrets that are mounted as files, read once: one line end after the secret is ignored. `root_certificate_file` and `identity_file` have what
/// [`ClientBuilder`]'s `root_certificate` and `identity` take.
///
/// An option that does not exist is an error, which lists those that do. So is a value of another kind, an empty text,
/// a zero that makes no sense, and an option whose feature of this crate is off.
///
/// ```
/// # #[cfg(feature = "http")]
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use centrifugo_api::ClientSettings;
///
/// #[derive(serde::Deserialize)]
/// struct Configuration {
///     centrifugo: ClientSettings,
/// }
///
/// let configuration: Configuration = serde_json::from_str(
///     r#"{
///         "centrifugo": {
///             "url": ["http://node1:8000/api", "http://node2:8000/api"],
///             "api_key": "secret",
///             "timeout": "3s",
///             "retry": {"max_attempts": 5, "idempotency_keys": true}
///         }
///     }"#,
/// )?;
/// let client = configuration.centrifugo.builder()?.build()?;
/// # Ok(()) }
/// # #[cfg(feature = "http")]
/// # run().unwrap();
/// ```
///
/// The same in TOML:
///
/// ```toml
/// [centrifugo]
/// url = ["http://node1:8000/api", "http://node2:8000/api"]
/// api_key = "secret"
/// timeout = "3s"
/// retry = { max_attempts = 5, idempotency_keys = true }
/// ```
///
/// [`ClientBuilder::from_env`] reads the same options from the environment.
#[derive(Clone)]
#[must_use]
pub struct ClientSettings {
    urls: Vec<String>,
    headers: Vec<(String, String)>,
    values: Vec<(&'static ClientOption, Value)>,
}

impl ClientSettings {
    /// Returns a builder with these options, to go on with those that no file has, such as observers. It reads the
    /// files that the options name.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if a URL is not valid, or a file cannot be read or lacks what it should contain. Whatever else
    /// is wrong is found by [`ClientBuilder::build`].
    pub fn builder(&self) -> Result<ClientBuilder, Error> {
        self.apply(&str::to_owned)
    }

    /// Returns a builder with these options; `name` returns how the user knows an option.
    fn apply(&self, name: &Name<'_>) -> Result<ClientBuilder, Error> {
        self.check_not_both("api_key", "api_key_file", name)?;
        self.check_not_both("bearer_token", "bearer_token_file", name)?;
        for url in &self.urls {
            ServerUrl::parse_named(&name("url"), url)?;
        }
        let [first, others @ ..] = &self.urls[..] else {
            unreachable!("settings have a URL")
        };
        let mut builder = ClientBuilder::new(first.clone());
        for url in others {
            builder = builder.endpoint(url);
        }
        for (header, value) in &self.headers {
            builder = builder.header(header, value);
        }
        for (option, value) in &self.values {
            builder = option
                .apply(builder, value)
                .map_err(|problem| Error::Config(format!("{}{problem}", name(option.name))))?;
        }
        Ok(builder)
    }

    /// Refuses a secret that is given twice: one of the two may be out of date.
    fn check_not_both(&self, one: &str, other: &str, name: &Name<'_>) -> Result<(), Error> {
        if self.has(one) && self.has(other) {
            return Err(Error::Config(format!(
                "{} and {} are both set: leave one of the two out",
                name(one),
                name(other)
            )));
        }
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(option, _)| option.name == name)
    }
}

/// A function that returns how the user knows an option.
type Name<'a> = dyn Fn(&str) -> String + 'a;

/// Returns the URLs in a text that separates them by commas.
fn split_urls(text: &str) -> Result<Vec<String>, String> {
    let urls: Vec<String> = text.split(',').map(|url| url.trim().to_owned()).collect();
    if urls.len() > 1 && urls.contains(&String::new()) {
        return Err(" has a comma without a URL on both sides: remove the comma".to_owned());
    }
    Ok(urls)
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = self.urls.iter().map(|url| ServerUrl::parse(url));
        let urls: Vec<_> = urls.map(|url| url.map(|url| url.to_string())).collect();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut settings = formatter.debug_struct("ClientSettings");
        settings.field("url", &urls).field("headers", &names);
        for (option, value) in &self.values {
            if ["api_key", "bearer_token"].contains(&option.name) {
                settings.field(option.name, &"…");
            } else {
                settings.field(option.name, value);
            }
        }
        settings.finish()
    }
}
