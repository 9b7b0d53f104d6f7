//! The table of a client's options: configuration files and the environment read the same ones.

use std::time::Duration;

use super::value::Value;
use crate::call::Retry;
use crate::client::ClientBuilder;
#[cfg(feature = "_tls")]
use crate::transport::tls::{check_certificates, check_identity};

/// An option of a client.
#[derive(Debug)]
pub(super) struct ClientOption {
    /// The name in configuration files. The part before a dot is the name of a table.
    pub(super) name: &'static str,
    pub(super) set: Set,
    /// True if a number or a time may be zero.
    pub(super) may_be_zero: bool,
}

/// A function that sets an option, by the kind of its value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Set {
    Text(fn(ClientBuilder, &str) -> ClientBuilder),
    Time(fn(ClientBuilder, Duration) -> ClientBuilder),
    Number(fn(ClientBuilder, usize) -> ClientBuilder),
    Switch(fn(ClientBuilder) -> ClientBuilder),
    /// The function gets what is in the file.
    File(fn(ClientBuilder, Vec<u8>) -> Result<ClientBuilder, String>),
    /// The option is not available: it needs what the text says.
    // With all features no option is.
    #[allow(dead_code)]
    Off(&'static str),
}

impl ClientOption {
    const fn new(name: &'static str, set: Set) -> Self {
        Self {
            name,
            set,
            may_be_zero: false,
        }
    }

    const fn or_zero(self) -> Self {
        Self {
            may_be_zero: true,
            ..self
        }
    }

    /// Sets the option to a value of its kind. The error follows the option's name.
    pub(super) fn apply(
        &self,
        builder: ClientBuilder,
        value: &Value,
    ) -> Result<ClientBuilder, String> {
        Ok(match (self.set, value) {
            (Set::Text(set), Value::Text(text)) => set(builder, text),
            (Set::Time(set), Value::Time(time)) => set(builder, *time),
            (Set::Number(set), Value::Number(number)) => set(builder, *number),
            (Set::Switch(set), Value::Switch(true)) => set(builder),
            (Set::Switch(_), Value::Switch(false)) => builder,
            (Set::File(set), Value::Text(path)) => {
                let content = std::fs::read(path)
                    .map_err(|error| format!(": cannot read `{path}`: {error}"))?;
                set(builder, content).map_err(|problem| format!(": `{path}`: {problem}"))?
            }
            _ => unreachable!("a value is of its option's kind"),
        })
    }
}

/// Returns the option of that name.
pub(super) fn find(name: &str) -> Option<&'static ClientOption> {
    all().find(|option| option.name == name)
}

/// Returns all options of the table, available or not.
pub(super) fn all() -> impl Iterator<Item = &'static ClientOption> {
    let tables = [COMMON, UNIX, HTTP, HYPER, GRPC, GZIP, TLS];
    tables.into_iter().flatten()
}

/// Declares a table of options: if the condition holds, with their functions, or else with what they need.
macro_rules! options {
    ($table:ident, $condition:meta, $needed:literal, [$($name:literal => $set:expr $(, $or_zero:ident)?;)*]) => {
        #[cfg($condition)]
        const $table: &[ClientOption] = &[$(ClientOption::new($name, $set)$(.$or_zero())?),*];
        #[cfg(not($condition))]
        const $table: &[ClientOption] = &[$(ClientOption::new($name, Set::Off($needed))),*];
    };
}

