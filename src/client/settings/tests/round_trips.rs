//! Each option does what the method of the builder does.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::environment::variable;
use super::super::options::{self, Set};
use super::{from_json, from_variables, url};
use crate::call::Retry;
use crate::client::{Client, ClientBuilder};

/// A value of an option: as a variable, in JSON, and as a call of the builder.
struct Sample<'a> {
    name: &'static str,
    variable: &'static str,
    json: &'a str,
    call: fn(ClientBuilder) -> ClientBuilder,
}

macro_rules! samples {
    ($($name:literal = $variable:literal, $json:literal => $call:expr;)*) => {
        vec![$(Sample { name: $name, variable: $variable, json: $json, call: $call }),*]
    };
}

const SECOND: Duration = Duration::from_secs(1);

fn common() -> Vec<Sample<'static>> {
    samples! {
        "api_key" = "secret", r#""secret""# => |b| b.api_key("secret");
        "bearer_token" = "a.b.c", r#""a.b.c""# => |b| b.bearer_token("a.b.c");
        "key_and_bearer_token" = "true", "true" => |b| b.key_and_bearer_token();
        "timeout" = "1.5s", r#""1.5s""# => |b| b.timeout(SECOND * 3 / 2);
        "attempt_timeout" = "500ms", r#""500ms""# => |b| b.attempt_timeout(SECOND / 2);
        "connect_timeout" = "2m", r#""2m""# => |b| b.connect_timeout(SECOND * 120);
        "retry.max_attempts" = "7", "7" => |b| b.retry(Retry::default().max_attempts(7));
        "retry.first_wait" = "0s", r#""0s""# => |b| b.retry(Retry::default().first_wait(Duration::ZERO));
        "retry.longest_wait" = "1h1m", r#""1h1m""# => |b| b.retry(Retry::default().longest_wait(SECOND * 3660));
        "retry.idempotency_keys" = "true", "true" => |b| b.retry(Retry::default().idempotency_keys());
        "retry_budget" = "0", "0" => |b| b.retry_budget(0);
        "max_in_flight" = "8", "8" => |b| b.max_in_flight(8);
        "max_request_size" = "9", "9" => |b| b.max_request_size(9);
        "max_response_size" = "10", "10" => |b| b.max_response_size(10);
        "split_above" = "11", "11" => |b| b.split_above(11);
        "request_ids" = "1", "true" => |b| b.request_ids();
        "user_agent" = "mine/1", r#""mine/1""# => |b| b.user_agent("mine/1");
        "error_mode_transport" = "true", "true" => |b| b.error_mode_transport();
        "server_version" = "5.1", r#""5.1""# => |b| b.server_version("5.1");
        "tcp_keepalive" = "1s", r#""1s""# => |b| b.tcp_keepalive(SECOND);
        "http2_keep_alive" = "10s", r#""10s""# => |b| b.http2_keep_alive(SECOND * 10);
        "http2_keep_alive_timeout" = "1000us", r#""1000us""# => |b| b.http2_keep_alive_timeout(SECOND / 1000);
    }
}

#[cfg(unix)]
fn unix() -> Vec<Sample<'static>> {
    samples! {
        "unix_socket" = "/run/a socket", r#""/run/a socket""# => |b| b.unix_socket("/run/a socket");
    }
}

#[cfg(not(unix))]
fn unix() -> Vec<Sample<'static>> {
    Vec::new()
}

#[cfg(feature = "_http")]
fn http() -> Vec<Sample<'static>> {
    samples! {
        "legacy_commands" = "true", "true" => |b| b.legacy_commands();
        "idle_timeout" = "3s", r#""3s""# => |b| b.idle_timeout(SECOND * 3);
        "max_idle_connections" = "0", "0" => |b| b.max_idle_connections(0);
        "no_proxy" = "true", "true" => |b| b.no_proxy();
    }
}

#[cfg(not(feature = "_http"))]
fn http() -> Vec<Sample<'static>> {
    Vec::new()
}

#[cfg(feature = "hyper")]
fn hyper() -> Vec<Sample<'static>> {
    samples! { "hyper" = "true", "true" => |b| b.hyper(); }
}

#[cfg(not(feature = "hyper"))]
fn hyper() -> Vec<Sample<'static>> {
    Vec::new()
}

#[cfg(feature = "grpc")]
fn grpc() -> Vec<Sample<'static>> {
    samples! {
        "grpc_connections" = "12", "12" => |b| b.grpc_connections(12);
        "authority" = "example.com", r#""example.com""# => |b| b.authority("example.com");
    }
}

#[cfg(not(feature = "grpc"))]
fn grpc() -> Vec<Sample<'static>> {
    Vec::new()
}

#[cfg(all(feature = "grpc", feature = "gzip"))]
fn gzip() -> Vec<Sample<'static>> {
    samples! { "grpc_gzip" = "true", "true" => |b| b.grpc_gzip(); }
}

