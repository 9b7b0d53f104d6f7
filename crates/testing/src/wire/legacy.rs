//! Command lines at the base URL, which is what clients for Centrifugo v2 to v4 speak.

use std::collections::HashSet;

use bytes::Bytes;
use http::{HeaderMap, Response};
use prost::Message as _;

use super::Service;
use super::http::{bad_request, internal, json_reply};
use super::body::ResponseBody;
use crate::engine::{self, Answer, ROUTES, Route};
use crate::faults::WireFault;
use crate::json::{self, FieldDescriptor, FieldKind};
use crate::recorder::Endpoint;

/// The methods by the numbers that they had in the protobuf of old.
const NUMBERED: [&str; 40] = [
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

/// A command as it comes, but for its `params`, which another message describes.
#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(uint32, tag = "1")]
    id: u32,
    /// JSON: the name, in any case, or the number.
    #[prost(bytes = "bytes", tag = "2")]
    method: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    params: Bytes,
}

static LINE: json::MessageDescriptor = json::MessageDescriptor {
    name: "Command",
    fields: &[
        FieldDescriptor {
            name: "id",
            number: 1,
            kind: FieldKind::Uint32,
            repeated: false,
            optional: false,
            always: false,
        },
        FieldDescriptor {
            name: "method",
            number: 2,
            kind: FieldKind::Payload,
            repeated: false,
            optional: false,
            always: false,
        },
        FieldDescriptor {
            name: "params",
            number: 3,
            kind: FieldKind::Payload,
            repeated: false,
            optional: false,
            always: false,
        },
    ],
};

/// What became of a line.
enum Outcome {
    /// The reply, without its id.
    Reply(Vec<u8>),
    /// What the whole answer is in its place.
    Instead(Box<Response<ResponseBody>>),
}

impl Service {
    /// Runs line by line; one that cannot be read ends it all, after those before it.
    pub(super) async fn command_lines(&self, headers: &HeaderMap, body: &[u8]) -> Response<ResponseBody> {
        if body.is_empty() {
            return bad_request();
        }
        let mut replies = Vec::new();
        let mut faults = Vec::new();
        for line in json::Values::new(body) {
            let Some(line) = line.ok().and_then(read) else {
                return bad_request();
            };
            let Some(method) = method(&line.method) else {
                return bad_request();
            };
            match self.command(headers, &line, method, &mut faults).await {
                Outcome::Reply(reply) => write(&mut replies, line.id, &reply),
                Outcome::Instead(response) => return *response,
            }
        }
        let mut response = json_reply(replies);
        for fault in &faults {
            response = self.after(Some(fault), response).await;
        }
        response
    }

    async fn command(
        &self,
        headers: &HeaderMap,
        line: &Line,
        method: Option<&'static str>,
        later: &mut Vec<WireFault>,
    ) -> Outcome {
        let route = ROUTES
            .iter()
            .find(|route| Some(route.name) == method && route.name != "batch");
        let Some(route) = route.filter(|route| self.engine.serves(route)) else {
            return Outcome::Reply(failure(&engine::not_found()));
        };
        // Centrifugo does not look at the parameters of `info`.
        let params = if route.name == "info" {
            b"{}"
        } else {
            &line.params[..]
        };
        let Ok(request) = json::decode(route.request, params) else {
            return Outcome::Reply(failure(&engine::bad_request()));
        };
        let request = Bytes::from(request.protobuf);
        self.record(route, Endpoint::CommandLines, headers, &request);
        let fault = self
            .engine
            .faults
            .on_the_wire(route.name, Endpoint::CommandLines, || {
                (route.channels)(request.clone())
            });
        if let Some(instead) = self.before(fault.as_ref()).await {
            return Outcome::Instead(Box::new(instead));
        }
        later.extend(fault);
        match self.run(route, request, &HashSet::new()) {
            Ok(answer) => reply(route, &answer),
            Err(_) => Outcome::Reply(failure(&engine::bad_request())),
        }
    }
}

fn read(line: &[u8]) -> Option<Line> {
    let read = json::decode(&LINE, line).ok()?;
    // Go reads each method that there is, though the last one counts.
    json::values_of(&LINE, "method", line)
        .into_iter()
        .try_for_each(|json| method(json).map(drop))?;
    Line::decode(&read.protobuf[..]).ok()
}

/// The method that a line is for: `None` for one that cannot be read, `Some(None)` for one that does not exist.
fn method(json: &[u8]) -> Option<Option<&'static str>> {
    if json.is_empty() {
        return Some(Some(NUMBERED[0]));
    }
    let name = json
        .get(1..json.len() - 1)
        .filter(|name| !name.is_empty())
        .unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_lowercase();
    let known = NUMBERED
        .iter()
        .find(|known| !known.is_empty() && **known == name);
    if let Some(known) = known {
        return Some(Some(known));
    }
    let number: i64 = std::str::from_utf8(json).ok()?.parse().ok()?;
    // Go cuts the number to 32 bits.
    #[allow(clippy::cast_possible_truncation)]
    let number = usize::try_from(number as i32).ok();
    Some(
        number
            .and_then(|number| NUMBERED.get(number))
            .copied()
            .filter(|name| !name.is_empty()),
    )
}

/// A reply has the shape of the method's own: `error` or `result`.
fn reply(route: &Route, answer: &Answer) -> Outcome {
    match json::encode(route.response, &answer.response) {
        Ok(reply) if is_writable(&reply) => Outcome::Reply(reply),
        _ => Outcome::Instead(Box::new(internal())),
    }
}

/// Go writes the result, and reads it again to put it into the reply: it may be nested too deep for that.
fn is_writable(reply: &[u8]) -> bool {
    let result = reply
        .strip_prefix(b"{\"result\":")
        .and_then(|rest| rest.strip_suffix(b"}"));
    result.is_none_or(json::is_valid)
}

fn failure(error: &centrifugo_api::ApiError) -> Vec<u8> {
    let mut reply = b"{\"error\":".to_vec();
    reply.extend(json::encode_message(error).unwrap_or_default());
    reply.push(b'}');
    reply
}

/// Adds a reply's line, with the id in front of its other fields.
fn write(replies: &mut Vec<u8>, id: u32, reply: &[u8]) {
    if !replies.is_empty() {
        replies.push(b'\n');
    }
    if id == 0 {
        return replies.extend_from_slice(reply);
    }
    let separator = if reply == b"{}" { "" } else { "," };
    replies.extend_from_slice(format!("{{\"id\":{id}{separator}").as_bytes());
    replies.extend_from_slice(&reply[1..]);
}
