//! The proxies that the environment or the system has set.

use super::url::ServerUrl;

/// Returns the proxy that HTTP connections to that server pass through, without its credentials.
#[cfg(feature = "_http")]
pub(crate) fn proxy_for(url: &ServerUrl) -> Option<String> {
    use hyper_util::client::proxy::matcher::Matcher;

    let uri = url.to_http().parse().ok()?;
    let proxy = Matcher::from_system().intercept(&uri)?;
    let proxy = proxy.uri();
    let host = proxy.host()?;
    let scheme = proxy.scheme_str().unwrap_or("http");
    Some(match proxy.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// Returns no proxy: gRPC uses none.
#[cfg(not(feature = "_http"))]
pub(crate) fn proxy_for(_url: &ServerUrl) -> Option<String> {
    None
}
