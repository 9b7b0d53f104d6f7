//! Connections over TCP, TLS and Unix sockets.

use std::error::Error as _;

use ::http::Uri;
use tonic::transport::{Channel, Endpoint};

use crate::error::Error;
use crate::transport::TransportConfig;

/// The number of bytes that the server may send before the client has read them: of one reply, and of all replies on
/// a connection. With HTTP/2's own 64 KiB large replies would wait for the network several times.
const REPLY_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

/// Returns the options of the channels to a node.
pub(super) fn endpoint(config: &TransportConfig) -> Result<Endpoint, Error> {
    let scheme = if config.url.tls { "https" } else { "http" };
    let url = match (&config.connections.unix_socket, config.address) {
        (Some(path), _) => format!("unix://{}", path.display()),
        (None, Some(address)) => format!("{scheme}://{address}"),
        (None, None) => config.url.to_http(),
    };
    let host = Uri::from_maybe_shared(config.url.to_http())
        .map_err(|error| Error::Config(format!("url: {error}")))?;
    let mut endpoint = Endpoint::from_shared(url)
        .map(|endpoint| endpoint.origin(host))
        .and_then(|endpoint| endpoint.user_agent(config.user_agent.clone()))
        .map_err(|error| cannot_build(&error))?
        .initial_stream_window_size(REPLY_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .tcp_nodelay(true)
        .tcp_keepalive(config.connections.tcp_keepalive);
    if let Some(interval) = config.connections.http2_keep_alive {
        endpoint = endpoint.http2_keep_alive_interval(interval);
    }
    Ok(match config.connect_timeout {
        Some(timeout) => endpoint.connect_timeout(timeout),
        None => endpoint,
    })
}

fn cannot_build(error: &tonic::transport::Error) -> Error {
    let cause = error
        .source()
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Error::Config(format!("the gRPC channel cannot be built: {error}{cause}"))
}

/// Creates a channel, which connects when it is first used.
#[cfg(feature = "_tls")]
pub(super) fn connect(endpoint: &Endpoint, config: &TransportConfig) -> Channel {
    if !config.url.tls {
        return endpoint.connect_lazy();
    }
    let mut tcp = hyper_util::client::legacy::connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(config.connections.tcp_keepalive);
    let host = config.url.host().trim_matches(['[', ']']).to_owned();
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config.tls.config.clone())
        .https_only()
        .with_server_name_resolver(move |_: &Uri| {
            rustls::pki_types::ServerName::try_from(host.clone())
        })
        .enable_http2()
        .wrap_connector(tcp);
    endpoint.connect_with_connector_lazy(tls)
}

#[cfg(not(feature = "_tls"))]
pub(super) fn connect(endpoint: &Endpoint, _config: &TransportConfig) -> Channel {
    endpoint.connect_lazy()
}
