use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::legacy::{lines, reply};
use crate::BatchRequest;
use crate::fuzz::fuzz;

fuzz!(command_lines, check);

/// A batch and an answer, apart by a NUL.
fn check(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (batch, answer) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    // As `call_raw` takes it, and as `batch` writes it.
    check_lines(batch, answer);
    if let Ok(batch) = serde_json::from_slice::<BatchRequest>(batch) {
        check_lines(&serde_json::to_vec(&batch).unwrap(), answer);
    }
    for method in ["publish", "broadcast", "history"] {
        if serde_json::from_slice::<&RawValue>(batch).is_ok() {
            let lines = lines(method, batch).unwrap();
            assert_eq!(commands(&lines), 1);
            check_reply(method, &lines, answer);
        }
    }
}

fn check_lines(batch: &[u8], answer: &[u8]) {
    let Ok(lines) = lines("batch", batch) else {
        return;
    };
    let sent: BTreeMap<String, &RawValue> = serde_json::from_slice(batch).unwrap();
    let sent = sent
        .get("commands")
        .map(|commands| serde_json::from_str::<Vec<&RawValue>>(commands.get()));
    assert_eq!(
        commands(&lines),
        sent.map_or(0, |commands| commands.unwrap().len())
    );
    check_reply("batch", &lines, answer);
}

/// How many commands there are, each of which has a method and parameters and nothing else.
fn commands(lines: &[u8]) -> usize {
    let commands =
        serde_json::Deserializer::from_slice(lines).into_iter::<BTreeMap<String, &RawValue>>();
    let check = |command: Result<BTreeMap<String, &RawValue>, _>| {
        assert_eq!(
            command.unwrap().into_keys().collect::<Vec<_>>(),
            ["method", "params"]
        );
    };
    commands.map(check).count()
}

/// A reply can be read as the method's own, has a part for each answer, and is not much longer than what it is of.
fn check_reply(method: &str, lines: &Bytes, answer: &[u8]) {
    let answer = Bytes::copy_from_slice(answer);
    let Ok(reply) = reply(method, lines, &answer) else {
        return;
    };
    assert!(
        reply.len() <= 32 + 16 * (lines.len() + answer.len()),
        "{} bytes",
        reply.len()
    );
    if method == "batch" {
        let reply: BTreeMap<String, Vec<&RawValue>> = serde_json::from_slice(&reply).unwrap();
        let answers = serde_json::Deserializer::from_slice(&answer).into_iter::<&RawValue>();
        assert_eq!(reply["replies"].len(), answers.count());
    } else if serde_json::from_slice::<Value>(&answer).is_ok() {
        serde_json::from_slice::<Value>(&reply).unwrap();
    }
}