#[cfg(not(all(feature = "grpc", feature = "gzip")))]
fn gzip() -> Vec<Sample<'static>> {
    Vec::new()
}

#[cfg(feature = "_tls")]
fn tls() -> Vec<Sample<'static>> {
    samples! {
        "server_name" = "example.com", r#""example.com""# => |b| b.server_name("example.com");
        "danger_accept_invalid_certs" = "true", "true" => |b| b.danger_accept_invalid_certs();
    }
}

#[cfg(not(feature = "_tls"))]
fn tls() -> Vec<Sample<'static>> {
    Vec::new()
}

fn samples() -> Vec<Sample<'static>> {
    let samples = [common(), unix(), http(), hyper(), grpc(), gzip(), tls()];
    samples.into_iter().flatten().collect()
}

/// Returns settings in JSON with one option.
fn json(sample: &Sample<'_>) -> String {
    let Sample { name, json, .. } = sample;
    let option = match name.split_once('.') {
        Some((table, name)) => format!(r#""{table}": {{"{name}": {json}}}"#),
        None => format!(r#""{name}": {json}"#),
    };
    format!(r#"{{"url": "{}", {option}}}"#, url())
}

#[test]
fn each_option_is_that_of_builder() {
    let default = Client::builder(url()).described();
    for sample in samples() {
        let name = sample.name;
        let expected = (sample.call)(Client::builder(url())).described();
        assert_ne!(expected, default, "{name} has no effect");

        let variables = [
            ("CENTRIFUGO_URL", url()),
            (&*variable(name), sample.variable),
        ];
        let builder = from_variables(&variables).unwrap();
        assert_eq!(builder.described(), expected, "{name} of the environment");

        let settings = from_json(&json(&sample)).unwrap();
        let builder = settings.builder().unwrap();
        assert_eq!(builder.described(), expected, "{name} of a file");
    }
}

#[test]
fn each_option_may_be_text() {
    for sample in samples() {
        let expected = (sample.call)(Client::builder(url())).described();
        let text = format!("\"{}\"", sample.variable);
        let sample = Sample {
            json: &text,
            ..sample
        };
        let settings = from_json(&json(&sample)).unwrap();
        let name = sample.name;
        assert_eq!(settings.builder().unwrap().described(), expected, "{name}");
    }
}

#[test]
fn each_available_option_has_sample() {
    let sampled: BTreeSet<&str> = samples().iter().map(|sample| sample.name).collect();
    // The options that name files are tested with files.
    let available =
        options::all().filter(|option| !matches!(option.set, Set::Off(_) | Set::File(_)));
    let available: BTreeSet<&str> = available.map(|option| option.name).collect();
    assert_eq!(sampled, available);
}

#[test]
fn several_urls_are_nodes() {
    let [first, second] = ["http://a:8000/api", "http://b:8000/api"];
    let expected = Client::builder(first).endpoint(second).described();
    let listed = format!("{first}, {second}");
    let builder = from_variables(&[("CENTRIFUGO_URL", &listed)]).unwrap();
    assert_eq!(builder.described(), expected);
    for url in [
        format!(r#""{listed}""#),
        format!(r#"["{first}", "{second}"]"#),
    ] {
        let settings = from_json(&format!(r#"{{"url": {url}}}"#)).unwrap();
        assert_eq!(settings.builder().unwrap().described(), expected);
    }
}

#[test]
fn headers_are_those_of_builder() {
    let expected = Client::builder(url())
        .header("X-Tenant", "acme")
        .header("X-Empty", "");
    let json = format!(
        r#"{{"url": "{}", "headers": {{"X-Tenant": "acme", "X-Empty": ""}}}}"#,
        url()
    );
    let builder = from_json(&json).unwrap().builder().unwrap();
    assert_eq!(builder.described(), expected.described());
}

#[test]
fn null_and_false_are_defaults() {
    let default = Client::builder(url()).described();
    let json = format!(
        r#"{{"url": "{}", "timeout": null, "api_key": null, "headers": null, "retry": null, "request_ids": false}}"#,
        url()
    );
    let builder = from_json(&json).unwrap().builder().unwrap();
    assert_eq!(builder.described(), default);
    let variables = [("CENTRIFUGO_URL", url()), ("CENTRIFUGO_REQUEST_IDS", "0")];
    assert_eq!(from_variables(&variables).unwrap().described(), default);
}

#[test]
fn other_variables_are_not_looked_at() {
    let variables = [
        ("CENTRIFUGO_URL", url()),
        ("CENTRIFUGO_HTTP_API_KEY", "of the server"),
        ("CENTRIFUGO_TIMEUOT", "10s"),
    ];
    let default = Client::builder(url()).described();
    assert_eq!(from_variables(&variables).unwrap().described(), default);
}