const COMMON: &[ClientOption] = &[
    ClientOption::new("api_key", Set::Text(|builder, key| builder.api_key(key))),
    ClientOption::new(
        "api_key_file",
        Set::File(|builder, content| Ok(builder.api_key(secret(content)?))),
    ),
    ClientOption::new(
        "bearer_token",
        Set::Text(|builder, token| builder.bearer_token(token)),
    ),
    ClientOption::new(
        "bearer_token_file",
        Set::File(|builder, content| Ok(builder.bearer_token(secret(content)?))),
    ),
    ClientOption::new(
        "key_and_bearer_token",
        Set::Switch(ClientBuilder::key_and_bearer_token),
    ),
    ClientOption::new("timeout", Set::Time(ClientBuilder::timeout)),
    ClientOption::new("attempt_timeout", Set::Time(ClientBuilder::attempt_timeout)),
    ClientOption::new("connect_timeout", Set::Time(ClientBuilder::connect_timeout)),
    ClientOption::new("retry.max_attempts", Set::Number(set_max_attempts)),
    ClientOption::new("retry.first_wait", Set::Time(set_first_wait)).or_zero(),
    ClientOption::new("retry.longest_wait", Set::Time(set_longest_wait)).or_zero(),
    ClientOption::new(
        "retry.idempotency_keys",
        Set::Switch(|builder| builder.change_retry(Retry::idempotency_keys)),
    ),
    ClientOption::new("retry_budget", Set::Number(set_retry_budget)).or_zero(),
    ClientOption::new("max_in_flight", Set::Number(ClientBuilder::max_in_flight)),
    ClientOption::new(
        "max_request_size",
        Set::Number(ClientBuilder::max_request_size),
    ),
    ClientOption::new(
        "max_response_size",
        Set::Number(ClientBuilder::max_response_size),
    ),
    ClientOption::new("split_above", Set::Number(ClientBuilder::split_above)),
    ClientOption::new("request_ids", Set::Switch(ClientBuilder::request_ids)),
    ClientOption::new(
        "user_agent",
        Set::Text(|builder, agent| builder.user_agent(agent)),
    ),
    ClientOption::new(
        "error_mode_transport",
        Set::Switch(ClientBuilder::error_mode_transport),
    ),
    ClientOption::new(
        "server_version",
        Set::Text(|builder, version| builder.server_version(version)),
    ),
    ClientOption::new("tcp_keepalive", Set::Time(ClientBuilder::tcp_keepalive)),
    ClientOption::new(
        "http2_keep_alive",
        Set::Time(ClientBuilder::http2_keep_alive),
    ),
    ClientOption::new(
        "http2_keep_alive_timeout",
        Set::Time(ClientBuilder::http2_keep_alive_timeout),
    ),
];

options!(UNIX, unix, "a system with Unix sockets", [
    "unix_socket" => Set::Text(|builder, path| builder.unix_socket(path));
]);

options!(HTTP, feature = "_http", "the feature `http` of centrifugo-api", [
    "legacy_commands" => Set::Switch(ClientBuilder::legacy_commands);
    "idle_timeout" => Set::Time(ClientBuilder::idle_timeout);
    "max_idle_connections" => Set::Number(ClientBuilder::max_idle_connections), or_zero;
    "no_proxy" => Set::Switch(ClientBuilder::no_proxy);
]);

options!(HYPER, feature = "hyper", "the feature `hyper` of centrifugo-api", [
    "hyper" => Set::Switch(ClientBuilder::hyper);
]);

options!(GRPC, feature = "grpc", "the feature `grpc` of centrifugo-api", [
    "grpc_connections" => Set::Number(ClientBuilder::grpc_connections);
    "authority" => Set::Text(|builder, authority| builder.authority(authority));
]);

options!(GZIP, all(feature = "grpc", feature = "gzip"), "the features `grpc` and `gzip` of centrifugo-api", [
    "grpc_gzip" => Set::Switch(ClientBuilder::grpc_gzip);
]);

options!(TLS, feature = "_tls", "the feature `tls` of centrifugo-api", [
    "root_certificate_file" => Set::File(|builder, content| {
        check_certificates(&content)?;
        Ok(builder.root_certificate(content))
    });
    "identity_file" => Set::File(|builder, content| {
        check_identity(&content)?;
        Ok(builder.identity(content))
    });
    "server_name" => Set::Text(|builder, name| builder.server_name(name));
    "danger_accept_invalid_certs" => Set::Switch(ClientBuilder::danger_accept_invalid_certs);
]);

/// Returns the key or token in a file, without a line end after it.
fn secret(content: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(content)
        .map_err(|_| "its content is not UTF-8: is this the right file?".to_owned())?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err("it is empty: write the key or token into it".to_owned());
    }
    if secret.trim() != secret {
        return Err("its content starts or ends with white space: remove it".to_owned());
    }
    Ok(secret.to_owned())
}

fn set_max_attempts(builder: ClientBuilder, attempts: usize) -> ClientBuilder {
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
    builder.change_retry(|retry| retry.max_attempts(attempts))
}

fn set_retry_budget(builder: ClientBuilder, retries: usize) -> ClientBuilder {
    builder.retry_budget(u32::try_from(retries).unwrap_or(u32::MAX))
}

fn set_first_wait(builder: ClientBuilder, wait: Duration) -> ClientBuilder {
    builder.change_retry(|retry| retry.first_wait(wait))
}

fn set_longest_wait(builder: ClientBuilder, wait: Duration) -> ClientBuilder {
    builder.change_retry(|retry| retry.longest_wait(wait))
}
