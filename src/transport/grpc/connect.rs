//! How connections are made.

use std::error::Error as _;

use http::Uri;
use tonic::transport::{Channel, Endpoint};

use crate::Error;
use crate::transport::Settings;

/// What the server may send, in bytes, before it has to wait for the client to have read it: of one reply, and of all
/// on a connection. HTTP/2's own 64 KiB make large replies wait for the network several times.
const REPLY_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

pub(super) fn endpoint(settings: &Settings) -> Result<Endpoint, Error> {
    let invalid = |error: tonic::transport::Error| {
        let cause = error
            .source()
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        Error::Config(format!("the gRPC channel cannot be built: {error}{cause}"))
    };
    let host = settings.target.http_url();
    let url = match (&settings.connections.unix_socket, settings.address) {
        (Some(path), _) => format!("unix://{}", path.display()),
        (None, Some(address)) => {
            format!(
                "{}://{address}",
                if settings.target.tls { "https" } else { "http" }
            )
        }
        (None, None) => host.clone(),
    };
    let host =
        Uri::from_maybe_shared(host).map_err(|error| Error::Config(format!("url: {error}")))?;
    let mut endpoint = Endpoint::from_shared(url)
        .map(|endpoint| endpoint.origin(host))
        .and_then(|endpoint| endpoint.user_agent(settings.user_agent.clone()))
        .map_err(invalid)?
        .initial_stream_window_size(REPLY_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .tcp_nodelay(true)
        .tcp_keepalive(settings.connections.tcp_keepalive);
    if let Some(interval) = settings.connections.http2_keep_alive {
        endpoint = endpoint.http2_keep_alive_interval(interval);
    }
    Ok(match settings.connect_timeout {
        Some(timeout) => endpoint.connect_timeout(timeout),
        None => endpoint,
    })
}

#[cfg(feature = "tls")]
pub(super) fn connect(endpoint: &Endpoint, settings: &Settings) -> Channel {
    if !settings.target.tls {
        return endpoint.connect_lazy();
    }
    let mut tcp = hyper_util::client::legacy::connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(settings.connections.tcp_keepalive);
    let host = settings.target.host().trim_matches(['[', ']']).to_owned();
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(settings.tls.config.clone())
        .https_only()
        .with_server_name_resolver(move |_: &Uri| {
            rustls::pki_types::ServerName::try_from(host.clone())
        })
        .enable_http2()
        .wrap_connector(tcp);
    endpoint.connect_with_connector_lazy(tls)
}

#[cfg(not(feature = "tls"))]
pub(super) fn connect(endpoint: &Endpoint, _settings: &Settings) -> Channel {
    endpoint.connect_lazy()
}
