//! The proxies: the sections `client.proxy`, `channel.proxy`, `rpc` and `proxies`, and the options of namespaces about clients.

use std::collections::HashMap;

use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{Disconnect, Error};
use serde_json::Value;

use super::Problem;
use super::section::Section;
use crate::namespace::Namespace;
use crate::proxies::{
    ClientOptions, ConfiguredProxies, ConfiguredProxy, DEFAULT, Permission, ProxyOptions,
    StatusTransform, TransformedTo,
};

/// The proxies of channels, by the names of their sections.
const CHANNEL_PROXIES: [(&str, &[EventKind]); 7] = [
    ("subscribe", &[EventKind::Subscribe]),
    ("publish", &[EventKind::Publish]),
    ("sub_refresh", &[EventKind::SubRefresh]),
    (
        "subscribe_stream",
        &[
            EventKind::SubscribeUnidirectional,
            EventKind::SubscribeBidirectional,
        ],
    ),
    ("map_publish", &[EventKind::MapPublish]),
    ("map_remove", &[EventKind::MapRemove]),
    ("shared_poll_refresh", &[EventKind::SharedPollRefresh]),
];

/// Reads the proxies into those of configurations before.
pub(super) fn read(root: &Section<'_>, proxies: &mut ConfiguredProxies) -> Result<(), Problem> {
    proxies.is_configured = true;
    let client = root.section("client")?;
    proxies.allow_anonymous |= client.flag("allow_anonymous_connect_without_token")?;
    let of_client = client.section("proxy")?;
    for (name, kind) in [
        ("connect", EventKind::Connect),
        ("refresh", EventKind::Refresh),
    ] {
        let section = of_client.section(name)?;
        if section.flag("enabled")? {
            proxies.defaults.insert(kind, proxy(&section)?);
        }
    }
    let of_channel = root.section("channel")?.section("proxy")?;
    for (name, kinds) in CHANNEL_PROXIES {
        for kind in kinds {
            let proxy = proxy(&of_channel.section(name)?)?;
            proxies.defaults.insert(*kind, proxy);
        }
    }
    read_methods(&root.section("rpc")?, proxies)?;
    for (index, item) in root.list("proxies")?.iter().enumerate() {
        let section = root.item("proxies", index, item)?;
        let name = section.text("name")?.unwrap_or_default();
        let section = section.with_variables("PROXIES", &name);
        proxies.named.insert(name, proxy(&section)?);
    }
    Ok(())
}

fn read_methods(rpc: &Section<'_>, proxies: &mut ConfiguredProxies) -> Result<(), Problem> {
    let default = proxy(&rpc.section("proxy")?)?;
    proxies.defaults.insert(EventKind::Rpc, default);
    let without_namespace = rpc.section("without_namespace")?;
    proxies.rpc_without_namespace = name_of_proxy(&without_namespace, "")?;
    for (index, item) in rpc.list("namespaces")?.iter().enumerate() {
        let section = rpc.item("namespaces", index, item)?;
        let name = section.text("name")?.unwrap_or_default();
        let section = section.with_variables("RPC_NAMESPACES", &name);
        let proxy = name_of_proxy(&section, "")?;
        proxies.rpc_namespaces.insert(name, proxy);
    }
    Ok(())
}

fn proxy(section: &Section<'_>) -> Result<ConfiguredProxy, Problem> {
    let http = section.section("http")?;
    let grpc = section.section("grpc")?;
    let mut options = ProxyOptions::new()
        .binary_encoding(section.flag("binary_encoding")?)
        .include_connection_meta(section.flag("include_connection_meta")?)
        .http_headers(section.texts("http_headers")?)
        .emulated_headers(section.texts("emulated_headers")?);
    let timeout = section.duration("timeout")?;
    if !timeout.is_zero() {
        options = options.timeout(timeout);
    }
    let endpoint = section.text("endpoint")?.unwrap_or_default();
    let is_http = endpoint.starts_with("http://") || endpoint.starts_with("https://");
    let mut headers = http.text_map("static_headers")?;
    let mut metadata = grpc.text_map("static_metadata")?;
    if let Some(key) = grpc.non_empty_text("credentials_key")? {
        metadata.insert(key, grpc.text("credentials_value")?.unwrap_or_default());
    }
    // Without an endpoint the transport is not known: handlers in process may get both.
    if endpoint.is_empty() {
        headers.extend(metadata);
    } else if !is_http {
        headers = metadata;
    }
    for (name, value) in headers {
        options = options.static_header(name, value);
    }
    options.status_transforms = transforms(&http)?;
    let tls = if is_http { &http } else { &grpc };
    Ok(ConfiguredProxy {
        path: section.path().to_owned(),
        endpoint,
        has_tls: tls.section("tls")?.flag("enabled")?,
        options,
    })
}

