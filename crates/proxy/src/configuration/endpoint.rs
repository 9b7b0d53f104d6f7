//! The endpoints: where Centrifugo finds the handlers.

use http::Uri;
use http::uri::Authority;

use crate::error::Error;

/// The address of a gRPC server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GrpcEndpoint {
    /// With the scheme that Centrifugo knows, `grpc://`.
    pub(super) url: String,
    pub(super) is_encrypted: bool,
}

/// Returns the URL to which the names of events are added.
pub(super) fn http(url: &str) -> Result<String, Error> {
    check_characters("HTTP", url)?;
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
        _ => {
            return Err(Error::new(
                "the HTTP endpoint must begin with http:// or https://; that of gRPC belongs to `grpc`",
            ));
        }
    };
    if rest.contains(['?', '#']) {
        return Err(Error::new(
            "the HTTP endpoint has a query or a fragment: leave that out, since the names of events are added to its path",
        ));
    }
    let rest = rest.trim_end_matches('/');
    check_authority("HTTP", rest.split('/').next().unwrap_or_default())?;
    // Centrifugo knows the schemes in lower case only.
    let url = format!("{scheme}://{rest}");
    if Uri::try_from(&url).is_err() || !has_whole_escapes(rest) {
        return Err(Error::new(
            "the HTTP endpoint is not a URL: give one such as http://backend:3000/centrifugo",
        ));
    }
    Ok(url)
}

/// Returns the address of a gRPC server: `grpc://host:port`, `grpcs://host:port` or `host:port`.
pub(super) fn grpc(url: &str) -> Result<GrpcEndpoint, Error> {
    check_characters("gRPC", url)?;
    let (is_encrypted, address) = match url.split_once("://") {
        None => (false, url),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("grpc") => (false, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("grpcs") => (true, rest),
        Some(_) => {
            return Err(Error::new(
                "the gRPC endpoint must begin with grpc:// or grpcs://, or be host:port; that of HTTP belongs to `http`",
            ));
        }
    };
    if address.contains(['/', '?', '#', '@']) {
        return Err(Error::new(
            "the gRPC endpoint has more than a host and a port: leave out the rest",
        ));
    }
    let authority = check_authority("gRPC", address)?;
    if authority.port_u16().is_none() {
        return Err(Error::new(
            "the gRPC endpoint has no port: give one such as grpc://backend:4000",
        ));
    }
    Ok(GrpcEndpoint {
        url: format!("grpc://{address}"),
        is_encrypted,
    })
}

fn check_characters(transport: &str, url: &str) -> Result<(), Error> {
    if url.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(Error::new(format!(
            "the {transport} endpoint has white space or a control character: a line end read from a file?"
        )));
    }
    Ok(())
}

fn check_authority(transport: &str, text: &str) -> Result<Authority, Error> {
    let example = if transport == "HTTP" {
        "http://backend:3000/centrifugo"
    } else {
        "grpc://backend:4000"
    };
    let host = text.rsplit('@').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Err(Error::new(format!(
            "the {transport} endpoint has no host: give one such as {example}"
        )));
    }
    let authority = Authority::try_from(text).map_err(|_| {
        Error::new(format!(
            "the host or the port of the {transport} endpoint is invalid: give one such as {example}"
        ))
    })?;
    // What follows the host is a port, or nothing.
    let port = host.rsplit(']').next().unwrap_or_default();
    if port.contains(':') && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(Error::new(format!(
            "the port of the {transport} endpoint is not a number from 1 to 65535"
        )));
    }
    Ok(authority)
}

/// Returns whether each `%` is followed by two hexadecimal digits.
fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|escape| {
        let mut digits = escape.bytes().take(2);
        let is_hexadecimal = digits.all(|byte| byte.is_ascii_hexdigit());
        is_hexadecimal && escape.len() >= 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_endpoints_are_urls() -> Result<(), Error> {
        for (given, expected) in [
            ("http://backend", "http://backend"),
            ("HTTPS://backend:3000/a/b/", "https://backend:3000/a/b"),
            (
                "http://user:word@[::1]:80/%2f",
                "http://user:word@[::1]:80/%2f",
            ),
        ] {
            assert_eq!(http(given)?, expected);
        }
        Ok(())
    }

    #[test]
    fn invalid_http_endpoints_are_refused_in_words() {
        for (given, expected) in [
            ("", "must begin with http:// or https://"),
            ("backend:3000", "must begin with http:// or https://"),
            ("grpc://backend:4000", "belongs to `grpc`"),
            ("http://backend/ a", "white space"),
            ("http://backend/\n", "a line end"),
            ("http://", "no host"),
            ("http:///path", "no host"),
            ("http://:3000", "no host"),
            ("http://user@/", "no host"),
            ("http://backend?x=1", "a query"),
            ("http://backend/#x", "a fragment"),
            ("http://back end", "white space"),
            ("http://back<end", "the host or the port"),
            ("http://backend:", "not a number"),
            ("http://backend:0", "not a number"),
            ("http://backend:65536", "not a number"),
            ("http://backend:x/", "not a number"),
            ("http://backend/%2", "not a URL"),
            ("http://backend/%zz", "not a URL"),
            ("http://backend/<", "not a URL"),
        ] {
            let error = http(given).expect_err(given).to_string();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }

    #[test]
    fn grpc_endpoints_are_addresses() -> Result<(), Error> {
        for (given, url, is_encrypted) in [
            ("backend:4000", "grpc://backend:4000", false),
            ("grpc://backend:4000", "grpc://backend:4000", false),
            ("GRPCS://[::1]:4000", "grpc://[::1]:4000", true),
        ] {
            let endpoint = grpc(given)?;
            assert_eq!(endpoint.url, url);
            assert_eq!(endpoint.is_encrypted, is_encrypted, "{given}");
        }
        Ok(())
    }

    #[test]
    fn invalid_grpc_endpoints_are_refused_in_words() {
        for (given, expected) in [
            ("", "no host"),
            ("http://backend:3000", "belongs to `http`"),
            ("grpc://backend", "no port"),
            ("backend", "no port"),
            ("[::1]", "no port"),
            ("grpc://:4000", "no host"),
            ("grpc://backend:4000/", "more than a host and a port"),
            ("grpc://user@backend:4000", "more than a host and a port"),
            ("grpc://backend:four", "not a number"),
            ("grpc://a:b:4000", "the host or the port"),
            ("grpc://backend:4000\n", "white space"),
        ] {
            let error = grpc(given).expect_err(given).to_string();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }
}
