//! gRPC messages: requests from JSON, and replies by `Debug` without the values that each server
//! generates.

use std::any::Any;
use std::fmt::Debug;

use centrifugo_api::prost::Message as _;
use centrifugo_api::*;

use crate::bodies::Facts;
use crate::id_mapping::{IdMapping, replace};

/// Marks a payload in a request's JSON that is sent over gRPC as bytes that are not JSON.
pub(crate) const BINARY: &str = r#""raw-0""#;
const BINARY_BYTES: &[u8] = b"\xff\x00raw\xfe0";

macro_rules! methods {
    ($($name:literal $request:ident,)+) => {
        /// Returns the gRPC path of the method.
        pub(crate) fn path(method: &str) -> &'static str {
            match method {
                $($name => $request::GRPC_PATH,)+
                _ => "/centrifugal.centrifugo.api.CentrifugoApi/Nonsense",
            }
        }

        /// Returns the message of the JSON, empty if the JSON does not fit the method.
        pub(crate) fn encode(method: &str, json: &[u8]) -> Vec<u8> {
            let encoded = match method {
                $($name => serde_json::from_slice::<$request>(json).map(|request| request.encode_to_vec()),)+
                _ => return Vec::new(),
            };
            replace(&encoded.unwrap_or_default(), BINARY.as_bytes(), BINARY_BYTES)
        }

        /// Shows the reply of the method.
        pub(crate) fn show(method: &str, message: &[u8], names: &mut IdMapping) -> (String, Facts) {
            match method {
                $($name => show_as::<$request>(message, names),)+
                _ => (format!("{message:?}"), Facts::default()),
            }
        }
    };
}

methods! {
    "batch" BatchRequest,
    "broadcast" BroadcastRequest,
    "channels" ChannelsRequest,
    "disconnect" DisconnectRequest,
    "history" HistoryRequest,
    "history_remove" HistoryRemoveRequest,
    "info" InfoRequest,
    "map_clear" MapClearRequest,
    "map_publish" MapPublishRequest,
    "map_read_state" MapReadStateRequest,
    "map_read_stream" MapReadStreamRequest,
    "map_remove" MapRemoveRequest,
    "map_stats" MapStatsRequest,
    "presence" PresenceRequest,
    "presence_stats" PresenceStatsRequest,
    "publish" PublishRequest,
    "refresh" RefreshRequest,
    "rpc" RpcRequest,
    "shared_poll_publish" SharedPollPublishRequest,
    "subscribe" SubscribeRequest,
    "unsubscribe" UnsubscribeRequest,
}

fn show_as<M: Method>(bytes: &[u8], names: &mut IdMapping) -> (String, Facts)
where
    M::Response: Any + Debug,
{
    let mut message = match M::Response::decode(bytes) {
        Ok(message) => message,
        Err(error) => return (format!("undecodable: {error}: {bytes:?}"), Facts::default()),
    };
    let is_usual = bytes.len() == message.encoded_len();
    let has_nodes = hide(&mut message, names);
    let mut text = format!("{message:?}");
    // There are many metrics, and their length varies. Go writes empty keys and values of a map,
    // which prost omits.
    let has_empty_tag = text.contains("{\"\": ") || text.contains("\": \"\"");
    if !is_usual && !has_nodes && !has_empty_tag {
        text += ", with unknown fields or with zeros";
    }
    // Facts about the whole reply come last.
    let last = |name: &str| {
        text.rsplit_once(name)
            .map(|(_, after)| after)
            .unwrap_or_default()
    };
    let facts = Facts {
        epoch: quoted(last(" epoch: \"")),
        offset: last(" offset: ")
            .split([',', ' '])
            .next()
            .and_then(|offset| offset.parse().ok())
            .unwrap_or_default(),
        cursor: quoted(last(" cursor: \"")),
    };
    (names.in_debug(&without_none(&text)), facts)
}

/// Removes fields that are not set.
fn without_none(text: &str) -> String {
    let parts = text
        .split_inclusive(", ")
        .map(|part| match part.strip_suffix(": None, ") {
            Some(field) => field.rfind("{ ").map_or("", |at| &part[..at + 2]),
            None => part,
        });
    parts.collect()
}

fn quoted(text: &str) -> String {
    text.split('"').next().unwrap_or_default().to_owned()
}

/// Hides values that vary, and replaces client IDs by their names, in whose order the clients are.
/// Returns whether
/// nodes were hidden.
fn hide(response: &mut dyn Any, names: &IdMapping) -> bool {
    if let Some(response) = response.downcast_mut::<PresenceResponse>() {
        hide_presence(response.result.as_mut(), names);
        false
    } else if let Some(response) = response.downcast_mut::<InfoResponse>() {
        hide_nodes(response.result.as_mut())
    } else if let Some(response) = response.downcast_mut::<BatchResponse>() {
        let mut has_nodes = false;
        for reply in &mut response.replies {
            hide_presence(reply.presence.as_deref_mut(), names);
            has_nodes |= hide_nodes(reply.info.as_deref_mut());
        }
        has_nodes
    } else {
        false
    }
}

fn hide_presence(result: Option<&mut PresenceResult>, names: &IdMapping) {
    let Some(result) = result else { return };
    let presence = std::mem::take(&mut result.presence);
    result.presence = presence
        .into_iter()
        .map(|(client, info)| {
            let name = names.in_bytes(client.as_bytes());
            (String::from_utf8_lossy(&name).into_owned(), info)
        })
        .collect();
}

fn hide_nodes(result: Option<&mut InfoResult>) -> bool {
    let Some(result) = result else { return false };
    for node in &mut result.nodes {
        let version = std::mem::take(&mut node.version);
        let known = !node.uid.is_empty() && !node.name.is_empty();
        let process = node.process.take();
        *node = NodeResult::default();
        node.version = format!("{version}, uid and name: {known}, process: {process:?}");
    }
    true
}
