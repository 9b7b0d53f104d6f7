//! Tests of the place of an error.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::api::json::from_bytes;
use crate::api::messages::{
    BatchResponse, HistoryResponse, InfoResponse, PresenceResponse, PublishResponse,
};

/// Returns the path of the error of JSON that is not that of a `T`.
fn refused<T: DeserializeOwned>(json: impl AsRef<[u8]>) -> String {
    let json = bytes::Bytes::copy_from_slice(json.as_ref());
    let read = |start: &[u8]| from_bytes::<T>(&json.slice_ref(start)).map(drop);
    let Err(error) = read(&json) else {
        panic!("{} was read", json.escape_ascii());
    };
    path_of_error(&json, &error, &read)
}

#[test]
fn value_of_wrong_type_is_named() {
    let message = refused::<HistoryResponse>;
    assert_eq!(message(r#"{"result":{"offset":"1"}}"#), "result.offset");
    assert_eq!(message(r#"{"result":{"offset":{"a":1}}}"#), "result.offset");
    assert_eq!(
        message(r#"{"result":{"offset":[[]],"epoch":""}}"#),
        "result.offset"
    );
    assert_eq!(
        message("{\n \"result\" :\n {\"offset\" : true\n}}"),
        "result.offset"
    );
    assert_eq!(message(r#"{"result":"ok"}"#), "result");
    assert_eq!(message(r#"{"result": [1, 2]}"#), "result");
    assert_eq!(
        message(r#"{"error":{"code":"1"},"result":{}}"#),
        "error.code"
    );
    for outermost in ["[]", "[{}]", "42", "\"text\"", "true", " [ 1 ] "] {
        assert_eq!(message(outermost), "", "{outermost}");
    }
}

#[test]
fn item_of_list_is_named() {
    let history = |publications: &str| {
        let json = format!(r#"{{"result":{{"publications":{publications},"offset":1}}}}"#);
        refused::<HistoryResponse>(json)
    };
    assert_eq!(history("{}"), "result.publications");
    for (item, path) in [
        ("1", ""),
        (r#""text""#, ""),
        ("[]", ""),
        ("[[1]]", ""),
        (r#"{"offset":-1}"#, ".offset"),
        (r#"{"tags":{"a.b":[]}}"#, ".tags.a.b"),
        (r#"{"info":{"conn_info":{},"user":1}}"#, ".info.user"),
    ] {
        for index in [0, 1, 2] {
            let items = [&[r#"{"data":[{}, "]"]}"#; 2][..index], &[item, "{}"]].concat();
            let found = history(&format!("[{}]", items.join(" , ")));
            assert_eq!(
                found,
                format!("result.publications[{index}]{path}"),
                "{item}"
            );
        }
    }
}

#[test]
fn item_of_list_in_list_is_named() {
    type Lists = BTreeMap<String, Vec<Vec<u8>>>;
    for (json, path) in [
        (r#"{"a":[[1],[2,{}]]}"#, "a[1][1]"),
        (r#"{"a":[[1],[[]]]}"#, "a[1][0]"),
        (r#"{"a":[[ [ 1 ] ]]}"#, "a[0][0]"),
        (r#"{"a":[ {} ]}"#, "a[0]"),
        (r#"{"a":[[],[256]]}"#, "a[1][0]"),
        (r#"{"a":[[],[1 ,2 , "x"]]}"#, "a[1][2]"),
    ] {
        assert_eq!(refused::<Lists>(json), path, "{json}");
    }
    assert_eq!(refused::<Vec<Vec<u8>>>("[[],[1,null]]"), "[1][1]");
}

/// A value that is refused only after it was read.
#[derive(Debug)]
struct Even;

impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        if number % 2 == 0 {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom("odd"))
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Own {
    first: Even,
    #[serde(default)]
    list: Vec<Even>,
    #[serde(default)]
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
enum Kind {
    Plain,
    Own(Box<Own>),
}

#[test]
fn value_refused_after_it_was_read_is_named() {
    for (json, path) in [
        (r#"{"first":1}"#, "first"),
        (r#"{ "first" : 1 }"#, "first"),
        (r#"{"first":1,"list":[]}"#, "first"),
        (r#"{"first":0,"list":[1]}"#, "list[0]"),
        (r#"{"first":0,"list":[0, 1 , 2]}"#, "list[1]"),
        (r#"{"first":0,"list":[2,0,1 ]}"#, "list[2]"),
        (
            r#"{"first":0,"kind":{"Own":{"list":[],"first":1}}}"#,
            "kind.Own.first",
        ),
        (r#"{"first":0,"kind":{"Own":{"list":[]}}}"#, "kind.Own"),
        (r#"{"first":0,"kind":{"Own":[]}}"#, "kind.Own"),
        (r#"{"first":0,"kind":"Unknown"}"#, "kind"),
        (r#"{"first":0,"unknown":1}"#, "unknown"),
        (r#"{"first":0,"first":0}"#, "first"),
        (r#"{"list":[]}"#, ""),
    ] {
        assert_eq!(refused::<Own>(json), path, "{json}");
    }
    assert_eq!(refused::<Even>("1"), "");
    assert_eq!(refused::<Vec<Even>>("[1]"), "[0]");
}

#[test]
fn names_are_shown_unescaped() {
    let client = |name: &str| {
        refused::<PresenceResponse>(format!(
            r#"{{"result":{{"presence":{{{name}:{{"user":7}}}}}}}}"#
        ))
    };
    for (name, shown) in [
        (r#""a b""#, "a b"),
        (r#""a.b[0]""#, "a.b[0]"),
        (r#""""#, ""),
        (r#""\"}],{""#, "\"}],{"),
        (r#""\\""#, "\\"),
        (r#""\\\"""#, "\\\""),
        (r#""\u0061\n\ud83d\ude00""#, "a\n\u{1f600}"),
        ("\"\u{e9}\u{2028}\"", "\u{e9}\u{2028}"),
    ] {
        assert_eq!(
            client(name),
            format!("result.presence.{shown}.user"),
            "{name}"
        );
    }
    assert_eq!(
        refused::<PublishResponse>(r#"{"r\u0065sult":{"offset":[]}}"#),
        "result.offset"
    );
}

#[test]
fn name_that_stands_twice_is_named() {
    assert_eq!(
        refused::<PublishResponse>(r#"{"result":{"offset":1,"offset":2}}"#),
        "result.offset"
    );
    assert_eq!(
        refused::<PublishResponse>(r#"{"result":{},"result":{"offset":""}}"#),
        "result"
    );
}

#[test]
fn payloads_and_unknown_fields_are_passed_over() {
    let json = concat!(
        r#"{"new":[[{"offset":[]}],"\\",{}],"result":{"later":{"a":["}"]},"publications":["#,
        r#"{"data":{"offset":"]}\"","a":[[1,2],{"b":{}}]},"offset":false}]}}"#
    );
    assert_eq!(
        refused::<HistoryResponse>(json),
        "result.publications[0].offset"
    );
    let base64 = r#"{"result":{"publications":[{"data":1,"b64data":"AP/+","offset":{}}]}}"#;
    assert_eq!(
        refused::<HistoryResponse>(base64),
        "result.publications[0].offset"
    );
    let metrics = r#"{"result":{"nodes":[{"metrics":{"items":{"a":1e400}}}]}}"#;
    assert_eq!(
        refused::<InfoResponse>(metrics),
        "result.nodes[0].metrics.items.a"
    );
    let batch = r#"{"replies":[{},{"broadcast":{"responses":[{"error":{"code":"x"}}]}}]}"#;
    assert_eq!(
        refused::<BatchResponse>(batch),
        "replies[1].broadcast.responses[0].error.code"
    );
}

#[test]
fn json_cut_short_names_where_it_ends() {
    for (json, path) in [
        (
            r#"{"result":{"publications":[{"data":{"x":"#,
            "result.publications[0].data.x",
        ),
        (
            r#"{"result":{"publications":[{"offset":1},{"off"#,
            "result.publications[1]",
        ),
        (
            r#"{"result":{"publications":[{"offset":1},"#,
            "result.publications[1]",
        ),
        (
            r#"{"result":{"publications":[{"data":"}]"#,
            "result.publications[0].data",
        ),
        (r#"{"result":{"epoch":"a\"#, "result.epoch"),
        (r#"{"result":{},"#, ""),
        ("", ""),
        ("{", ""),
    ] {
        assert_eq!(refused::<HistoryResponse>(json), path, "{json}");
    }
}

#[test]
fn what_is_no_json_has_a_place_or_none() {
    for (json, path) in [
        (r#"{"result":{"offset":01}}"#, "result.offset"),
        (r#"{"result":{"offset":}}"#, "result.offset"),
        (r#"{"result":{"offset":1,}}"#, "result"),
        (r#"{"result":{"offset":1]}"#, "result.offset"),
        (r#"{"result":{"offset":[1,]}}"#, "result.offset"),
        (r#"{"result":{"epoch":"\x"}}"#, "result.epoch"),
        (r#"{"result":{}}}"#, ""),
        (r#"{"result":{}}x"#, ""),
        (r#"{result:{}}"#, ""),
        ("<html>", ""),
        ("]]]}}},,,\"", ""),
    ] {
        assert_eq!(refused::<PublishResponse>(json), path, "{json}");
    }
    let invalid = b"{\"result\":{\"publications\":[{\"data\":[\"[\xff\"]}]}}";
    assert_eq!(
        refused::<HistoryResponse>(invalid),
        "result.publications[0].data[0]"
    );
    assert_eq!(refused::<HistoryResponse>(b"\xff"), "");
}

#[test]
fn deep_values_are_not_tracked_but_passed_over() {
    let open = "[".repeat(200_000);
    let close = "]".repeat(200_000);
    let publication = format!(r#"{{"data":{open}"]",1,2{close},"tags":{open}"#);
    let json = format!(r#"{{"result":{{"publications":[{publication}"#);
    assert_eq!(
        refused::<HistoryResponse>(&json),
        "result.publications[0].tags"
    );
    let deep = format!("{{\"x\":{open}\"");
    let path = refused::<PublishResponse>(&deep);
    assert_eq!(path, format!("x{}", "[0]".repeat(MAX_DEPTH - 1)));
}

#[test]
fn long_reply_is_searched_to_its_end() {
    let publication = format!(r#"{{"data":"{}"}},"#, "\\\"".repeat(500));
    let publications = publication.repeat(5000);
    let json = format!(r#"{{"result":{{"publications":[{publications}{{"offset":""}}]}}}}"#);
    assert!(json.len() > 5_000_000);
    assert_eq!(
        refused::<HistoryResponse>(json),
        "result.publications[5000].offset"
    );
}

#[test]
fn start_of_what_was_written_ends_at_a_path() {
    for (start, path) in [
        (r#"{"channel":"news","data":"#, "data"),
        (
            r#"{"commands":[{"info":{}},{"publish":{"channel":"a","data":"#,
            "commands[1].publish.data",
        ),
        (r#"{"map":{"#, "map"),
        // The long payload of another field is not here: it is not copied.
        (r#"{"info":,"data":"#, "data"),
    ] {
        assert_eq!(path_of_end(start.as_bytes()), path, "{start}");
    }
}
