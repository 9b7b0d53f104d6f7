//! TLS connections for HTTP/2.

use std::io;
use std::sync::Arc;

use http::uri::Authority;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::Error;
use crate::transport::TransportConfig;

/// The client's side of handshakes with a server.
pub(crate) struct Connector {
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// Creates a connector, or none for a URL without TLS.
    pub(crate) fn new(config: &TransportConfig) -> Result<Option<Self>, Error> {
        if !config.url.tls {
            return Ok(None);
        }
        let authority = config.authority()?;
        let host = authority
            .as_ref()
            .map_or(config.url.host(), Authority::host);
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| {
            Error::Config(format!(
                "url `{}`: TLS cannot verify its host: {error}",
                config.url
            ))
        })?;
        let mut tls = config.tls.config.clone();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Some(Self {
            tls: TlsConnector::from(Arc::new(tls)),
            name,
        }))
    }

    pub(crate) async fn connect(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.tls.connect(self.name.clone(), tcp).await
    }
}
