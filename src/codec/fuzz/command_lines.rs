//! Fuzzes the conversion to and from command lines.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::messages::BatchRequest;
use crate::codec::command_lines::{lines, reply};
use crate::fuzz::fuzz;

fuzz!(command_lines, check);

/// Checks a batch and a response, separated by a NUL.
fn check(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let batch = parts.next().unwrap_or_default();
    let response = parts.next().unwrap_or_default();
    // The batch as `call_raw` takes it, and as `batch` writes it.
    check_lines(batch, response);
    if let Ok(batch) = serde_json::from_slice::<BatchRequest>(batch) {
        check_lines(&serde_json::to_vec(&batch).unwrap(), response);
    }
    for method in ["publish", "broadcast", "history"] {
        if serde_json::from_slice::<&RawValue>(batch).is_ok() {
            let lines = lines(method, batch).unwrap();
            assert_eq!(commands(&lines), 1);
            check_reply(method, &lines, response);
        }
    }
}

/// Checks the lines of a batch, and the reply made of the response to them.
fn check_lines(batch: &[u8], response: &[u8]) {
    let Ok(lines) = lines("batch", batch) else {
        return;
    };
    let batch: BTreeMap<String, &RawValue> = serde_json::from_slice(batch).unwrap();
    let sent = batch.get("commands").map_or(0, |commands| {
        let commands: Vec<&RawValue> = serde_json::from_str(commands.get()).unwrap();
        commands.len()
    });
    assert_eq!(commands(&lines), sent);
    check_reply("batch", &lines, response);
}

/// Returns the number of commands; each must have a method and parameters and nothing else.
fn commands(lines: &[u8]) -> usize {
    let commands =
        serde_json::Deserializer::from_slice(lines).into_iter::<BTreeMap<String, &RawValue>>();
    let mut count = 0;
    for command in commands {
        let fields: Vec<String> = command.unwrap().into_keys().collect();
        assert_eq!(fields, ["method", "params"]);
        count += 1;
    }
    count
}

/// Checks that a reply can be read as the method's own, has an item per line, and is not much longer than its
/// sources.
fn check_reply(method: &str, lines: &Bytes, response: &[u8]) {
    let response = Bytes::copy_from_slice(response);
    let Ok(reply) = reply(method, lines, &response) else {
        return;
    };
    assert!(
        reply.len() <= 32 + 16 * (lines.len() + response.len()),
        "{} bytes",
        reply.len()
    );
    if method == "batch" {
        let reply: BTreeMap<String, Vec<&RawValue>> = serde_json::from_slice(&reply).unwrap();
        let responses = serde_json::Deserializer::from_slice(&response).into_iter::<&RawValue>();
        assert_eq!(reply["replies"].len(), responses.count());
    } else if serde_json::from_slice::<Value>(&response).is_ok() {
        serde_json::from_slice::<Value>(&reply).unwrap();
    }
}
