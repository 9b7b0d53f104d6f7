//! Centrifugo's own configuration, as far as it matters here.

use std::time::Duration;

use serde_json::{Map, Value};

use super::builder::ServerBuilder;
use super::namespace::{DataFormat, Namespace};
use super::state::map::{MapMode, MapOptions};

type Object = Map<String, Value>;

/// What is wrong, with the path of the option.
type Problem = String;

/// Takes over what the configuration says; a mistake is kept for the start.
pub(crate) fn apply(mut builder: ServerBuilder, json: &str) -> ServerBuilder {
    match read(builder.clone(), json) {
        Ok(builder) => builder,
        Err(problem) => {
            builder.set_problem(format!("configuration: {problem}"));
            builder
        }
    }
}

fn read(mut builder: ServerBuilder, json: &str) -> Result<ServerBuilder, Problem> {
    let root: Object =
        serde_json::from_str(json).map_err(|error| format!("it is no JSON object: {error}"))?;
    let root = Section {
        path: String::new(),
        options: &root,
    };
    let (http, grpc) = (root.section("http_api")?, root.section("grpc_api")?);
    // Centrifugo refuses everybody where the key of HTTP is missing, and nobody where that of gRPC is.
    let http_key = http.text("key")?.filter(|key| !key.is_empty());
    let insecure = http.flag("insecure")?;
    if http_key.is_none() && !insecure {
        return Err(
            "http_api.key is missing: nobody could call; set it, or http_api.insecure".to_owned(),
        );
    }
    let grpc_key = grpc.text("key")?.filter(|key| !key.is_empty());
    builder.set_keys(http_key.filter(|_| !insecure), grpc_key);
    builder.set_error_modes(is_transport(&http)?, is_transport(&grpc)?);
    builder.set_prefix(&prefix(&http)?);
    if let size @ 1.. = grpc.number("max_receive_message_size")? {
        builder.set_max_receive_message_size(usize::try_from(size).unwrap_or(usize::MAX));
    }
    channels(builder, &root.section("channel")?)
}

fn prefix(http: &Section<'_>) -> Result<String, Problem> {
    let prefix = http
        .text("handler_prefix")?
        .unwrap_or_else(|| "/api".to_owned());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let is_path = prefix.starts_with('/') || prefix.is_empty();
    match is_path && prefix.bytes().all(fits) && !prefix.contains("//") {
        true => Ok(prefix),
        false => Err(format!(
            "{}: `{prefix}` is no path: begin it with `/`, and use letters, digits, `-`, `.`, `_` and `~`",
            http.name("handler_prefix")
        )),
    }
}

fn is_transport(api: &Section<'_>) -> Result<bool, Problem> {
    match api.text("error_mode")?.as_deref() {
        None | Some("") => Ok(false),
        Some("transport") => Ok(true),
        Some(mode) => Err(format!(
            "{}: `{mode}` is none; leave it out, or set it to `transport`",
            api.name("error_mode")
        )),
    }
}

fn channels(mut builder: ServerBuilder, channel: &Section<'_>) -> Result<ServerBuilder, Problem> {
    let defaults = Defaults {
        meta_ttl: channel.duration("history_meta_ttl")?,
        data_format: channel
            .text("publication_data_format")?
            .filter(|format| !format.is_empty()),
    };
    builder = builder.namespace(namespace(
        "",
        &channel.section("without_namespace")?,
        &defaults,
    )?);
    let namespaces = match channel.options.get("namespaces") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(namespaces)) => namespaces.as_slice(),
        Some(_) => return Err("channel.namespaces is no list".to_owned()),
    };
    for (index, options) in namespaces.iter().enumerate() {
        let path = format!("channel.namespaces[{index}]");
        let options = options
            .as_object()
            .ok_or_else(|| format!("{path} is no object"))?;
        let section = Section { path, options };
        let name = section.text("name")?.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| format!("{} is missing", section.name("name")))?;
        builder = builder.namespace(namespace(&name, &section, &defaults)?);
    }
    Ok(builder)
}

/// What holds for all namespaces that say nothing of it.
struct Defaults {
    meta_ttl: Duration,
    data_format: Option<String>,
}