fn transforms(http: &Section<'_>) -> Result<Vec<StatusTransform>, Problem> {
    let option = "status_to_code_transforms";
    let list = http.list(option)?;
    let mut transforms = Vec::new();
    for (index, item) in list.iter().enumerate() {
        let section = http.item(option, index, item)?;
        let status = section.number("status_code")?;
        let status = u16::try_from(status)
            .map_err(|_| format!("{} is no status of HTTP", section.name("status_code")))?;
        let error = section.section("to_error")?;
        let disconnect = section.section("to_disconnect")?;
        let error_code = code(&error)?;
        let to = if error_code > 0 {
            let message = error.text("message")?.unwrap_or_default();
            let temporary = error.flag("temporary")?;
            TransformedTo::Error(Error::new(error_code, message).temporary(temporary))
        } else {
            let reason = disconnect.text("reason")?.unwrap_or_default();
            TransformedTo::Disconnect(Disconnect::new(code(&disconnect)?, reason))
        };
        transforms.push(StatusTransform { status, to });
    }
    Ok(transforms)
}

fn code(section: &Section<'_>) -> Result<u32, Problem> {
    let code = section.number("code")?;
    u32::try_from(code).map_err(|_| format!("{} is out of range", section.name("code")))
}

/// Reads whether a proxy is enabled, and its name.
fn name_of_proxy(section: &Section<'_>, event: &str) -> Result<Option<String>, Problem> {
    let option = |option: &str| match event {
        "" => option.to_owned(),
        event => format!("{event}_{option}"),
    };
    if !section.flag(&option("proxy_enabled"))? {
        return Ok(None);
    }
    let name = section.non_empty_text(&option("proxy_name"))?;
    Ok(Some(name.unwrap_or_else(|| DEFAULT.to_owned())))
}

/// Reads what clients may do in a namespace.
pub(super) fn clients(namespace: Namespace, options: &Section<'_>) -> Result<Namespace, Problem> {
    let map = options.section("map")?;
    Ok(namespace.clients(ClientOptions {
        subscribe: permission(options, "subscribe")?,
        publish: permission(options, "publish")?,
        map_publish: permission(&map, "publish")?,
        map_remove: permission(&map, "remove")?,
        subscribe_proxy: name_of_proxy(options, "subscribe")?,
        publish_proxy: name_of_proxy(options, "publish")?,
        sub_refresh_proxy: name_of_proxy(options, "sub_refresh")?,
        subscribe_stream_proxy: name_of_proxy(options, "subscribe_stream")?,
        is_bidirectional: options.flag("subscribe_stream_proxy_bidirectional")?,
        map_publish_proxy: name_of_proxy(&map, "publish")?,
        map_remove_proxy: name_of_proxy(&map, "remove")?,
        shared_poll_proxy: options
            .section("shared_poll")?
            .non_empty_text("proxy_name")?,
    }))
}

fn permission(options: &Section<'_>, what: &str) -> Result<Permission, Problem> {
    let flag = |who: &str| options.flag(&format!("allow_{what}_for_{who}"));
    Ok(Permission {
        for_client: flag("client")?,
        for_subscriber: flag("subscriber")?,
        for_anonymous: flag("anonymous")?,
    })
}

impl Section<'_> {
    /// Reads a list of strings, which a variable has with commas between them.
    fn texts(&self, option: &str) -> Result<Vec<String>, Problem> {
        if let Some((_, value)) = self.variable(option) {
            return Ok(value.split(',').map(str::to_owned).collect());
        }
        let list = self.list(option)?;
        let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
        let texts: Option<Vec<_>> = texts.collect();
        texts.ok_or_else(|| format!("{} is not a list of strings", self.name(option)))
    }

    /// Reads strings by name: an object, or a list of objects with `key` and `value`. A variable has an object in JSON.
    fn text_map(&self, option: &str) -> Result<HashMap<String, String>, Problem> {
        let invalid = || format!("{} is not an object of strings", self.name(option));
        let value = match self.variable(option) {
            Some((_, value)) => Some(serde_json::from_str(value).map_err(|_| invalid())?),
            None => self.value(option).cloned(),
        };
        let pair = |key: &Value, value: &Value| {
            Some((key.as_str()?.to_owned(), value.as_str()?.to_owned()))
        };
        let pairs: Option<HashMap<_, _>> = match value {
            None => Some(HashMap::new()),
            Some(Value::Object(object)) => object
                .into_iter()
                .map(|(key, value)| pair(&Value::String(key), &value))
                .collect(),
            Some(Value::Array(list)) => {
                let pairs = list.iter().map(|item| pair(&item["key"], &item["value"]));
                pairs.collect()
            }
            Some(_) => None,
        };
        pairs.ok_or_else(invalid)
    }
}
