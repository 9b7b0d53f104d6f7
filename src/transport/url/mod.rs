//! The URL of a server, which selects the transport.

#[cfg(test)]
#[cfg(feature = "http")]
mod fuzz;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ::http::Uri;

use crate::api::messages::METHODS;
use crate::error::Error;

/// A valid URL. It is displayed as it was given, without slashes at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub(crate) protocol: Protocol,
    /// True if the connection is encrypted.
    pub(crate) tls: bool,
    /// `host:port`, or `host`.
    pub(crate) authority: String,
    /// The path without a slash at its end; empty over gRPC.
    pub(crate) path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

impl ServerUrl {
    /// Parses a URL. Its errors never show credentials or a query, either of which may contain a key.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        Self::parse_named("url", url)
    }

    /// Parses the URL in an option or a variable of that name, which errors show.
    pub(crate) fn parse_named(name: &str, url: &str) -> Result<Self, Error> {
        let url = url.trim();
        parse(url).map_err(|problem| {
            Error::Config(format!("{name} `{}`: {problem}", without_secrets(url)))
        })
    }

    /// Returns the host without its port; an IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.authority,
        }
    }

    /// Returns whether the host is this machine.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let address = host.parse::<IpAddr>();
        let is_loopback = address.is_ok_and(|address| address.is_loopback());
        is_loopback || host == "localhost" || host.ends_with(".localhost")
    }

    /// Returns the host and the port, if the host is a name and not an address.
    #[cfg_attr(not(any(feature = "grpc", feature = "_http")), allow(dead_code))]
    pub(crate) fn name(&self) -> Option<(&str, u16)> {
        let host = self.host();
        let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
        if is_address {
            return None;
        }
        Some((host, self.port()))
    }

    /// Returns the port: that of the URL, or the usual one of its scheme.
    pub(crate) fn port(&self) -> u16 {
        let port = self.authority[self.host().len()..].strip_prefix(':');
        let port = port.and_then(|port| port.parse().ok());
        port.unwrap_or(self.usual_port())
    }

    /// Returns the port of servers whose URL names none.
    fn usual_port(&self) -> u16 {
        if self.tls { 443 } else { 80 }
    }

    /// Returns the authority as requests name it: without the usual port.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) fn authority_without_usual_port(&self) -> &str {
        if self.port() == self.usual_port() {
            self.host()
        } else {
            &self.authority
        }
    }

    /// Returns the URL with a scheme that HTTP libraries know, for gRPC too.
    #[cfg_attr(not(feature = "_http"), allow(dead_code))]
    pub(crate) fn to_http(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.protocol, self.tls) {
            (Protocol::Http, false) => "http",
            (Protocol::Http, true) => "https",
            (Protocol::Grpc, false) => "grpc",
            (Protocol::Grpc, true) => "grpcs",
        };
        write!(formatter, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// Parses a URL; the error says what is wrong with it.
fn parse(url: &str) -> Result<ServerUrl, String> {
    let Some((scheme, rest)) = split_scheme(url) else {
        return Err(format!(
            "it has no scheme; write http://{}, https://, grpc:// or grpcs://",
            without_secrets(url)
        ));
    };
    let (protocol, tls) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Protocol::Http, false),
        "https" => (Protocol::Http, true),
        "grpc" => (Protocol::Grpc, false),
        "grpcs" => (Protocol::Grpc, true),
        _ => {
            return Err(format!(
                "the scheme `{scheme}` is not one of http, https, grpc, grpcs"
            ));
        }
    };
    check_parts(protocol, rest)?;
    // `Uri` refuses an unknown scheme with an authority alone: the scheme is replaced.
    let uri: Uri = format!("http://{rest}")
        .parse()
        .map_err(|error| format!("{error}"))?;
    let authority = uri
        .authority()
        .filter(|authority| !authority.host().is_empty())
        .ok_or("it has no host")?;
    let has_port = authority.as_str() != authority.host();
    if has_port && matches!(authority.port_u16(), None | Some(0)) {
        return Err("its port is not a number from 1 to 65535".into());
    }
    let path = uri.path().trim_end_matches('/');
    match protocol {
        Protocol::Http => check_path(path, uri.path().ends_with('/'))?,
        Protocol::Grpc if !path.is_empty() => {
            return Err(format!("gRPC has no path; leave out `{path}`"));
        }
        Protocol::Grpc if !has_port && !tls => {
            return Err("it names no port; Centrifugo's for gRPC is 10000 by default".into());
        }
        Protocol::Grpc => {}
    }
    Ok(ServerUrl {
        protocol,
        tls,
        authority: authority.to_string(),
        path: path.to_owned(),
    })
}

/// Checks that a URL has only an authority and a path after its scheme.
fn check_parts(protocol: Protocol, rest: &str) -> Result<(), String> {
    if rest.contains('#') {
        return Err("it has a fragment; leave out the `#` and what follows".into());
    }
    if rest.contains('?') {
        return Err(
            "it has a query; leave out the `?` and what follows, and give a key with api_key"
                .into(),
        );
    }
    // Over gRPC there is no path, so that a slash can only belong to a password.
    let end_of_authority = match protocol {
        Protocol::Http => rest.find('/').unwrap_or(rest.len()),
        Protocol::Grpc => rest.len(),
    };
    if rest[..end_of_authority].contains('@') {
        return Err(
            "it has credentials; give the key with api_key, other ones with header(\"authorization\", …)"
                .into(),
        );
    }
    Ok(())
}

