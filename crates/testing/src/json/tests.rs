//! Tests of decoding and encoding, with a message of every shape and with messages of the schema.

use centrifugo_api::api;
use prost::Message as _;

use crate::json::{Described, FieldDescriptor, FieldKind, MessageDescriptor, decode, encode};

const fn field(name: &'static str, number: u32, kind: FieldKind) -> FieldDescriptor {
    FieldDescriptor {
        name,
        number,
        kind,
        repeated: false,
        optional: false,
        always: false,
    }
}

static SAMPLE: MessageDescriptor = MessageDescriptor {
    name: "Sample",
    fields: &[
        field("flag", 1, FieldKind::Bool),
        field("name", 2, FieldKind::Text),
        field("data", 3, FieldKind::Payload),
        field("count", 4, FieldKind::Uint32),
        FieldDescriptor {
            optional: true,
            ..field("maybe", 5, FieldKind::Int64)
        },
        FieldDescriptor {
            repeated: true,
            ..field("names", 6, FieldKind::Text)
        },
        FieldDescriptor {
            repeated: true,
            ..field("items", 7, FieldKind::Message(&SAMPLE))
        },
        field(
            "tags",
            8,
            FieldKind::Map {
                key: &FieldKind::Text,
                value: &FieldKind::Text,
            },
        ),
        field("inner", 9, FieldKind::Message(&SAMPLE)),
        field(
            "numbered",
            10,
            FieldKind::Map {
                key: &FieldKind::Sint32,
                value: &FieldKind::Message(&SAMPLE),
            },
        ),
        field("ratio", 11, FieldKind::Double),
        FieldDescriptor {
            repeated: true,
            ..field("offsets", 12, FieldKind::Fixed64)
        },
        field("risks", 13, FieldKind::Float),
        field("RISKS", 14, FieldKind::Float),
    ],
};

static ALWAYS: MessageDescriptor = MessageDescriptor {
    name: "Always",
    fields: &[
        FieldDescriptor {
            always: true,
            ..field("text", 1, FieldKind::Text)
        },
        FieldDescriptor {
            always: true,
            ..field("number", 2, FieldKind::Uint64)
        },
        FieldDescriptor {
            always: true,
            repeated: true,
            ..field("list", 3, FieldKind::Message(&SAMPLE))
        },
        FieldDescriptor {
            always: true,
            ..field(
                "map",
                4,
                FieldKind::Map {
                    key: &FieldKind::Text,
                    value: &FieldKind::Bool,
                },
            )
        },
        FieldDescriptor {
            always: true,
            ..field("flag", 5, FieldKind::Bool)
        },
    ],
};

/// Decodes the JSON and encodes it again.
fn rewritten(json: &str) -> Option<String> {
    let decoded = decode(&SAMPLE, json.as_bytes()).ok()?;
    let json = encode(&SAMPLE, &decoded.protobuf).unwrap();
    Some(String::from_utf8(json).unwrap())
}

