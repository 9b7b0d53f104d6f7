//! Reads the parts of a Centrifugo configuration that the embedded server supports.

mod section;

use std::time::Duration;

use serde_json::{Map, Value};

use self::section::Section;
use crate::builder::ServerBuilder;
use crate::namespace::{DataFormat, Namespace};
use crate::state::map::{MapMode, MapOptions};

type Object = Map<String, Value>;

/// A mistake in the configuration, with the path of the option.
type Problem = String;

impl ServerBuilder {
    /// Applies a configuration of Centrifugo v6 in JSON, so that tests have the namespaces of
    /// production.
    ///
    /// The server reads `channel` with its `namespaces` and `without_namespace`, and the options
    /// `key`, `error_mode`, `handler_prefix`, `insecure` and `max_receive_message_size` of
    /// `http_api` and `grpc_api`. It ignores all other options.
    pub fn configuration(mut self, json: &str) -> Self {
        match read(self.clone(), json) {
            Ok(builder) => builder,
            Err(problem) => {
                // A mistake is reported when the server starts.
                self.set_problem(format!("configuration: {problem}"));
                self
            }
        }
    }
}

fn read(mut builder: ServerBuilder, json: &str) -> Result<ServerBuilder, Problem> {
    let root: Object =
        serde_json::from_str(json).map_err(|error| format!("it is not a JSON object: {error}"))?;
    let root = Section {
        path: String::new(),
        options: &root,
    };
    let http = root.section("http_api")?;
    let grpc = root.section("grpc_api")?;
    // Without a key, Centrifugo refuses every call over HTTP, and accepts every call over gRPC.
    let http_key = http.text("key")?.filter(|key| !key.is_empty());
    let insecure = http.flag("insecure")?;
    if http_key.is_none() && !insecure {
        return Err(
            "http_api.key is missing, so that every call would be refused: set it, or set \
             http_api.insecure"
                .to_owned(),
        );
    }
    let grpc_key = grpc.text("key")?.filter(|key| !key.is_empty());
    builder.set_keys(http_key.filter(|_| !insecure), grpc_key);
    builder.set_error_modes(
        is_error_mode_transport(&http)?,
        is_error_mode_transport(&grpc)?,
    );
    builder.set_prefix(&prefix(&http)?);
    let max_size = grpc.number("max_receive_message_size")?;
    if max_size > 0 {
        builder.set_max_receive_message_size(usize::try_from(max_size).unwrap_or(usize::MAX));
    }
    add_namespaces(builder, &root.section("channel")?)
}

