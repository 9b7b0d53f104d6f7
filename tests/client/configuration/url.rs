//! The URL: its parts, and the features that it needs.

use centrifugo_api::Client;

use super::{GRPC, HTTP, assert_config};
use crate::Outcome;

#[test]
fn mistakes_in_the_url_are_named_with_their_fix() {
    for (url, expected) in [
        ("", "no scheme"),
        ("localhost", "write http://localhost"),
        ("localhost:8000/api", "write http://localhost:8000/api"),
        ("//localhost:8000/api", "no scheme"),
        ("http:localhost/api", "no scheme"),
        ("http:/localhost/api", "no scheme"),
        ("://localhost", "not one of http, https, grpc, grpcs"),
        (
            "ws://localhost:8000/api",
            "`ws` is not one of http, https, grpc, grpcs",
        ),
        ("htp://localhost:8000/api", "`htp` is not one of"),
        ("unix:///run/centrifugo.sock", "`unix` is not one of"),
        ("http://", "url `http://`"),
        ("http:///api", "url `http:///api`"),
        ("http://:8000/api", "url `http://:8000/api`"),
        ("http://local host/api", "url `http://local host/api`"),
        ("http://localhost:port/api", "port"),
        ("http://localhost:99999/api", "port"),
        ("http://localhost:0/api", "port"),
        ("http://localhost:/api", "port"),
        ("http://localhost:-1/api", "port"),
        ("http://[::1/api", "url `http://[::1/api`"),
        ("http://user:pass@localhost/api", "credentials"),
        ("http://user@localhost/api", "give the key with api_key"),
        ("http://localhost/api?api_key=x", "query"),
        ("http://localhost/api?", "query"),
        ("http://localhost/api#top", "fragment"),
        ("http://localhost/api#", "fragment"),
        ("http://localhost//api", "`//`"),
        ("http://localhost/a//b/", "`//`"),
        ("grpc://", "url `grpc://`"),
        ("grpc://localhost", "names no port"),
        ("grpc://localhost:", "port"),
        ("grpc://localhost:99999", "port"),
        ("grpc://localhost:0", "port"),
        ("grpc://localhost:10000/api", "leave out `/api`"),
        ("grpc://user:pass@localhost:10000", "credentials"),
        ("grpc://localhost:10000?x=1", "query"),
        ("grpc://localhost", "names no port"),
    ] {
        if is_compiled_in(url) {
            assert_config(Client::builder(url), &["url", expected]);
        }
    }
}

/// Returns whether the transport of the URL is compiled in, or its scheme is unknown.
fn is_compiled_in(url: &str) -> bool {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_lowercase())
        .unwrap_or_default();
    match scheme.as_str() {
        "http" => cfg!(feature = "_http"),
        "https" => cfg!(all(feature = "_http", feature = "tls")),
        "grpc" => cfg!(feature = "grpc"),
        "grpcs" => cfg!(all(feature = "grpc", feature = "tls")),
        _ => true,
    }
}

#[test]
#[cfg(feature = "_http")]
fn url_that_ends_in_a_method_is_found() {
    for method in centrifugo_api::METHODS {
        let expected = format!("ends in the method `{method}`");
        assert_config(
            Client::builder(format!("{HTTP}/{method}")),
            &["url", &expected, "leave that out"],
        );
        // A slash at the end says that the prefix is meant.
        let prefix = Client::builder(format!("{HTTP}/{method}/"));
        prefix.build().expect("a prefix with the name of a method");
    }
}

#[test]
fn url_of_compiled_in_transports_is_accepted() -> Outcome {
    let urls = [
        "http://localhost/api",
        "http://localhost:8000",
        "HTTP://LOCALHOST:8000/api/",
        " http://localhost:8000/api\n",
        "http://127.0.0.1:1/custom/prefix",
        "http://[::1]:8000/api",
        "http://publish/api",
        "http://my_host.example.com/publisher",
        "https://localhost/api",
        "grpc://localhost:10000",
        "grpc://localhost:10000/",
        "GRPC://[::1]:65535",
        "grpcs://localhost",
        "grpcs://localhost:10000",
    ];
    for url in urls.into_iter().filter(|url| is_compiled_in(url.trim())) {
        Client::builder(url)
            .build()
            .map_err(|error| format!("{url}: {error}"))?;
        Client::new(url, "key")?;
    }
    Ok(())
}

#[test]
fn scheme_whose_feature_is_off_names_the_feature() {
    for (url, transport, compiled) in [
        (HTTP, "`http`", cfg!(feature = "_http")),
        ("https://localhost/api", "`http`", cfg!(feature = "_http")),
        (GRPC, "`grpc`", cfg!(feature = "grpc")),
        ("grpcs://localhost:10000", "`grpc`", cfg!(feature = "grpc")),
    ] {
        let encrypted = url.contains("s://");
        let missing = match (compiled, cfg!(feature = "tls")) {
            (false, _) => transport,
            (true, false) if encrypted => "`tls`",
            _ => continue,
        };
        assert_config(
            Client::builder(url),
            &["url", &format!("the feature {missing}"), "Cargo.toml"],
        );
    }
}
