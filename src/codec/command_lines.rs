//! The legacy command endpoint: a POST of command lines to the base URL, the only endpoint of Centrifugo v2 and v3.
//!
//! A call is the line `{"method":…,"params":…}`, a batch is one line per command. The response has a line with
//! `error` or `result` for each. Both are converted from, and into, the JSON of the other HTTP endpoints.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::EncodedBody;
use super::json::parse_error;
use crate::error::Error;

/// An object whose values stay as they are.
type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Encodes a request's JSON as command lines.
pub(super) fn encode(method: &str, request: &[u8]) -> Result<EncodedBody, Error> {
    match lines(method, request) {
        Ok(lines) => Ok(lines.into()),
        Err(problem) => {
            let message = format!("{method}: {problem}; nothing was sent");
            Err(Error::InvalidRequest(message.into()))
        }
    }
}

/// Returns the JSON of the reply that the method's own endpoint would return.
pub(super) fn decode(
    method: &'static str,
    request: &EncodedBody,
    response: &Bytes,
) -> Result<Bytes, Error> {
    reply(method, &request.to_bytes(), response)
        .map_err(|error| parse_error(method, response, error, &|_| Ok(())))
}

/// The methods for whose success older servers return `{}`, without a `result`: v3 does so for all but `publish`, v2
/// also for `publish` and `broadcast`.
const WITHOUT_RESULT: [&str; 6] = [
    "disconnect",
    "history_remove",
    "publish",
    "refresh",
    "subscribe",
    "unsubscribe",
];

