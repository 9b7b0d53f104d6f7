//! TLS connections of our own.

use std::io;
use std::sync::Arc;

use http::uri::Authority;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::Error;
use crate::transport::TransportConfig;
use crate::transport::dial::Socket;

/// The client's side of handshakes with a server.
pub(crate) struct Connector {
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// Creates a connector of connections that speak a protocol (ALPN), or none for a URL without TLS.
    pub(crate) fn new(
        config: &TransportConfig,
        protocol: &'static str,
    ) -> Result<Option<Self>, Error> {
        if !config.url.tls {
            return Ok(None);
        }
        let authority = config.authority()?;
        let host = authority
            .as_ref()
            .map_or(config.url.host(), Authority::host);
        Self::of_host(config, host, protocol).map(Some)
    }

    /// Creates a connector to a host, such as that of a proxy.
    pub(crate) fn of_host(
        config: &TransportConfig,
        host: &str,
        protocol: &'static str,
    ) -> Result<Self, Error> {
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| {
            Error::Config(format!(
                "url `{}`: TLS cannot verify its host: {error}",
                config.url
            ))
        })?;
        let mut tls = config.tls.config.clone();
        tls.alpn_protocols = vec![protocol.into()];
        Ok(Self {
            tls: TlsConnector::from(Arc::new(tls)),
            name,
        })
    }

    pub(crate) async fn connect<S: Socket>(&self, socket: S) -> io::Result<TlsStream<S>> {
        self.tls.connect(self.name.clone(), socket).await
    }
}
