//! Command lines at the base URL, the API of clients for Centrifugo v2 to v4.

use std::collections::HashSet;

use bytes::Bytes;
use centrifugo_api::{ApiError, api};
use http::{HeaderMap, Response};
use prost::Message as _;

use crate::engine::{EncodedReply, ROUTES, Route};
use crate::errors;
use crate::faults::WireFault;
use crate::json::{self, FieldDescriptor, FieldKind, MessageDescriptor};
use crate::recorder::Endpoint;
use crate::wire::Service;
use crate::wire::body::ResponseBody;
use crate::wire::http::{bad_request, internal, json_response};

/// The methods, by their numbers in the protobuf schema of former versions.
const METHODS_BY_NUMBER: [&str; 40] = [
    "publish",
    "broadcast",
    "unsubscribe",
    "disconnect",
    "presence",
    "presence_stats",
    "history",
    "history_remove",
    "channels",
    "info",
    "rpc",
    "subscribe",
    "refresh",
    "",
    "connections",
    "update_user_status",
    "get_user_status",
    "delete_user_status",
    "block_user",
    "unblock_user",
    "revoke_token",
    "invalidate_user_tokens",
    "device_register",
    "device_update",
    "device_remove",
    "device_list",
    "device_topic_list",
    "device_topic_update",
    "user_topic_list",
    "user_topic_update",
    "send_push_notification",
    "update_push_status",
    "cancel_push",
    "map_publish",
    "map_remove",
    "map_read_state",
    "map_read_stream",
    "map_stats",
    "map_clear",
    "shared_poll_publish",
];

/// A command line. Its `params` are still in JSON: the method determines their schema.
#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(uint32, tag = "1")]
    id: u32,
    /// The method in JSON: its name, in any case, or its number.
    #[prost(bytes = "bytes", tag = "2")]
    method: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    params: Bytes,
}

static LINE: MessageDescriptor = MessageDescriptor {
    name: "Command",
    fields: &[
        line_field("id", 1, FieldKind::Uint32),
        line_field("method", 2, FieldKind::Payload),
        line_field("params", 3, FieldKind::Payload),
    ],
};

const fn line_field(name: &'static str, number: u32, kind: FieldKind) -> FieldDescriptor {
    FieldDescriptor {
        name,
        number,
        kind,
        repeated: false,
        optional: false,
        always: false,
    }
}

/// The outcome of a command line.
enum LineOutcome {
    /// A reply, without its id.
    Reply(Vec<u8>),
    /// A response that replaces all replies.
    Abort(Box<Response<ResponseBody>>),
}

impl Service {
    /// Runs one line after another. A malformed line fails the whole request, but the lines in
    /// front of it have run.
    pub(super) async fn command_lines(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<ResponseBody> {
        if body.is_empty() {
            return bad_request();
        }
        let mut replies = Vec::new();
        let mut faults = Vec::new();
        for value in json::Values::new(body) {
            let Some(line) = value.ok().and_then(read_line) else {
                return bad_request();
            };
            let Some(method) = read_method(&line.method) else {
                return bad_request();
            };
            match self.command(headers, &line, method, &mut faults).await {
                LineOutcome::Reply(reply) => push_reply(&mut replies, line.id, &reply),
                LineOutcome::Abort(response) => return *response,
            }
        }
        let mut response = json_response(replies);
        for fault in &faults {
            response = self.fault_after_call(Some(fault), response).await;
        }
        response
    }

    /// Runs a command. Adds a fault that applies to the response to `faults`.
    async fn command(
        &self,
        headers: &HeaderMap,
        line: &Line,
        method: Option<&'static str>,
        faults: &mut Vec<WireFault>,
    ) -> LineOutcome {
        let route = ROUTES
            .iter()
            .find(|route| Some(route.name) == method && route.name != "batch");
        let Some(route) = route.filter(|route| self.engine.serves(route)) else {
            return LineOutcome::Reply(error_reply(&errors::not_found()));
        };
        // Centrifugo ignores the parameters of `info`.
        let params = if route.name == "info" {
            b"{}"
        } else {
            &line.params[..]
        };
        let Ok(decoded) = json::decode(route.request, params) else {
            return LineOutcome::Reply(error_reply(&errors::bad_request()));
        };
        let request = Bytes::from(decoded.protobuf);
        self.record(route, Endpoint::CommandLines, headers, &request);
        let fault = self.take_fault(route, Endpoint::CommandLines, &request);
        if let Some(response) = self.fault_before_call(fault.as_ref()).await {
            return LineOutcome::Abort(Box::new(response));
        }
        faults.extend(fault);
        match self.run(route, request, &HashSet::new()) {
            Ok(reply) => encode_reply(route, &reply),
            Err(_) => LineOutcome::Reply(error_reply(&errors::bad_request())),
        }
    }
}

fn read_line(json: &[u8]) -> Option<Line> {
    let decoded = json::decode(&LINE, json).ok()?;
    // Go reads every `method` of the line, although only the last one counts.
    for method in json::values_of(&LINE, "method", json) {
        read_method(method)?;
    }
    Line::decode(&decoded.protobuf[..]).ok()
}

/// Reads the method of a line: `None` if it is malformed, `Some(None)` if there is no such method.
fn read_method(json: &[u8]) -> Option<Option<&'static str>> {
    if json.is_empty() {
        return Some(Some(METHODS_BY_NUMBER[0]));
    }
    let unquoted = json.get(1..json.len() - 1).unwrap_or_default();
    let name = String::from_utf8_lossy(unquoted).to_lowercase();
    if let Some(known) = METHODS_BY_NUMBER
        .iter()
        .find(|known| !known.is_empty() && **known == name)
    {
        return Some(Some(known));
    }
    let number: i64 = std::str::from_utf8(json).ok()?.parse().ok()?;
    // Go cuts the number to 32 bits.
    #[allow(clippy::cast_possible_truncation)]
    let index = usize::try_from(number as i32).ok();
    let method = index.and_then(|index| METHODS_BY_NUMBER.get(index));
    Some(method.copied().filter(|name| !name.is_empty()))
}

/// Encodes a reply, which has the same shape as the method's own reply: `error` or `result`.
fn encode_reply(route: &Route, reply: &EncodedReply) -> LineOutcome {
    match json::encode(route.response, &reply.protobuf) {
        Ok(json) if is_writable(&json) => LineOutcome::Reply(json),
        _ => LineOutcome::Abort(Box::new(internal())),
    }
}

/// Checks whether Go can write a reply. Go parses the result again, so that its nesting is limited.
fn is_writable(reply: &[u8]) -> bool {
    let result = reply
        .strip_prefix(b"{\"result\":")
        .and_then(|rest| rest.strip_suffix(b"}"));
    result.is_none_or(json::is_valid)
}

fn error_reply(error: &ApiError) -> Vec<u8> {
    let mut reply = b"{\"error\":".to_vec();
    reply.extend(json::encode_message(&api::Error::from(error.clone())).unwrap_or_default());
    reply.push(b'}');
    reply
}

/// Appends a reply as a line, with the id in front of its other fields.
fn push_reply(replies: &mut Vec<u8>, id: u32, reply: &[u8]) {
    if !replies.is_empty() {
        replies.push(b'\n');
    }
    if id == 0 {
        replies.extend_from_slice(reply);
        return;
    }
    let separator = if reply == b"{}" { "" } else { "," };
    replies.extend_from_slice(format!("{{\"id\":{id}{separator}").as_bytes());
    replies.extend_from_slice(&reply[1..]);
}