/// Returns the result that `{}` stands for, if it stands for one.
fn implied_result(method: &str, params: Option<&RawValue>) -> Option<String> {
    if method == "broadcast" {
        let params: Object<'_> = serde_json::from_str(params?.get()).ok()?;
        let channels: Vec<&RawValue> = serde_json::from_str(params.get("channels")?.get()).ok()?;
        let responses = vec![r#"{"result":{}}"#; channels.len()].join(",");
        return Some(format!(r#"{{"responses":[{responses}]}}"#));
    }
    WITHOUT_RESULT.contains(&method).then(|| "{}".to_owned())
}

/// Turns a request's JSON into command lines; the error says which command is wrong.
pub(super) fn lines(method: &str, request: &[u8]) -> Result<Bytes, String> {
    if method != "batch" {
        let mut line = Vec::with_capacity(request.len() + method.len() + 32);
        write_line(&mut line, method, request);
        return Ok(line.into());
    }
    let mut lines = Vec::with_capacity(request.len());
    for (index, command) in commands(request)?.into_iter().enumerate() {
        let mut fields = command.iter();
        match (fields.next(), fields.next()) {
            (Some((method, params)), None) => {
                write_line(&mut lines, method, params.get().as_bytes());
            }
            _ => {
                return Err(format!(
                    "`commands[{index}]` does not have exactly one method"
                ));
            }
        }
    }
    Ok(lines.into())
}

/// Returns the commands of a batch's JSON.
fn commands(request: &[u8]) -> Result<Vec<Object<'_>>, String> {
    let batch: Object<'_> = serde_json::from_slice(request).map_err(|error| error.to_string())?;
    match batch.get("commands") {
        Some(commands) => serde_json::from_str(commands.get()).map_err(|error| error.to_string()),
        None => Ok(Vec::new()),
    }
}

/// Writes a command. The method's name is escaped: in a batch that is sent with `call_raw` it is any text.
fn write_line(line: &mut Vec<u8>, method: &str, params: &[u8]) {
    line.extend_from_slice(br#"{"method":"#);
    line.extend_from_slice(Value::from(method).to_string().as_bytes());
    line.extend_from_slice(br#","params":"#);
    line.extend_from_slice(params);
    line.extend_from_slice(b"}\n");
}

/// Turns a response's lines into the reply that the method's own endpoint would return.
pub(super) fn reply(
    method: &str,
    request: &[u8],
    response: &Bytes,
) -> Result<Bytes, serde_json::Error> {
    if method == "batch" {
        return batch_reply(request, response);
    }
    if response.trim_ascii() != b"{}" {
        return Ok(response.clone());
    }
    let line: Object<'_> = serde_json::from_slice(request)?;
    match implied_result(method, line.get("params").copied()) {
        Some(result) => Ok(format!(r#"{{"result":{result}}}"#).into()),
        None => Ok(response.clone()),
    }
}

/// Turns the lines that a server returned for a batch's commands into a `BatchResponse`.
fn batch_reply(request: &[u8], response: &Bytes) -> Result<Bytes, serde_json::Error> {
    let commands = serde_json::Deserializer::from_slice(request).into_iter::<Object<'_>>();
    let mut lines = serde_json::Deserializer::from_slice(response).into_iter::<Object<'_>>();
    let mut replies = Vec::new();
    for command in commands {
        let command = command?;
        let Some(line) = lines.next() else { break };
        replies.push(item(&command, &line?));
    }
    // Extra lines become replies too: the caller compares the number of replies with that of commands.
    for line in lines {
        line?;
        replies.push("{}".to_owned());
    }
    Ok(format!(r#"{{"replies":[{}]}}"#, replies.join(",")).into())
}

/// Returns the item of a batch's reply for a command and the line that the server returned for it.
fn item(command: &Object<'_>, line: &Object<'_>) -> String {
    let error = line.get("error").filter(|error| error.get() != "null");
    if let Some(error) = error {
        return format!(r#"{{"error":{error}}}"#);
    }
    // The name has its quotes: it is JSON.
    let Some(name) = command.get("method").map(|name| name.get()) else {
        return "{}".to_owned();
    };
    if let Some(result) = line.get("result") {
        return format!("{{{name}:{result}}}");
    }
    match implied_result(name.trim_matches('"'), command.get("params").copied()) {
        Some(result) => format!("{{{name}:{result}}}"),
        None => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_is_one_line() {
        let lines = lines("publish", br#"{"channel":"a"}"#).unwrap();
        assert_eq!(
            &lines[..],
            b"{\"method\":\"publish\",\"params\":{\"channel\":\"a\"}}\n"
        );
    }

    #[test]
    fn batch_is_one_line_per_command() {
        let lines = lines(
            "batch",
            br#"{"commands":[{"info":{}},{"presence":{"channel":"a"}}],"parallel":true}"#,
        )
        .unwrap();
        let expected = "{\"method\":\"info\",\"params\":{}}\n{\"method\":\"presence\",\"params\":{\"channel\":\"a\"}}\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn method_name_is_escaped() {
        let lines = lines("batch", br#"{"commands":[{"a\",\"b\":\"":{}}]}"#).unwrap();
        assert_eq!(
            lines,
            "{\"method\":\"a\\\",\\\"b\\\":\\\"\",\"params\":{}}\n"
        );
    }

    #[test]
    fn command_without_method_is_refused_by_position() {
        assert!(
            lines("batch", br#"{"commands":[{"info":{}},{}]}"#)
                .unwrap_err()
                .contains("commands[1]")
        );
    }

    #[test]
    fn response_lines_become_replies() {
        let request = lines(
            "batch",
            br#"{"commands":[{"info":{}},{"publish":{}},{"rpc":{}}]}"#,
        )
        .unwrap();
        let response = Bytes::from(
            "{\"result\":{\"nodes\":[]}}\n{\"error\":{\"code\":107}}\n{}\n{\"result\":{}}",
        );
        let reply = reply("batch", &request, &response).unwrap();
        let expected = r#"{"replies":[{"info":{"nodes":[]}},{"error":{"code":107}},{},{}]}"#;
        assert_eq!(reply, expected);
    }

    #[test]
    fn empty_line_is_success_where_older_servers_omit_results() {
        let response = Bytes::from("{}\n");
        assert_eq!(
            reply("refresh", b"{}", &response).unwrap(),
            r#"{"result":{}}"#
        );
        assert_eq!(reply("history", b"{}", &response).unwrap(), response);
        let request = lines("broadcast", br#"{"channels":["a","b"]}"#).unwrap();
        let result = r#"{"result":{"responses":[{"result":{}},{"result":{}}]}}"#;
        assert_eq!(reply("broadcast", &request, &response).unwrap(), result);
        let request = lines("batch", br#"{"commands":[{"publish":{}},{"history":{}}]}"#).unwrap();
        let replies = reply("batch", &request, &Bytes::from("{}\n{}\n")).unwrap();
        assert_eq!(replies, r#"{"replies":[{"publish":{}},{}]}"#);
    }
}
