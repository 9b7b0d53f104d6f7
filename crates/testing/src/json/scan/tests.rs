//! Tests of the syntax of JSON.

use super::*;

#[test]
fn valid_json_is_accepted_as_in_go() {
    for json in [
        "null",
        " true ",
        "\t[\r\n]\n",
        "{}",
        "-0",
        "0.5e+10",
        "1E-2",
        "[1,[],{}]",
        r#"{"a":{"b":[""]},"a":1}"#,
        r#""\u00e9\"\\\/\b\f\n\r\t""#,
        "\"\u{7f}\"",
    ] {
        assert!(check(json.as_bytes()).is_ok(), "{json}");
    }
    assert!(check(b"\"\xff\"").is_ok(), "invalid UTF-8");
}

#[test]
fn invalid_json_is_refused_as_in_go() {
    for json in [
        "",
        " ",
        "nul",
        "True",
        "1 2",
        "{}}",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{a:1}"#,
        r#"{"a":1 "b":2}"#,
        "[}",
        "{]",
        "[",
        "{",
        "\"",
        "\"\n\"",
        r#""\x""#,
        r#""\u12g4""#,
        r#""\u123""#,
        "'a'",
        "\u{feff}{}",
        "\u{a0}1",
        "// 1",
    ] {
        assert!(check(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn nesting_is_limited_as_in_go() {
    for (begin, end) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = |depth| {
            [
                begin.repeat(depth - 1),
                "{}".to_owned(),
                end.repeat(depth - 1),
            ]
            .concat()
        };
        assert!(check(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(check(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(check(begin.repeat(1_000_000).as_bytes()).is_err());
    }
}

/// Returns the values in front of the first error, and whether there is no error.
fn values(json: &str) -> (Vec<&str>, bool) {
    let results: Vec<_> = Values::new(json.as_bytes()).collect();
    let is_valid = results.iter().all(Result::is_ok);
    let values = results.into_iter().flatten();
    let texts = values.map(|value| std::str::from_utf8(value).unwrap());
    (texts.collect(), is_valid)
}

#[test]
fn values_need_no_separator() {
    for (json, expected, is_valid) in [
        ("", &[][..], true),
        (" \n", &[], true),
        ("{} {\"a\":1}\n[2]\n", &["{}", "{\"a\":1}", "[2]"], true),
        (
            "{}[]1\"x\"truenull-2",
            &["{}", "[]", "1", "\"x\"", "true", "null", "-2"],
            true,
        ),
        ("01", &["0", "1"], true),
        ("{} {", &["{}"], false),
        ("{},{}", &["{}"], false),
        ("1 x 2", &["1"], false),
    ] {
        assert_eq!(values(json), (expected.to_vec(), is_valid), "{json}");
    }
}
