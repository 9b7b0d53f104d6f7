//! The options of connections: how they are kept, encrypted, or the user's own.

use std::time::Duration;

use super::ClientBuilder;

impl ClientBuilder {
    /// Keeps connections over HTTP open for that long between calls. 25 s by default: Centrifugo 6.5 and later close
    /// them after 30 s.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.connections.idle_timeout = Some(timeout);
        self
    }

    /// Keeps at most that many connections over HTTP to a node open between calls. Unbounded by default.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.connections.max_idle = Some(connections);
        self
    }

    /// Lets the system probe idle connections after that long (TCP keep-alive), which finds out about nodes that
    /// vanished. Off by default.
    pub fn tcp_keepalive(mut self, interval: Duration) -> Self {
        self.connections.tcp_keepalive = Some(interval);
        self
    }

    /// Pings over HTTP/2 and gRPC that often. Off by default: Centrifugo's gRPC closes connections that ping more often
    /// than every 5 minutes.
    pub fn http2_keep_alive(mut self, interval: Duration) -> Self {
        self.connections.http2_keep_alive = Some(interval);
        self
    }

    /// Makes at most that many connections over gRPC to a node. 4 by default: another is made when those there are have
    /// 100 calls under way each.
    #[cfg(feature = "grpc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
    pub fn grpc_connections(mut self, connections: usize) -> Self {
        self.connections.grpc = Some(connections);
        self
    }

    /// Compresses requests over gRPC that have 1 KiB or more, and lets the server compress its replies. Off by default:
    /// it saves bytes where they are dear, and costs time elsewhere.
    #[cfg(all(feature = "grpc", feature = "gzip"))]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "grpc", feature = "gzip"))))]
    pub fn grpc_gzip(mut self) -> Self {
        self.connections.gzip = true;
        self
    }

    /// Takes no proxy. By default `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment, or what the
    /// system has set, hold over HTTP; gRPC takes none.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn no_proxy(mut self) -> Self {
        self.connections.no_proxy = true;
        self
    }

    /// Connects to a Unix socket at that path; the URL's host then only goes into the `Host` header.
    #[cfg(unix)]
    #[cfg_attr(docsrs, doc(cfg(unix)))]
    pub fn unix_socket(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.connections.unix_socket = Some(path.into());
        self
    }

    /// Trusts certificate authorities in addition to those that the system trusts: one or more in PEM, or one in DER.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn root_certificate(mut self, certificate: impl AsRef<[u8]>) -> Self {
        self.tls.roots.push(certificate.as_ref().to_vec());
        self
    }

    /// Expects the server's certificate to be for that name, whatever the host in the URL: for a node that is called by
    /// its address.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// Shows the server a client certificate (mutual TLS): `pem` holds the certificate, what it needs of its
    /// chain, and its private key.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn identity(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.identity = Some(pem.as_ref().to_vec());
        self
    }

    /// Takes any certificate of the server. Whoever is on the network path can then read the key and the data.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn danger_accept_invalid_certs(mut self) -> Self {
        self.tls.accept_invalid_certs = true;
        self
    }

    /// Sends the calls with a [`reqwest::Client`] of one's own, for what this builder does not offer.
    ///
    /// Its own configuration holds for connecting and TLS. It should follow no redirects, and drop idle
    /// connections before the server's 30 s (`pool_idle_timeout`). Where `reqwest::Client::new` panics for want of a
    /// TLS provider, give reqwest one of its TLS features, or install a provider of rustls.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Sends the calls over a [`tonic::transport::Channel`] of one's own, for what this builder does not offer.
    ///
    /// The URL then only picks the transport. A channel belongs to the runtime in which it was made.
    #[cfg(feature = "grpc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
    pub fn grpc_channel(mut self, channel: tonic::transport::Channel) -> Self {
        self.grpc_channel = Some(channel);
        self
    }
}
