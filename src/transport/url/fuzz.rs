//! Fuzzes the URLs of servers.

use reqwest::Url;

use super::{Protocol, ServerUrl};
use crate::fuzz::errors::{KEY, assert_presentable};
use crate::fuzz::fuzz;

fuzz!(urls, check);

/// Checks that a URL is refused without showing secrets, or that the HTTP libraries understand it in the same way.
fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match ServerUrl::parse(&text) {
        Err(error) => {
            if !is_shown(text.trim()) {
                assert_presentable(&error);
            }
        }
        Ok(parsed) => check_parsed(&parsed),
    }
}

/// Returns whether the key is in the host or the path, where no secret is expected.
fn is_shown(url: &str) -> bool {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let start = url.rfind('@').map_or(0, |at| at + 1);
    url.get(start..end).is_some_and(|rest| rest.contains(KEY))
}

fn check_parsed(parsed: &ServerUrl) {
    let mut text = parsed.to_string();
    if parsed.protocol == Protocol::Http {
        // Its path may have the name of a method.
        text.push('/');
    }
    assert_eq!(
        ServerUrl::parse(&text).unwrap(),
        *parsed,
        "its text is another URL"
    );
    match parsed.protocol {
        Protocol::Http => check_http(parsed),
        Protocol::Grpc => check_grpc(parsed),
    }
}

#[cfg(feature = "grpc")]
fn check_grpc(parsed: &ServerUrl) {
    let endpoint = tonic::transport::Endpoint::from_shared(parsed.to_http()).unwrap();
    let uri = endpoint.uri();
    assert_eq!(uri.authority().unwrap().as_str(), parsed.authority);
    assert_eq!(uri.path(), "/");
}

#[cfg(not(feature = "grpc"))]
fn check_grpc(_parsed: &ServerUrl) {}

fn check_http(parsed: &ServerUrl) {
    // The builder refuses URLs that reqwest refuses.
    let Ok(base) = Url::parse(&parsed.to_http()) else {
        return;
    };
    let url = Url::parse(&format!("{}/publish", parsed.to_http())).unwrap();
    let uri: ::http::Uri = url.as_str().parse().unwrap();
    let scheme = if parsed.tls { "https" } else { "http" };
    assert_eq!(uri.scheme_str(), Some(scheme));
    assert!(url.path().ends_with("/publish"), "{url}");
    assert!(
        url.path().starts_with(base.path().trim_end_matches('/')),
        "{base} and {url}"
    );
    assert_eq!(
        (url.username(), url.password(), url.query(), url.fragment()),
        ("", None, None, None)
    );
    let port = parsed
        .authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok());
    let usual = if parsed.tls { 443 } else { 80 };
    assert_eq!(
        url.port_or_known_default(),
        Some(port.unwrap_or(usual)),
        "{url}"
    );
    let host = parsed.authority.split(':').next().unwrap();
    let is_plain = host
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'.');
    if is_plain {
        assert_eq!(url.host_str(), Some(host));
    }
}
