//! Endpoints, timeouts, headers and secrets that do not fit.

use std::time::Duration;

use super::super::ProxyConfiguration;
use super::{GRPC, HTTP, anyone, assert_refused, handlers, secret};
use crate::caller::Caller;
use crate::error::Error;
use crate::event::EventKind;

#[test]
fn handlers_without_function_are_refused() {
    assert_refused(&anyone(&[]), &["no function", "`Handlers::connect`"]);
}

#[test]
fn missing_endpoints_are_refused() {
    let unary = ProxyConfiguration::new(&handlers(Caller::anyone(), &[EventKind::Connect]));
    assert_refused(&unary, &["no endpoint for `connect`", "`http`", "`grpc`"]);
    let kinds = [EventKind::SubscribeUnidirectional];
    let stream = anyone(&kinds).namespace("feed", kinds);
    assert_refused(
        &stream,
        &["`subscribe_unidirectional` is a stream", "call `grpc`"],
    );
}

#[test]
fn invalid_endpoints_are_refused() {
    assert_refused(&anyone(&[EventKind::Connect]).http("backend"), &["http://"]);
    assert_refused(&anyone(&[EventKind::Connect]).grpc("backend"), &["no port"]);
}

#[test]
fn timeout_must_be_longer_than_that_of_handlers() -> Result<(), Error> {
    let handlers = handlers(Caller::anyone(), &[EventKind::Connect]);
    let configuration =
        ProxyConfiguration::new(&handlers.timeout(Duration::from_secs(2))).http(HTTP);
    assert_refused(
        &configuration,
        &["waits 1s", "have 2s", "`Handlers::timeout`"],
    );
    let same = configuration.clone().timeout(Duration::from_secs(2));
    assert_refused(&same, &["waits 2s", "have 2s"]);
    assert!(same.timeout(Duration::from_millis(2001)).to_json().is_ok());
    assert_refused(&configuration.timeout(Duration::MAX), &["292 years"]);
    Ok(())
}

#[test]
fn header_of_secret_cannot_be_forwarded() -> Result<(), Error> {
    let configuration =
        ProxyConfiguration::new(&handlers(secret()?, &[EventKind::Connect])).http(HTTP);
    let forwarded = ["X-Centrifugo-Secret"];
    for (configuration, option) in [
        (
            configuration.clone().http_headers(forwarded),
            "`http_headers`",
        ),
        (
            configuration.clone().emulated_headers(forwarded),
            "`emulated_headers`",
        ),
        (configuration.grpc_metadata(forwarded), "`grpc_metadata`"),
    ] {
        let words = [
            option,
            "`x-centrifugo-secret`",
            "take the place of the secret",
        ];
        assert_refused(&configuration, &words);
    }
    Ok(())
}

#[test]
fn headers_that_carry_no_secret_are_refused() -> Result<(), Error> {
    let configuration = |header: &str| -> Result<_, Error> {
        let caller = secret()?.header(header)?;
        Ok(ProxyConfiguration::new(&handlers(
            caller,
            &[EventKind::Connect],
        )))
    };
    for header in ["Host", "content-type", "te"] {
        assert_refused(&configuration(header)?.http(HTTP), &["`Caller::header`"]);
    }
    for header in ["x-secret-bin", "grpc-secret", "x-secret!"] {
        assert_refused(&configuration(header)?.grpc(GRPC), &["`Caller::header`"]);
        assert!(configuration(header)?.http(HTTP).to_json().is_ok());
    }
    Ok(())
}

#[test]
fn invalid_names_of_headers_are_refused() {
    let connect = anyone(&[EventKind::Connect]);
    let words = ["`http_headers`", "\"a b\"", "no name of a header"];
    assert_refused(&connect.http_headers(["a b"]), &words);
}

#[test]
fn secrets_that_centrifugo_would_replace_are_refused() -> Result<(), Error> {
    let caller = Caller::with_secret("s3cret-${CENTRIFUGO_VAR_A}")?;
    let configuration =
        ProxyConfiguration::new(&handlers(caller, &[EventKind::Connect])).http(HTTP);
    assert_refused(&configuration, &["`secret_from_variable`"]);
    Ok(())
}

#[test]
fn invalid_variables_of_secrets_are_refused() -> Result<(), Error> {
    let configuration =
        ProxyConfiguration::new(&handlers(secret()?, &[EventKind::Connect])).http(HTTP);
    for variable in ["", "SECRET", "CENTRIFUGO_VAR_", "CENTRIFUGO_VAR_A}"] {
        let configuration = configuration.clone().secret_from_variable(variable);
        assert_refused(&configuration, &["no variable", "CENTRIFUGO_VAR_"]);
    }
    let without = anyone(&[EventKind::Connect]).secret_from_variable("CENTRIFUGO_VAR_A");
    assert_refused(&without, &["there is no secret", "`Caller::with_secret`"]);
    Ok(())
}
