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
fn options_of_tls_without_encrypted_endpoint_are_refused() {
    let connect = anyone(&[EventKind::Connect]);
    let words = ["no endpoint", "https://", "grpcs://"];
    assert_refused(&connect.clone().server_ca("ca.pem"), &words);
    assert_refused(&connect.clone().server_name("backend"), &words);
    let certified = connect.client_certificate("centrifugo.pem", "s3cret.pem");
    assert_refused(&certified.clone().grpc(GRPC), &words);
    assert!(certified.grpc("grpcs://backend:4000").to_json().is_ok());
}

#[test]
fn invalid_options_of_tls_are_refused() {
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n";
    let connect = anyone(&[EventKind::Connect]).http("https://backend");
    for path in ["", "ca.pem\n", "\0"] {
        let words = ["`server_ca`", "neither PEM nor the path"];
        assert_refused(&connect.clone().server_ca(path), &words);
    }
    let swapped = connect.clone().client_certificate(KEY, CERTIFICATE);
    assert_refused(
        &swapped,
        &["the certificate of the client", "`CERTIFICATE`"],
    );
    let twice = connect.clone().client_certificate(CERTIFICATE, CERTIFICATE);
    assert_refused(&twice, &["the key of the client", "`PRIVATE KEY`"]);
    assert_refused(
        &connect.clone().server_name("https://backend"),
        &["`server_name`"],
    );
    assert!(
        connect
            .client_certificate(CERTIFICATE, KEY)
            .to_json()
            .is_ok()
    );
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
    let words = ["`http_headers`", "\"a b\"", "not a valid name of a header"];
    assert_refused(&connect.http_headers(["a b"]), &words);
}

#[test]
fn headers_of_connections_are_refused() {
    let connect = anyone(&[EventKind::Connect]);
    for header in [
        "Connection",
        "upgrade",
        "accept-encoding",
        "content-length",
        "Host",
    ] {
        let name = format!("`{}`", header.to_lowercase());
        let words = [&*name, "one connection or message", "leave it out"];
        for (configuration, option) in [
            (connect.clone().http_headers([header]), "`http_headers`"),
            (
                connect.clone().emulated_headers([header]),
                "`emulated_headers`",
            ),
            (connect.clone().grpc_metadata([header]), "`grpc_metadata`"),
        ] {
            assert_refused(&configuration, &[&words[..], &[option]].concat());
        }
    }
}

#[test]
fn headers_that_grpc_drops_are_refused_without_http() {
    let handlers = handlers(Caller::anyone(), &[EventKind::Connect]);
    for header in ["User-Agent", "grpc-timeout"] {
        let configuration = ProxyConfiguration::new(&handlers).grpc(GRPC);
        let configuration = configuration.http_headers([header]);
        assert_refused(&configuration, &["does not arrive over gRPC", "`http`"]);
        assert!(configuration.http(HTTP).to_json().is_ok());
    }
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
        assert_refused(&configuration, &["not a variable", "CENTRIFUGO_VAR_"]);
    }
    let without = anyone(&[EventKind::Connect]).secret_from_variable("CENTRIFUGO_VAR_A");
    assert_refused(&without, &["there is no secret", "`Caller::with_secret`"]);
    Ok(())
}
