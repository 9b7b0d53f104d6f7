//! The API key, headers, times and sizes.

use std::time::Duration;

use centrifugo_api::{Client, ClientBuilder};

use super::{GRPC, HTTP, assert_config, urls};

#[test]
fn mistakes_in_the_key_are_named_with_their_fix() {
    for url in urls() {
        for (key, expected) in [
            ("", "omit api_key for a server without one"),
            (" ", "omit api_key for a server without one"),
            ("\t\r\n", "omit api_key for a server without one"),
            ("key\n", "a line end read from a file?"),
            ("key\r\n", "a line end read from a file?"),
            (" key", "white space"),
            ("key ", "white space"),
            ("key\u{a0}", "white space"),
            ("ke\ny", "characters that a header cannot carry"),
            ("ke\r\nX-Other: 1", "characters that a header cannot carry"),
            ("ke\ty", "characters that a header cannot carry"),
            ("ke\0y", "characters that a header cannot carry"),
            ("ke\u{7f}y", "characters that a header cannot carry"),
            ("schlüssel", "visible ASCII"),
            ("ключ", "visible ASCII"),
            ("🔑", "visible ASCII"),
        ] {
            assert_config(Client::builder(url).api_key(key), &["api_key", expected]);
        }
    }
}

#[test]
fn mistakes_in_headers_are_named_with_their_fix() {
    for url in urls() {
        for (name, value, expected) in [
            ("", "1", "is not a valid header name"),
            ("X Name", "1", "`X Name` is not a valid header name"),
            ("X-Name:", "1", "is not a valid header name"),
            ("X-Näme", "1", "is not a valid header name"),
            ("X-Name\n", "1", "is not a valid header name"),
            ("X-Name", "a\nb", "header `X-Name` has characters"),
            (
                "X-Name",
                "a\r\nX-Other: 1",
                "header `X-Name` has characters",
            ),
            ("X-Name", "ä", "visible ASCII"),
            ("X-Name", "\0", "visible ASCII"),
            (
                "Host",
                "example.com",
                "header `host` is set by the client itself",
            ),
            ("Content-Length", "1", "omit it"),
            ("content-type", "text/plain", "omit it"),
            ("Transfer-Encoding", "chunked", "omit it"),
            ("Connection", "close", "omit it"),
            ("TE", "trailers", "omit it"),
            ("User-Agent", "mine", "omit it"),
        ] {
            assert_config(
                Client::builder(url).header(name, value),
                &["header", expected],
            );
        }
        for user_agent in ["a\nb", "ü", "\0"] {
            assert_config(
                Client::builder(url).user_agent(user_agent),
                &["user_agent", "visible ASCII"],
            );
        }
    }
}

#[test]
fn header_that_is_also_the_key_is_found() {
    for (url, taken, free) in [
        (HTTP, "X-Api-Key", "Authorization"),
        (GRPC, "Authorization", "X-Api-Key"),
    ]
    .into_iter()
    .filter(|(url, ..)| urls().contains(url))
    {
        let name = taken.to_lowercase();
        let keyed = || Client::builder(url).api_key("key");
        assert_config(
            keyed().header(taken, "x"),
            &[&format!("header `{name}` carries the api_key")],
        );
        assert_config(keyed().header(name, "x"), &["omit one of the two"]);
        assert!(keyed().header(free, "x").build().is_ok(), "{url}");
        assert!(
            Client::builder(url).header(taken, "x").build().is_ok(),
            "{url}"
        );
    }
}

#[test]
#[cfg(feature = "grpc")]
fn binary_metadata_is_found() {
    assert_config(
        Client::builder(GRPC).header("trace-bin", "AAEC"),
        &["header `trace-bin`", "another name"],
    );
}

#[test]
fn times_and_sizes_of_zero_are_found() {
    for url in urls() {
        let builder = || Client::builder(url);
        assert_config(
            builder().timeout(Duration::ZERO),
            &["timeout is zero", "set a time"],
        );
        assert_config(
            builder().connect_timeout(Duration::ZERO),
            &["connect_timeout is zero", "omit it"],
        );
        assert_config(
            builder().max_response_size(0),
            &["max_response_size is zero", "set a number of bytes"],
        );
        let smallest = builder()
            .timeout(Duration::from_nanos(1))
            .connect_timeout(Duration::from_nanos(1));
        assert!(smallest.max_response_size(1).build().is_ok());
        let largest = builder()
            .timeout(Duration::MAX)
            .connect_timeout(Duration::MAX);
        assert!(largest.max_response_size(usize::MAX).build().is_ok());
    }
}

/// Returns builders over each transport, with one option at that time.
fn with_interval(interval: Duration) -> Vec<(&'static str, ClientBuilder)> {
    let mut builders = Vec::new();
    for url in urls() {
        let builder = || Client::builder(url);
        builders.push(("tcp_keepalive", builder().tcp_keepalive(interval)));
        builders.push(("http2_keep_alive", builder().http2_keep_alive(interval)));
        #[cfg(feature = "_http")]
        if url == HTTP {
            builders.push(("idle_timeout", builder().idle_timeout(interval)));
        }
    }
    builders
}

#[test]
fn intervals_that_are_too_long_are_found() -> crate::Outcome {
    const LONGEST: Duration = Duration::from_secs(8 * 3600);
    for (option, builder) in with_interval(LONGEST + Duration::from_nanos(1)) {
        assert_config(builder, &[option, "longer than 8 hours"]);
    }
    for (option, builder) in with_interval(Duration::MAX) {
        assert_config(builder, &[option, "set a shorter time"]);
    }
    for (option, builder) in with_interval(LONGEST) {
        builder
            .build()
            .map_err(|error| format!("{option}: {error}"))?;
    }
    Ok(())
}

#[test]
fn keep_alive_timeout_without_pings_is_found() {
    for url in urls() {
        let second = Duration::from_secs(1);
        let builder = || Client::builder(url).http2_keep_alive_timeout(second);
        assert_config(builder(), &["http2_keep_alive_timeout", "set both"]);
        assert!(builder().http2_keep_alive(second).build().is_ok());
        assert_config(
            Client::builder(url)
                .http2_keep_alive(second)
                .http2_keep_alive_timeout(Duration::ZERO),
            &["http2_keep_alive_timeout is zero"],
        );
    }
}

#[test]
#[cfg(feature = "grpc")]
fn number_of_connections_that_is_too_large_is_found() {
    let with = |number| Client::builder(GRPC).grpc_connections(number);
    for number in [1001, 1_000_000, usize::MAX] {
        assert_config(
            with(number),
            &["grpc_connections", &number.to_string(), "1000 at most"],
        );
    }
    assert!(with(1000).build().is_ok());
}

#[test]
#[cfg(feature = "grpc")]
fn authority_that_is_no_host_is_found() {
    for authority in ["", "a b", "user@host", "host/path", ":1"] {
        let builder = Client::builder(GRPC).authority(authority);
        assert_config(builder, &["authority", "give a host name"]);
    }
    let builder = Client::builder(GRPC).authority("example.com");
    assert!(builder.build().is_ok());
    #[cfg(feature = "_http")]
    assert_config(
        Client::builder(HTTP).authority("example.com"),
        &["authority needs a grpc or grpcs URL"],
    );
}
