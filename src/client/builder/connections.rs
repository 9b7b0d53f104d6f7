//! The options of connections: their lifetime, their encryption, and connections that the user made.

use std::time::Duration;

use super::ClientBuilder;

/// # Connections
impl ClientBuilder {
    /// Lets the system probe idle connections after that time (TCP keep-alive), which finds nodes that have vanished.
    /// 15 s by default, at most 8 hours.
    pub fn tcp_keepalive(mut self, interval: Duration) -> Self {
        self.connections.tcp_keepalive = Some(interval);
        self
    }

    /// Sends pings over HTTP/2 and gRPC in this interval. Off by default, at most 8 hours: Centrifugo's gRPC
    /// closes connections that ping more often than every 5 minutes.
    pub fn http2_keep_alive(mut self, interval: Duration) -> Self {
        self.connections.http2_keep_alive = Some(interval);
        self
    }

    /// Connects to the Unix socket at that path; the URL's host is then only used for the `Host` header.
    #[cfg(unix)]
    #[cfg_attr(docsrs, doc(cfg(unix)))]
    pub fn unix_socket(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.connections.unix_socket = Some(path.into());
        self
    }
}

/// # Connections over HTTP
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
impl ClientBuilder {
    /// Sets how long idle connections stay open. 25 s by default: Centrifugo 6.5 and later close them after
    /// 30 s. At most 8 hours.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.connections.idle_timeout = Some(timeout);
        self
    }

    /// Bounds the number of idle connections per node. Unbounded by default.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.connections.max_idle = Some(connections);
        self
    }

    /// Disables proxies. By default `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment, or
    /// the settings of the system, apply to HTTP, except to this machine (`localhost` and loopback addresses); gRPC
    /// uses no proxy. A SOCKS proxy needs the feature `socks`.
    pub fn no_proxy(mut self) -> Self {
        self.connections.no_proxy = true;
        self
    }

    /// Sends the calls with a [`reqwest::Client`] of your own, for options that this builder does not have.
    ///
    /// Its own configuration applies to connecting and TLS, and some promises of this crate rest with it:
    ///
    /// - It must follow no redirects (`redirect(reqwest::redirect::Policy::none())`): it would send the key to whatever
    ///   server it is redirected to. A reply from another URL is [`Error::Decode`](crate::Error::Decode).
    /// - It should close idle connections before the server does after 30 s (`pool_idle_timeout`), and bound the time
    ///   for connecting (`connect_timeout`).
    /// - Connections that have died silently are not replaced, no second address is tried while one does not reply, and
    ///   proxies apply to this machine too.
    /// - Its connections belong to the runtimes in which they were made.
    ///
    /// If `reqwest::Client::new` panics because there is no TLS provider, enable one of reqwest's TLS features, or
    /// install a provider of rustls.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.own.http_client = Some(client);
        self
    }
}

/// # Connections over gRPC
#[cfg(feature = "grpc")]
#[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
impl ClientBuilder {
    /// Sets the maximal number of gRPC connections per node. 4 by default: another one is made when the existing ones
    /// have 100 calls in flight each. At most 1,000.
    pub fn grpc_connections(mut self, connections: usize) -> Self {
        self.connections.grpc = Some(connections);
        self
    }

    /// Compresses gRPC requests of 1 KiB and more, and lets the server compress its replies. Off by default: it
    /// trades CPU time for bandwidth.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "grpc", feature = "gzip"))))]
    pub fn grpc_gzip(mut self) -> Self {
        self.connections.gzip = true;
        self
    }

    /// Sends the calls over a [`tonic::transport::Channel`] of your own, for options that this builder does not have.
    ///
    /// The URL then only selects the transport. A channel belongs to the runtime in which it was made.
    pub fn grpc_channel(mut self, channel: tonic::transport::Channel) -> Self {
        self.own.grpc_channel = Some(channel);
        self
    }
}

/// # TLS
#[cfg(feature = "_tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
impl ClientBuilder {
    /// Trusts certificate authorities in addition to those that the system trusts: one or more in PEM, or one in DER.
    pub fn root_certificate(mut self, certificate: impl AsRef<[u8]>) -> Self {
        self.tls.roots.push(certificate.as_ref().to_vec());
        self
    }

    /// Verifies the server's certificate against this name instead of the URL's host: for a node that is called by
    /// its address.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// Presents a client certificate to the server (mutual TLS): `pem` contains the certificate, the rest of its
    /// chain where the server needs it, and its private key.
    pub fn identity(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.identity = Some(pem.as_ref().to_vec());
        self
    }

    /// Accepts any certificate of the server. Others on the network path can then read the key and the data.
    pub fn danger_accept_invalid_certs(mut self) -> Self {
        self.tls.accept_invalid_certs = true;
        self
    }
}