/// Checks the path of an HTTP URL, without a slash at its end. With a slash it is certainly the prefix of the API, even if
/// a method has its name.
fn check_path(path: &str, has_slash: bool) -> Result<(), String> {
    if path.contains("//") {
        return Err("its path has an empty part, `//`".into());
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if METHODS.contains(&last) && !has_slash {
        return Err(format!(
            "it ends in the method `{last}`; leave that out, the client adds it. If it is the prefix of the API, end it \
             with a slash"
        ));
    }
    Ok(())
}

/// Returns the scheme and the rest. Text in front of `://` that is not a scheme belongs to the rest.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_scheme.then_some((scheme, rest))
}

/// Returns the URL without credentials and query. Everything in front of an `@` is left out, since a password may
/// contain a slash or a question mark.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = split_scheme(url).unwrap_or(("", url));
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (shown, left_out) = rest.split_at(end);
    let shown = if left_out.contains('@') {
        "…"
    } else {
        shown.rsplit('@').next().unwrap_or_default()
    };
    match scheme {
        "" => shown.to_owned(),
        scheme => format!("{scheme}://{shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str) -> String {
        ServerUrl::parse(url).unwrap_err().to_string()
    }

    #[test]
    fn scheme_selects_transport() {
        let parsed = ServerUrl::parse("https://example.com/api/").unwrap();
        assert_eq!((parsed.protocol, parsed.tls), (Protocol::Http, true));
        assert_eq!(parsed.to_http(), "https://example.com/api");
        let parsed = ServerUrl::parse("GRPC://[::1]:10000/").unwrap();
        assert_eq!(parsed.to_string(), "grpc://[::1]:10000");
        assert_eq!((parsed.protocol, parsed.tls), (Protocol::Grpc, false));
        assert_eq!(parsed.to_http(), "http://[::1]:10000");
    }

    #[test]
    fn names_and_addresses_are_distinguished() {
        for (url, name) in [
            ("http://example.com/api", Some(("example.com", 80))),
            ("https://example.com/api", Some(("example.com", 443))),
            ("http://localhost:8000/api", Some(("localhost", 8000))),
            ("http://127.0.0.1:8000/api", None),
            ("http://127.0.0.1/api", None),
            ("http://[::1]/api", None),
            ("grpcs://[::1]:10000", None),
        ] {
            assert_eq!(ServerUrl::parse(url).unwrap().name(), name, "{url}");
        }
    }

    #[test]
    fn usual_port_is_not_a_part_of_the_authority() {
        for (url, port, authority) in [
            ("grpcs://example.com", 443, "example.com"),
            ("grpcs://example.com:443", 443, "example.com"),
            ("grpcs://[::1]:443", 443, "[::1]"),
            ("grpcs://example.com:80", 80, "example.com:80"),
            ("grpc://example.com:80", 80, "example.com"),
            ("grpc://[::1]:10000", 10000, "[::1]:10000"),
            ("https://example.com/api", 443, "example.com"),
        ] {
            let url = ServerUrl::parse(url).unwrap();
            assert_eq!(url.port(), port, "{url}");
            assert_eq!(url.authority_without_usual_port(), authority, "{url}");
        }
    }

    #[test]
    fn urls_of_this_machine_are_local() {
        for url in [
            "http://localhost:8000/api",
            "http://127.0.0.2/api",
            "grpc://[::1]:10000",
            "http://A.LOCALHOST/api",
        ] {
            assert!(ServerUrl::parse(url).unwrap().is_local(), "{url}");
        }
        for url in [
            "http://10.0.0.1/api",
            "http://localhost.example/api",
            "grpc://[::2]:10000",
        ] {
            assert!(!ServerUrl::parse(url).unwrap().is_local(), "{url}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_fix() {
        for (url, expected) in [
            (
                "localhost:8000/api",
                "no scheme; write http://localhost:8000/api",
            ),
            ("", "no scheme"),
            (
                "ws://localhost:8000/api",
                "`ws` is not one of http, https, grpc, grpcs",
            ),
            ("http://", "url `http://`: "),
            ("http:///api", "url `http:///api`: "),
            ("http://host:99999/api", "port"),
            ("http://host:0/api", "port"),
            ("http://host:/api", "port"),
            ("http://ho st/api", "invalid"),
            ("http://localhost:8000/api#x", "fragment"),
            (
                "http://localhost:8000/api/publish",
                "ends in the method `publish`",
            ),
            ("http://localhost:8000//api", "`//`"),
            ("grpc://localhost", "names no port"),
            ("grpc://localhost:10000/api", "leave out `/api`"),
        ] {
            assert!(problem(url).contains(expected), "{url}: {}", problem(url));
        }
        // A prefix that has the name of a method.
        assert!(ServerUrl::parse("http://localhost:8000/info/").is_ok());
    }

    #[test]
    fn secrets_in_urls_are_not_shown() {
        for url in [
            "http://user:hunter2@host/api",
            "http://host/api?api_key=hunter2",
            "hunter2@host",
            "x://a:hunter2@b?hunter2",
            "http://user:hunter2?@host/api",
            "http://user:hunter2#@host/api",
            "user:hunter2@host/?next=http://host",
            "grpc://user:12/hunter2@host:10000",
        ] {
            assert!(!problem(url).contains("hunter2"), "{}", problem(url));
        }
    }
}
