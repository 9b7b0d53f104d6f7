//! The options of connections: their lifetime, their encryption, and connections that the user made.

use std::time::Duration;

use super::ClientBuilder;

/// # Connections
impl ClientBuilder {
    /// Lets the system probe idle connections after that time, in whole seconds (TCP keep-alive), which finds nodes
    /// that have vanished. 15 s by default, at most 8 hours.
    ///
    /// On Linux the system also gives up connections whose bytes the server has not acknowledged for 20 s.
    pub fn tcp_keepalive(mut self, interval: Duration) -> Self {
        self.connections.tcp_keepalive = Some(interval);
        self
    }

    /// Sends a ping over HTTP/2 and gRPC when nothing was read from a connection for that time, also while it is idle.
    /// A connection whose ping is not answered in time ends, and its calls with it: see
    /// [`http2_keep_alive_timeout`](Self::http2_keep_alive_timeout). Off by default, at most 8 hours.
    ///
    /// Usually it is not needed: a call that times out on a silent connection makes the client leave that connection,
    /// and the system probes idle ones. Centrifugo's gRPC closes connections that ping more often than every 5
    /// minutes, or every 2 hours while they are idle; the next call then makes a new one.
    pub fn http2_keep_alive(mut self, interval: Duration) -> Self {
        self.connections.http2_keep_alive = Some(interval);
        self
    }

    /// Sets how long the server may take to answer a ping of [`http2_keep_alive`](Self::http2_keep_alive). 10 s by
    /// default.
    pub fn http2_keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.connections.http2_keep_alive_timeout = Some(timeout);
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
#[cfg(feature = "_http")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "http", feature = "hyper"))))]
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

    /// Makes the calls over HTTP/1.1 connections of this crate's own, on hyper, in place of reqwest's: they take less CPU time.
    /// Without the feature `http` it is always so.
    ///
    /// All other options and promises are the same. Where a server offers HTTP/2 over TLS, reqwest uses it, and this does not.
    #[cfg(feature = "hyper")]
    #[cfg_attr(docsrs, doc(cfg(feature = "hyper")))]
    pub fn hyper(mut self) -> Self {
        self.connections.hyper = true;
        self
    }
}

/// # Connections over HTTP, by reqwest
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
impl ClientBuilder {
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
    /// Sets the maximal number of gRPC connections per node, up to 1,000. 4 by default: another one is made when the
    /// existing ones have 100 calls in flight each, or as many as the server allows.
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

    /// Names the server as `authority` in calls, instead of by the URL's host and port: for proxies that route by it.
    /// Over `grpcs` TLS asks for that host too, and verifies the certificate against it, unless
    /// [`server_name`](Self::server_name) is set.
    ///
    /// By default it is the URL's host, and its port unless that is the usual one: 443 for `grpcs`, 80 for `grpc`.
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.connections.authority = Some(authority.into());
        self
    }

    /// Sends the calls over a [`tonic::transport::Channel`] of your own, for options that this builder does not have.
    ///
    /// The URL then only selects the transport. A channel belongs to the runtime in which it was made. Set on the
    /// channel what this client does on its own connections: a timeout for connecting, TCP keep-alive, HTTP/2 pings
    /// with a timeout. Without pings a channel keeps a connection whose server has vanished: all calls then time out.
    /// All calls share the channel's single connection.
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
