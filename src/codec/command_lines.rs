//! The legacy command endpoint: a POST of command lines to the base URL, which is what Centrifugo v2 and v3 speak.
//!
//! A call is the line `{"method":…,"params":…}`, a batch one line a command; the answer has a line with `error` or
//! `result` for each. Both are made from, and into, the JSON of the other HTTP endpoints.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// An object whose values stay as they are.
type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The methods whose success older servers answer with `{}`, without a `result`: v3 all but `publish`, v2 `publish`
/// and `broadcast` too.
const WITHOUT_RESULT: [&str; 6] = [
    "disconnect",
    "history_remove",
    "publish",
    "refresh",
    "subscribe",
    "unsubscribe",
];

/// The result that `{}` stands for, if it does.
fn implied_result(method: &str, params: Option<&RawValue>) -> Option<String> {
    if method == "broadcast" {
        let params: Object<'_> = serde_json::from_str(params?.get()).ok()?;
        let channels: Vec<&RawValue> = serde_json::from_str(params.get("channels")?.get()).ok()?;
        return Some(format!(
            r#"{{"responses":[{}]}}"#,
            vec![r#"{"result":{}}"#; channels.len()].join(",")
        ));
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
        let mut parts = command.iter();
        match (parts.next(), parts.next()) {
            (Some((method, params)), None) => {
                write_line(&mut lines, method, params.get().as_bytes())
            }
            _ => return Err(format!("`commands[{index}]` is not about one method")),
        }
    }
    Ok(lines.into())
}

fn commands(request: &[u8]) -> Result<Vec<Object<'_>>, String> {
    let batch: Object<'_> = serde_json::from_slice(request).map_err(|error| error.to_string())?;
    match batch.get("commands") {
        Some(commands) => serde_json::from_str(commands.get()).map_err(|error| error.to_string()),
        None => Ok(Vec::new()),
    }
}

/// In a batch that was called by name, names of methods are whatever the caller wrote.
fn write_line(line: &mut Vec<u8>, method: &str, params: &[u8]) {
    line.extend_from_slice(br#"{"method":"#);
    line.extend_from_slice(Value::from(method).to_string().as_bytes());
    line.extend_from_slice(br#","params":"#);
    line.extend_from_slice(params);
    line.extend_from_slice(b"}\n");
}

/// Turns an answer's lines into the reply that the method's own endpoint would give.
pub(super) fn reply(
    method: &str,
    request: &[u8],
    answer: &Bytes,
) -> Result<Bytes, serde_json::Error> {
    if method != "batch" {
        if answer.trim_ascii() != b"{}" {
            return Ok(answer.clone());
        }
        let line: Object<'_> = serde_json::from_slice(request)?;
        let result = implied_result(method, line.get("params").copied());
        return Ok(result.map_or_else(
            || answer.clone(),
            |result| format!(r#"{{"result":{result}}}"#).into(),
        ));
    }
    let commands = serde_json::Deserializer::from_slice(request).into_iter::<Object<'_>>();
    let mut answers = serde_json::Deserializer::from_slice(answer).into_iter::<Object<'_>>();
    let mut replies = Vec::new();
    for command in commands {
        let command = command?;
        let (Some(name), Some(answer)) = (command.get("method"), answers.next()) else {
            break;
        };
        let (name, answer) = (name.get(), answer?);
        let implied = || implied_result(name.trim_matches('"'), command.get("params").copied());
        replies.push(match (answer.get("error"), answer.get("result")) {
            (Some(error), _) if error.get() != "null" => format!(r#"{{"error":{error}}}"#),
            (_, Some(result)) => format!("{{{name}:{result}}}"),
            (_, None) => {
                implied().map_or_else(|| "{}".to_owned(), |result| format!("{{{name}:{result}}}"))
            }
        });
    }
    // A surplus is for the caller, who counts, to find.
    for answer in answers {
        answer?;
        replies.push("{}".to_owned());
    }
    Ok(format!(r#"{{"replies":[{}]}}"#, replies.join(",")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_is_a_line() {
        let lines = lines("publish", br#"{"channel":"a"}"#).unwrap();
        assert_eq!(
            &lines[..],
            b"{\"method\":\"publish\",\"params\":{\"channel\":\"a\"}}\n"
        );
    }

    #[test]
    fn batch_is_a_line_a_command() {
        let lines = lines(
            "batch",
            br#"{"commands":[{"info":{}},{"presence":{"channel":"a"}}],"parallel":true}"#,
        )
        .unwrap();
        let expected = "{\"method\":\"info\",\"params\":{}}\n{\"method\":\"presence\",\"params\":{\"channel\":\"a\"}}\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn name_cannot_end_its_text() {
        let lines = lines("batch", br#"{"commands":[{"a\",\"b\":\"":{}}]}"#).unwrap();
        assert_eq!(
            lines,
            "{\"method\":\"a\\\",\\\"b\\\":\\\"\",\"params\":{}}\n"
        );
    }

    #[test]
    fn command_about_no_method_is_named() {
        assert!(
            lines("batch", br#"{"commands":[{"info":{}},{}]}"#)
                .unwrap_err()
                .contains("commands[1]")
        );
    }

    #[test]
    fn answers_become_replies() {
        let request = lines(
            "batch",
            br#"{"commands":[{"info":{}},{"publish":{}},{"rpc":{}}]}"#,
        )
        .unwrap();
        let answer = Bytes::from(
            "{\"result\":{\"nodes\":[]}}\n{\"error\":{\"code\":107}}\n{}\n{\"result\":{}}",
        );
        let reply = reply("batch", &request, &answer).unwrap();
        let expected = r#"{"replies":[{"info":{"nodes":[]}},{"error":{"code":107}},{},{}]}"#;
        assert_eq!(reply, expected);
    }

    #[test]
    fn empty_answer_is_a_success_where_older_servers_answer_no_result() {
        let answer = Bytes::from("{}\n");
        assert_eq!(
            reply("refresh", b"{}", &answer).unwrap(),
            r#"{"result":{}}"#
        );
        assert_eq!(reply("history", b"{}", &answer).unwrap(), answer);
        let request = lines("broadcast", br#"{"channels":["a","b"]}"#).unwrap();
        let result = r#"{"result":{"responses":[{"result":{}},{"result":{}}]}}"#;
        assert_eq!(reply("broadcast", &request, &answer).unwrap(), result);
        let request = lines("batch", br#"{"commands":[{"publish":{}},{"history":{}}]}"#).unwrap();
        let replies = reply("batch", &request, &Bytes::from("{}\n{}\n")).unwrap();
        assert_eq!(replies, r#"{"replies":[{"publish":{}},{}]}"#);
    }
}
