//! The proxy between the client and a node, as the environment or the system has set it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ::http::Uri;
use ::http::header::HeaderValue;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use crate::error::Error;
use crate::transport::TransportConfig;
use crate::transport::dial::{Names, Passage, Passing, Socket};
use crate::transport::tls::Connector;

/// The proxy of connections to a node.
pub(super) struct Proxy {
    intercept: Intercept,
    /// The node.
    target: Uri,
    names: Arc<Names>,
    /// `None` if the connection to the proxy is not encrypted.
    tls: Option<Connector>,
}

impl Proxy {
    /// Returns the proxy of connections to a node, if there is one.
    pub(super) fn of(config: &TransportConfig) -> Result<Option<Self>, Error> {
        if config.proxy.is_none() {
            return Ok(None);
        }
        let target = config.url.to_http().parse::<Uri>();
        let target =
            target.map_err(|error| Error::Config(format!("url `{}`: {error}", config.url)))?;
        let Some(intercept) = Matcher::from_system().intercept(&target) else {
            return Ok(None);
        };
        let is_encrypted = intercept.uri().scheme_str() == Some("https");
        let host = intercept.uri().host().unwrap_or_default();
        let tls = if is_encrypted {
            Some(Connector::of_host(config, host, "http/1.1")?)
        } else {
            None
        };
        Ok(Some(Self {
            intercept,
            target,
            names: Arc::clone(&config.names),
            tls,
        }))
    }

    /// Returns whether the proxy sends requests on, instead of passing bytes on: requests then have complete URIs.
    pub(super) fn forwards(&self) -> bool {
        let is_socks = self.scheme().starts_with("socks");
        !is_socks && self.target.scheme_str() == Some("http")
    }

    /// Returns the header `Proxy-Authorization` of requests that the proxy sends on.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.intercept.basic_auth().cloned()
    }

    fn scheme(&self) -> &str {
        self.intercept.uri().scheme_str().unwrap_or("http")
    }

    /// Asks the proxy for a connection to the node.
    async fn ask(&self, socket: Box<dyn Socket>) -> io::Result<Box<dyn Socket>> {
        let socket = match &self.tls {
            Some(tls) => Box::new(tls.connect(socket).await?),
            None => socket,
        };
        if self.forwards() {
            return Ok(socket);
        }
        let proxy = self.intercept.uri().clone();
        let connected = Connected(Some(TokioIo::new(socket)));
        let (user, password) = self.intercept.raw_auth().unwrap_or_default();
        let passed = match self.scheme() {
            scheme @ ("socks4" | "socks4a") => {
                let target = self.target_for(scheme == "socks4", true).await?;
                let passed = SocksV4::new(proxy, connected).call(target).await;
                passed.map_err(io::Error::other)?
            }
            scheme @ ("socks5" | "socks5h") => {
                let target = self.target_for(scheme == "socks5", false).await?;
                let mut socks = SocksV5::new(proxy, connected);
                if !user.is_empty() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                let passed = socks.call(target).await;
                passed.map_err(io::Error::other)?
            }
            _ => {
                let mut tunnel = Tunnel::new(proxy, connected);
                if let Some(authorization) = self.authorization() {
                    tunnel = tunnel.with_auth(authorization);
                }
                let passed = tunnel.call(self.target.clone()).await;
                passed.map_err(io::Error::other)?
            }
        };
        Ok(passed.into_inner())
    }

    /// Returns the URI of the node for a SOCKS proxy, with its port, and with its address if the client looks names up.
    async fn target_for(&self, by_address: bool, only_v4: bool) -> io::Result<Uri> {
        let host = self.target.host().unwrap_or_default();
        let is_https = self.target.scheme_str() == Some("https");
        let usual_port = if is_https { 443 } else { 80 };
        let port = self.target.port_u16().unwrap_or(usual_port);
        if !by_address {
            return uri(&format!("{host}:{port}"));
        }
        let addresses = self.names.addresses(host, port).await?;
        let is_usable = |address: &&SocketAddr| !only_v4 || address.is_ipv4();
        match addresses.iter().find(is_usable) {
            Some(address) => uri(&address.to_string()),
            None => Err(io::Error::other(
                "SOCKS 4 needs a host with an address of IPv4",
            )),
        }
    }
}

/// Returns a URI of which only host and port matter.
fn uri(authority: &str) -> io::Result<Uri> {
    format!("http://{authority}")
        .parse()
        .map_err(io::Error::other)
}

impl Passage for Proxy {
    fn host(&self) -> (&str, u16) {
        let uri = self.intercept.uri();
        let usual_port = match self.scheme() {
            "https" => 443,
            "http" => 80,
            _ => 1080,
        };
        let port = uri.port_u16().unwrap_or(usual_port);
        (uri.host().unwrap_or_default(), port)
    }

    fn pass(self: Arc<Self>, socket: Box<dyn Socket>) -> Passing {
        Box::pin(async move { self.ask(socket).await })
    }
}

/// A connector whose connection is there already.
struct Connected(Option<TokioIo<Box<dyn Socket>>>);

impl Service<Uri> for Connected {
    type Response = TokioIo<Box<dyn Socket>>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Self::Response>>;

    fn poll_ready(
        &mut self,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _proxy: Uri) -> Self::Future {
        let socket = self.0.take();
        std::future::ready(socket.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}
