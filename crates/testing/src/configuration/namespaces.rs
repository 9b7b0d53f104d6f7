//! The namespaces: the section `channel`.

use std::time::Duration;

use super::Problem;
use super::section::Section;
use crate::namespace::{DataFormat, Namespace, RecoveryMode};
use crate::state::map::{MapMode, MapOptions};

/// Reads the namespaces, and the options of channels without one.
pub(super) fn read(channel: &Section<'_>) -> Result<Vec<Namespace>, Problem> {
    let defaults = Defaults {
        meta_ttl: channel.duration("history_meta_ttl")?,
        data_format: channel.non_empty_text("publication_data_format")?,
    };
    let without_namespace = channel.section("without_namespace")?;
    let mut read = vec![namespace("", &without_namespace, &defaults)?];
    for (index, options) in channel.list("namespaces")?.iter().enumerate() {
        let section = channel.item("namespaces", index, options)?;
        let name = section
            .non_empty_text("name")?
            .ok_or_else(|| format!("{} is missing", section.name("name")))?;
        let section = section.with_variables("CHANNEL_NAMESPACES", &name);
        read.push(namespace(&name, &section, &defaults)?);
    }
    Ok(read)
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
        .force_recovery_mode(recovery_mode(options)?)
        .force_positioning(options.flag("force_positioning")?)
        .data_format(data_format(options, defaults)?);
    let namespace = clients(namespace, options)?;
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

#[cfg(feature = "proxy")]
fn clients(namespace: Namespace, options: &Section<'_>) -> Result<Namespace, Problem> {
    super::proxies::clients(namespace, options)
}

#[cfg(not(feature = "proxy"))]
#[allow(clippy::unnecessary_wraps)] // As with proxies.
fn clients(namespace: Namespace, _: &Section<'_>) -> Result<Namespace, Problem> {
    Ok(namespace)
}

fn recovery_mode(options: &Section<'_>) -> Result<RecoveryMode, Problem> {
    match options.text("force_recovery_mode")?.as_deref() {
        None | Some("" | "stream") => Ok(RecoveryMode::Stream),
        Some("cache") => Ok(RecoveryMode::Cache),
        Some(mode) => Err(format!(
            "{}: `{mode}` is not one of stream, cache",
            options.name("force_recovery_mode")
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
        "" | "versionless" if !publish_enabled => return Ok(namespace.shared_poll_versionless()),
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