/// Reads the path of the HTTP API.
fn prefix(http: &Section<'_>) -> Result<String, Problem> {
    let prefix = http
        .text("handler_prefix")?
        .unwrap_or_else(|| "/api".to_owned());
    let begins_with_slash = prefix.starts_with('/') || prefix.is_empty();
    let has_valid_bytes = prefix
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
    if begins_with_slash && has_valid_bytes && !prefix.contains("//") {
        Ok(prefix)
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

fn add_namespaces(
    mut builder: ServerBuilder,
    channel: &Section<'_>,
) -> Result<ServerBuilder, Problem> {
    let defaults = Defaults {
        meta_ttl: channel.duration("history_meta_ttl")?,
        data_format: channel.non_empty_text("publication_data_format")?,
    };
    let without_namespace = channel.section("without_namespace")?;
    builder = builder.namespace(namespace("", &without_namespace, &defaults)?);
    let namespaces = match channel.get("namespaces") {
        None => &[],
        Some(Value::Array(namespaces)) => namespaces.as_slice(),
        Some(_) => return Err("channel.namespaces is not a list".to_owned()),
    };
    for (index, options) in namespaces.iter().enumerate() {
        let path = format!("channel.namespaces[{index}]");
        let options = options
            .as_object()
            .ok_or_else(|| format!("{path} is not an object"))?;
        let section = Section { path, options };
        let name = section
            .non_empty_text("name")?
            .ok_or_else(|| format!("{} is missing", section.name("name")))?;
        builder = builder.namespace(namespace(&name, &section, &defaults)?);
    }
    Ok(builder)
}

/// Options that apply to all namespaces which do not set them.
struct Defaults {
    meta_ttl: Duration,
    data_format: Option<String>,
}

fn namespace(name: &str, options: &Section<'_>, defaults: &Defaults) -> Result<Namespace, Problem> {
    let size = options.number("history_size")?;
    let history_size =
        u32::try_from(size).map_err(|_| out_of_range(options, "history_size", size))?;
    let own_meta_ttl = options.duration("history_meta_ttl")?;
    let meta_ttl = if own_meta_ttl.is_zero() {
        defaults.meta_ttl
    } else {
        own_meta_ttl
    };
    let namespace = Namespace::new(name)
        .history_size(history_size)
        .history_ttl(options.duration("history_ttl")?)
        .history_meta_ttl(meta_ttl)
        .presence(options.flag("presence")?)
        .join_leave(options.flag("join_leave")?)
        .force_push_join_leave(options.flag("force_push_join_leave")?)
        .force_recovery(options.flag("force_recovery")?)
        .force_positioning(options.flag("force_positioning")?)
        .data_format(data_format(options, defaults)?);
    match options.text("subscription_type")?.as_deref() {
        None | Some("" | "stream") => Ok(namespace),
        Some("map" | "map_clients" | "map_users") => {
            Ok(namespace.map(map_options(&options.section("map")?)?))
        }
        Some("shared_poll") => shared_poll(namespace, &options.section("shared_poll")?),
        Some(kind) => Err(format!(
            "{}: `{kind}` is not one of stream, map, map_clients, map_users, shared_poll",
            options.name("subscription_type")
        )),
    }
}

fn data_format(options: &Section<'_>, defaults: &Defaults) -> Result<DataFormat, Problem> {
    let own_format = options.non_empty_text("publication_data_format")?;
    match own_format.as_ref().or(defaults.data_format.as_ref()) {
        None => Ok(DataFormat::NotEmpty),
        Some(format) => match format.as_str() {
            "json" => Ok(DataFormat::Json),
            "json_object" => Ok(DataFormat::JsonObject),
            "binary" => Ok(DataFormat::Binary),
            format => Err(format!(
                "{}: `{format}` is not one of json, json_object, binary",
                options.name("publication_data_format")
            )),
        },
    }
}

fn out_of_range(options: &Section<'_>, option: &str, number: i64) -> Problem {
    format!(
        "{} is {number}: set a number from 0 to {}",
        options.name(option),
        u32::MAX
    )
}

fn map_options(options: &Section<'_>) -> Result<MapOptions, Problem> {
    let mode = match options.text("mode")?.unwrap_or_default().as_str() {
        "ephemeral" => MapMode::Ephemeral,
        "recoverable" => MapMode::Recoverable,
        "persistent" => MapMode::Persistent,
        mode => {
            return Err(format!(
                "{}: `{mode}` is not one of ephemeral, recoverable, persistent",
                options.name("mode")
            ));
        }
    };
    let size = options.number("stream_size")?;
    let mut map = MapOptions::new(mode);
    map.key_ttl = options.duration("key_ttl")?;
    map.stream_size =
        usize::try_from(size).map_err(|_| out_of_range(options, "stream_size", size))?;
    map.stream_ttl = options.duration("stream_ttl")?;
    map.meta_ttl = options.duration("meta_ttl")?;
    Ok(map)
}

fn shared_poll(namespace: Namespace, options: &Section<'_>) -> Result<Namespace, Problem> {
    let publish_enabled = options.flag("publish_enabled")?;
    match options.text("mode")?.unwrap_or_default().as_str() {
        "versioned" => {}
        "" | "versionless" if !publish_enabled => {}
        "" | "versionless" => {
            return Err(format!(
                "{} only applies to the mode versioned: set {}",
                options.name("publish_enabled"),
                options.name("mode")
            ));
        }
        mode => {
            return Err(format!(
                "{}: `{mode}` is not one of versionless, versioned",
                options.name("mode")
            ));
        }
    }
    Ok(namespace.shared_poll(publish_enabled))
}
