//! Mistakes are named with the option or the variable, and with the fix.

use std::ffi::OsString;

use super::super::environment::variable;
use super::super::options::{self, Set};
use super::{failure, from_json, from_variables, url};
use crate::client::{ClientBuilder, ClientSettings};
use crate::error::Error;

/// Checks the error of a variable.
#[track_caller]
fn assert_variable(name: &str, value: &str, expected: &str) {
    let mut variables = vec![(name, value)];
    if name != "CENTRIFUGO_URL" {
        variables.push(("CENTRIFUGO_URL", url()));
    }
    let error = from_variables(&variables).map(|builder| panic!("{builder:?}"));
    let error: Error = error.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(name) && text.contains(expected), "{text}");
}

/// Checks the error of JSON with a URL and these members.
#[track_caller]
fn assert_json(members: &str, expected: &[&str]) {
    let json = format!(r#"{{"url": "{}", {members}}}"#, url());
    let error = from_json(&json).map(|settings| panic!("{settings:?}"));
    let error: String = error.unwrap_err();
    for part in expected {
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
}

#[test]
fn missing_url_is_named_with_example() {
    let error = failure(from_variables(&[]));
    assert!(error.starts_with("CENTRIFUGO_URL is not set"), "{error}");
    assert!(error.contains("http://localhost:8000/api"), "{error}");
    assert!(failure(from_json("{}")).contains("missing field `url`"));
    assert!(failure(from_json(r#"{"url": null}"#)).contains("missing field `url`"));
}

#[test]
fn wrong_urls_are_named() {
    assert_variable(
        "CENTRIFUGO_URL",
        "",
        "is empty: set it to the URL of the server",
    );
    assert_variable("CENTRIFUGO_URL", "localhost", "no scheme");
    assert_variable("CENTRIFUGO_URL", "http://a/api,", "remove the comma");
    assert_variable("CENTRIFUGO_URL", "http://a/api,localhost", "no scheme");
    let error = failure(from_variables(&[("CENTRIFUGO_URL", "localhost")]));
    assert!(
        error.starts_with("CENTRIFUGO_URL `localhost`: it has no scheme"),
        "{error}"
    );
    let settings = from_json(r#"{"url": "localhost"}"#).map(|settings| settings.builder());
    let error = failure(settings.unwrap());
    assert!(
        error.starts_with("url `localhost`: it has no scheme"),
        "{error}"
    );
    for url in ["[]", r#"[""]"#, r#""""#, "7", "{}"] {
        let error = failure(from_json(&format!(r#"{{"url": {url}}}"#)));
        assert!(error.contains("url"), "{url}: {error}");
    }
}

#[test]
fn empty_variables_are_named_for_each_option() {
    for option in options::all() {
        assert_variable(
            &variable(option.name),
            "",
            "is empty: set it, or leave it out",
        );
    }
}

#[test]
fn values_of_wrong_kind_are_named_for_each_option() {
    for option in options::all() {
        let name = variable(option.name);
        match option.set {
            Set::Time(_) => {
                for text in [
                    "10",
                    "ten",
                    "-1s",
                    "1d",
                    "1.5",
                    "s",
                    ".s",
                    "1s2",
                    "1 s",
                    "1e9s",
                    "99999999999h",
                ] {
                    assert_variable(&name, text, "is not a time with a unit");
                }
            }
            Set::Number(_) => {
                for text in ["-1", "1.5", "1k", "1_000"] {
                    assert_variable(&name, text, "is not a whole number");
                }
            }
            Set::Switch(_) => {
                for text in ["yes", "TRUE", "2"] {
                    assert_variable(&name, text, "is neither true nor false");
                }
            }
            Set::Text(_) => assert_variable(&name, "the-secret\n", "white space"),
            Set::File(_) => assert_variable(&name, "/no/such/file", "cannot read"),
            Set::Off(needed) => assert_variable(&name, "1", needed),
        }
    }
}

#[test]
fn zeros_are_named() {
    assert_variable("CENTRIFUGO_TIMEOUT", "0s", "is zero: set a longer time");
    assert_variable(
        "CENTRIFUGO_RETRY_MAX_ATTEMPTS",
        "0",
        "is zero: set a larger number",
    );
    assert_json(r#""timeout": "0s""#, &["timeout is zero"]);
    assert_json(r#""max_in_flight": 0"#, &["max_in_flight is zero"]);
}

#[cfg(unix)]
#[test]
fn variable_that_is_not_utf8_is_named_and_not_shown() {
    use std::os::unix::ffi::OsStringExt as _;
    let secret = OsString::from_vec(b"the-secret\xff".to_vec());
    let built = ClientBuilder::from_lookup(&|name| match name {
        "CENTRIFUGO_URL" => Some(url().into()),
        "CENTRIFUGO_API_KEY" => Some(secret.clone()),
        _ => None,
    });
    let error = failure(built);
    assert!(
        error.starts_with("CENTRIFUGO_API_KEY is not UTF-8"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn unknown_options_are_named_with_known_ones() {
    assert_json(
        r#""timeuot": "10s""#,
        &["unknown option timeuot", "timeout", "url", "retry"],
    );
    assert_json(
        r#""retry": {"attempts": 3}"#,
        &["unknown option retry.attempts", "max_attempts"],
    );
    assert_json(
        r#""retry.max_attempts": 3"#,
        &["unknown option retry.max_attempts"],
    );
    assert_json(r#""retry": {"url": "x"}"#, &["unknown option retry.url"]);
}

#[test]
fn values_of_wrong_kind_are_named_in_files() {
    assert_json(r#""timeout": 10"#, &["timeout must be a time", "10s"]);
    assert_json(
        r#""timeout": "10""#,
        &["timeout: `10` is not a time with a unit"],
    );
    assert_json(
        r#""max_in_flight": "eight""#,
        &["max_in_flight: `eight` is not a whole number"],
    );
    assert_json(
        r#""max_in_flight": -8"#,
        &["max_in_flight must be a whole number"],
    );
    assert_json(
        r#""max_in_flight": 1.5"#,
        &["max_in_flight must be a whole number"],
    );
    assert_json(
        r#""request_ids": "yes""#,
        &["request_ids: `yes` is neither true nor false"],
    );
    assert_json(
        r#""request_ids": 1"#,
        &["request_ids must be true or false"],
    );
    assert_json(r#""server_version": 5.1"#, &["server_version must be text"]);
    assert_json(r#""retry": 3"#, &["a table of options"]);
    assert_json(r#""headers": []"#, &["a table of names and values"]);
    assert_json(r#""retry": 5"#, &["a table of options for retry"]);
    assert_json(r#""retry": "5""#, &["the table of options retry should be"]);
    let text = failure(from_json(r#""s3cr3t""#));
    assert!(
        text.contains("write a table") && !text.contains("s3cr3t"),
        "{text}"
    );
    let list = failure(from_json(r#"{"url": ["http://a/api", 5]}"#));
    assert!(list.contains("a URL in the list url"), "{list}");
    let unknown = failure(from_json("{\n\"url\": \"http://a/api\",\n\"timout\": 1}"));
    assert!(
        unknown.contains("timout") && unknown.contains("at line 3"),
        "{unknown}"
    );
    assert_json(r#""user_agent": """#, &["user_agent is empty"]);
    assert_json(
        r#""timeout": "1s", "timeout": "2s""#,
        &["timeout is set twice"],
    );
    assert_json(
        r#""timeout": null, "timeout": "2s""#,
        &["timeout is set twice"],
    );
}

#[test]
fn secrets_are_not_shown() {
    for members in [
        r#""api_key": 123454321"#,
        r#""api_key": " 123454321""#,
        r#""api_key": true"#,
        r#""headers": {"X-Secret": 123454321}"#,
        r#""headers": {"X-Secret": -12345.4321}"#,
    ] {
        let error = failure(from_json(&format!(r#"{{"url": "{}", {members}}}"#, url())));
        assert!(!error.contains("4321"), "{error}");
    }
    let json = r#"{"url": "http://u:key-4321@a/api", "api_key": "key-4321", "headers": {"X-Secret": "key-4321"}, "timeout": "3s"}"#;
    let settings: ClientSettings = from_json(json).unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("4321"), "{shown}");
    assert!(
        shown.contains("X-Secret") && shown.contains("3s"),
        "{shown}"
    );
}
