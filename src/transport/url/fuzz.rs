use reqwest::Url;

use super::{Protocol, ServerUrl};
use crate::fuzz::{KEY, assert_presentable, fuzz};

fuzz!(urls, check);

/// A URL is refused without showing what may be a secret, or both HTTP libraries understand it as we do.
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

/// Whether the key is where no URL has a secret: in its host or path.
fn is_shown(url: &str) -> bool {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let start = url.rfind('@').map_or(0, |at| at + 1);
    url.get(start..end).is_some_and(|rest| rest.contains(KEY))
}

fn check_parsed(parsed: &ServerUrl) {
    assert_eq!(
        ServerUrl::parse(&parsed.to_string()).unwrap(),
        *parsed,
        "its URL is another's"
    );
    match parsed.protocol {
        Protocol::Http => check_http(parsed),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => {
            let endpoint = tonic::transport::Endpoint::from_shared(parsed.to_http()).unwrap();
            assert_eq!(
                endpoint.uri().authority().unwrap().as_str(),
                parsed.authority
            );
            assert_eq!(endpoint.uri().path(), "/");
        }
        #[cfg(not(feature = "grpc"))]
        Protocol::Grpc => {}
    }
}

fn check_http(parsed: &ServerUrl) {
    // What reqwest alone refuses, the builder refuses by it.
    let Ok(base) = Url::parse(&parsed.to_http()) else {
        return;
    };
    let url = Url::parse(&format!("{}/publish", parsed.to_http())).unwrap();
    let uri: ::http::Uri = url.as_str().parse().unwrap();
    assert_eq!(
        uri.scheme_str(),
        Some(if parsed.tls { "https" } else { "http" })
    );
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
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'.';
    let host = parsed.authority.split(':').next().unwrap();
    if host.bytes().all(is_plain) {
        assert_eq!(url.host_str(), Some(host));
    }
}