/// JSON, and the JSON of the message that is decoded from it.
const DECODED: &[(&str, &str)] = &[
    ("null", "{}"),
    (r#" { "count" : 1 } "#, r#"{"count":1}"#),
    (
        r#"{"other":[{"a":"}"}],"COUNT":2,"Na\u006de":"x","i\u017fems":1}"#,
        r#"{"name":"x","count":2}"#,
    ),
    ("{\"ri\u{17f}\u{212a}s\":1}", r#"{"risks":1}"#),
    (r#"{"RISKS":2}"#, r#"{"RISKS":2}"#),
    // Null leaves scalars unchanged, and clears everything else but payloads.
    (
        r#"{"flag":true,"flag":null,"name":"a","name":null,"count":3,"count":null}"#,
        r#"{"flag":true,"name":"a","count":3}"#,
    ),
    (r#"{"maybe":0}"#, r#"{"maybe":0}"#),
    (r#"{"maybe":1,"maybe":null}"#, "{}"),
    (r#"{"data":null}"#, r#"{"data":null}"#),
    (r#"{"data":1,"data":[ 1, 2 ]}"#, r#"{"data":[1,2]}"#),
    (
        r#"{"inner":{},"inner":null,"names":["a"],"names":null,"tags":{"a":"b"},"tags":null}"#,
        "{}",
    ),
    // A later message or map is merged; a later list overwrites items, and null leaves them.
    (
        r#"{"inner":{"name":"a"},"inner":{"count":1}}"#,
        r#"{"inner":{"name":"a","count":1}}"#,
    ),
    (
        r#"{"tags":{"a":"b","c":null},"tags":{"d":"e","a":"f"}}"#,
        r#"{"tags":{"a":"f","c":"","d":"e"}}"#,
    ),
    (r#"{"names":["a","b"],"names":["c"]}"#, r#"{"names":["c"]}"#),
    (
        r#"{"names":["a","b"],"names":["c"],"names":[null,null,null]}"#,
        r#"{"names":["c","b",""]}"#,
    ),
    (
        r#"{"names":["a","b"],"names":[],"names":[null]}"#,
        r#"{"names":[""]}"#,
    ),
    (
        r#"{"items":[{"name":"a"},null],"items":[{"count":1}]}"#,
        r#"{"items":[{"name":"a","count":1}]}"#,
    ),
    (
        r#"{"items":[{"items":[{},{"flag":true}]},{}]}"#,
        r#"{"items":[{"items":[{},{"flag":true}]},{}]}"#,
    ),
    (
        r#"{"numbered":{"+7":{"count":1},"10":null,"-1":{},"7":{"flag":true}}}"#,
        r#"{"numbered":{"-1":{},"10":{},"7":{"flag":true}}}"#,
    ),
    (
        r#"{"offsets":[1,null,18446744073709551615],"ratio":1e1}"#,
        r#"{"ratio":10,"offsets":[1,0,18446744073709551615]}"#,
    ),
    (
        r#"{"name":"\ud83d<\u2028"}"#,
        "{\"name\":\"\u{fffd}\\u003c\\u2028\"}",
    ),
];

#[test]
fn messages_are_decoded_as_by_go() {
    for (json, expected) in DECODED {
        assert_eq!(rewritten(json).as_deref(), Some(*expected), "{json}");
    }
}

#[test]
fn values_of_another_type_are_refused() {
    for json in [
        "1",
        "[]",
        "\"\"",
        "true",
        r#"{"flag":1}"#,
        r#"{"flag":"true"}"#,
        r#"{"name":1}"#,
        r#"{"name":{}}"#,
        r#"{"count":"1"}"#,
        r#"{"count":-1}"#,
        r#"{"count":1.0}"#,
        r#"{"count":4294967296}"#,
        r#"{"maybe":[]}"#,
        r#"{"names":"a"}"#,
        r#"{"names":{}}"#,
        r#"{"names":[1]}"#,
        r#"{"items":[[]]}"#,
        r#"{"items":[true]}"#,
        r#"{"tags":[]}"#,
        r#"{"tags":{"a":1}}"#,
        r#"{"inner":"a"}"#,
        r#"{"inner":[]}"#,
        r#"{"numbered":{"a":{}}}"#,
        r#"{"numbered":{"1.0":{}}}"#,
        r#"{"ratio":1e400}"#,
        r#"{"ratio":"1"}"#,
        r#"{"risks":1e39}"#,
        // The syntax is checked everywhere.
        r#"{"other":01}"#,
        "{} {}",
    ] {
        assert!(decode(&SAMPLE, json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn errors_name_the_field() {
    let error = decode(&SAMPLE, br#"{"inner":{"count":true}}"#)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "`Sample.count` has a value of another type"
    );
}

#[test]
fn nulls_in_outermost_lists_of_messages_are_reported() {
    for (json, nulls) in [
        (r#"{"items":[null,{},null],"names":[null]}"#, &[0, 2][..]),
        (r#"{"items":[{"items":[null]}]}"#, &[]),
        (r#"{"items":[null,null],"items":[{}]}"#, &[]),
    ] {
        assert_eq!(
            decode(&SAMPLE, json.as_bytes()).unwrap().nulls,
            nulls,
            "{json}"
        );
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for (begin, inmost, end, depth) in [
        (r#"{"inner":"#, "{}", "}", 9_999),
        (r#"{"items":["#, "{}", "]}", 4_999),
        (r#"{"numbered":{"1":"#, "{}", "}}", 4_999),
    ] {
        let json = [begin.repeat(depth), inmost.to_owned(), end.repeat(depth)].concat();
        assert!(rewritten(&json).as_deref() == Some(&*json), "{begin}");
    }
    let nested = ["[".repeat(9_999), "]".repeat(9_999)].concat();
    let json = format!(r#"{{"other":{nested},"data":{nested}}}"#);
    assert!(rewritten(&json).is_some_and(|json| json == format!(r#"{{"data":{nested}}}"#)));
}

#[test]
fn zeros_are_written_where_go_writes_them() {
    let written = String::from_utf8(encode(&ALWAYS, b"").unwrap()).unwrap();
    assert_eq!(
        written,
        r#"{"text":"","number":0,"list":[],"map":{},"flag":false}"#
    );
    let written = String::from_utf8(encode(api::HistoryResult::DESCRIPTOR, b"").unwrap()).unwrap();
    assert_eq!(written, r#"{"publications":[],"epoch":"","offset":0}"#);
    let presence = api::PresenceResult::new().presence([("b", api::ClientInfo::default())]);
    let written = encode(api::PresenceResult::DESCRIPTOR, &presence.encode_to_vec()).unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        r#"{"presence":{"b":{"user":"","client":""}}}"#
    );
}

#[test]
fn messages_of_the_schema_are_read_and_written() {
    let json = br#"{"commands":[{"publish":{"channel":"news","data":{"a":1},"tags":{"b":"c"}}},null],"parallel":true}"#;
    let decoded = decode(api::BatchRequest::DESCRIPTOR, json).unwrap();
    let batch = api::BatchRequest::decode(&*decoded.protobuf).unwrap();
    assert_eq!((batch.commands.len(), batch.parallel), (2, true));
    assert_eq!(decoded.nulls, [1]);
    let publish = batch.commands[0].publish.as_ref().unwrap();
    assert_eq!(
        (&*publish.channel, &*publish.data, &*publish.tags["b"]),
        ("news", &br#"{"a":1}"#[..], "c")
    );
    let written = encode(api::BatchRequest::DESCRIPTOR, &batch.encode_to_vec()).unwrap();
    let written = String::from_utf8(written).unwrap();
    assert_eq!(
        written.as_bytes(),
        String::from_utf8_lossy(json)
            .replace("null", "{}")
            .as_bytes()
    );
}

#[test]
fn payloads_that_are_not_json_are_refused() {
    for payload in [&b"not json"[..], b"\xff", b"{}{}", b" "] {
        let request = api::PublishRequest::new("", payload.to_vec());
        let error = encode(api::PublishRequest::DESCRIPTOR, &request.encode_to_vec())
            .err()
            .unwrap();
        assert!(
            error.to_string().starts_with("a payload is not JSON: "),
            "{error}"
        );
    }
}

#[test]
fn malformed_protobuf_is_an_error() {
    for protobuf in [
        &b"\x12"[..],
        b"\x12\x05a",
        b"\x12\x80",
        b"\x10\x01",
        b"\x0b",
        b"\x4a\x02\x12\x05",
        b"\x42\x01\x08",
    ] {
        assert!(encode(&SAMPLE, protobuf).is_err(), "{protobuf:?}");
    }
}