fn namespace(name: &str, options: &Section<'_>, defaults: &Defaults) -> Result<Namespace, Problem> {
    let size = options.number("history_size")?;
    let meta_ttl = options.duration("history_meta_ttl")?;
    let format = options
        .text("publication_data_format")?
        .filter(|format| !format.is_empty());
    let namespace = Namespace::new(name)
        .history_size(u32::try_from(size).map_err(|_| out_of_range(options, "history_size", size))?)
        .history_ttl(options.duration("history_ttl")?)
        .history_meta_ttl(if meta_ttl.is_zero() {
            defaults.meta_ttl
        } else {
            meta_ttl
        })
        .presence(options.flag("presence")?)
        .join_leave(options.flag("join_leave")?)
        .force_push_join_leave(options.flag("force_push_join_leave")?)
        .force_recovery(options.flag("force_recovery")?)
        .force_positioning(options.flag("force_positioning")?)
        .data_format(match format.or(defaults.data_format.clone()).as_deref() {
            None => DataFormat::NotEmpty,
            Some("json") => DataFormat::Json,
            Some("json_object") => DataFormat::JsonObject,
            Some("binary") => DataFormat::Binary,
            Some(format) => {
                let option = options.name("publication_data_format");
                return Err(format!(
                    "{option}: `{format}` is none of json, json_object, binary"
                ));
            }
        });
    match options.text("subscription_type")?.as_deref() {
        None | Some("" | "stream") => Ok(namespace),
        Some("map" | "map_clients" | "map_users") => {
            Ok(namespace.map(map(&options.section("map")?)?))
        }
        Some("shared_poll") => shared_poll(namespace, &options.section("shared_poll")?),
        Some(kind) => Err(format!(
            "{}: `{kind}` is none of stream, map, map_clients, map_users, shared_poll",
            options.name("subscription_type")
        )),
    }
}

fn out_of_range(options: &Section<'_>, option: &str, number: i64) -> Problem {
    format!(
        "{} is {number}: give a number from 0 to {}",
        options.name(option),
        u32::MAX
    )
}

fn map(options: &Section<'_>) -> Result<MapOptions, Problem> {
    let mode = match options.text("mode")?.as_deref() {
        Some("ephemeral") => MapMode::Ephemeral,
        Some("recoverable") => MapMode::Recoverable,
        Some("persistent") => MapMode::Persistent,
        mode => {
            let given = mode.unwrap_or_default();
            return Err(format!(
                "{}: `{given}` is none of ephemeral, recoverable, persistent",
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
    match options.text("mode")?.as_deref() {
        Some("versioned") => {}
        None | Some("" | "versionless") if !publish_enabled => {}
        None | Some("" | "versionless") => {
            return Err(format!(
                "{} goes with the mode versioned alone: set {}",
                options.name("publish_enabled"),
                options.name("mode")
            ));
        }
        Some(mode) => {
            return Err(format!(
                "{}: `{mode}` is none of versionless, versioned",
                options.name("mode")
            ));
        }
    }
    Ok(namespace.shared_poll(publish_enabled))
}

/// An object of the configuration, and where it is.
struct Section<'a> {
    path: String,
    options: &'a Object,
}

impl Section<'_> {
    fn name(&self, option: &str) -> String {
        match self.path.as_str() {
            "" => option.to_owned(),
            path => format!("{path}.{option}"),
        }
    }

    fn get(&self, option: &str) -> Option<&Value> {
        self.options.get(option).filter(|value| !value.is_null())
    }

    fn section(&self, option: &str) -> Result<Section<'_>, Problem> {
        static EMPTY: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);
        let path = self.name(option);
        match self.get(option) {
            None => Ok(Section {
                path,
                options: &EMPTY,
            }),
            Some(Value::Object(options)) => Ok(Section { path, options }),
            Some(_) => Err(format!("{path} is no object")),
        }
    }

    fn text(&self, option: &str) -> Result<Option<String>, Problem> {
        match self.get(option) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("{} is no text", self.name(option))),
        }
    }

    fn flag(&self, option: &str) -> Result<bool, Problem> {
        match self.get(option) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("{} is neither true nor false", self.name(option))),
        }
    }

    fn number(&self, option: &str) -> Result<i64, Problem> {
        match self.get(option) {
            None => Ok(0),
            Some(value) => value
                .as_i64()
                .ok_or_else(|| format!("{} is no whole number", self.name(option))),
        }
    }

    fn duration(&self, option: &str) -> Result<Duration, Problem> {
        let Some(text) = self.text(option)? else {
            return Ok(Duration::ZERO);
        };
        duration(&text).ok_or_else(|| {
            format!(
                "{}: `{text}` is no time such as 300s or 1h30m",
                self.name(option)
            )
        })
    }
}

/// Reads a time as Go writes it, such as `1h30m`, or `720h0m0s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() && text != "0" {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let number: u64 = number.parse().ok()?;
        let seconds = |seconds: u64| number.checked_mul(seconds).map(Duration::from_secs);
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" => seconds(1)?,
            "m" => seconds(60)?,
            "h" => seconds(3600)?,
            "d" => seconds(24 * 3600)?,
            _ => return None,
        };
        sum = sum.checked_add(part)?;
        rest = after;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn times_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("300s", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("720h0m0s", Some(2_592_000_000)),
            ("1500ms", Some(1500)),
            ("0", Some(0)),
            ("", Some(0)),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("1y", None),
        ] {
            assert_eq!(
                duration(text),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
    }
}
