//! The protocols over which connections are tested, each with a front that lets them misbehave.

use std::net::SocketAddr;

use centrifugo_api::{Client, ClientBuilder, InfoRequest, PublishResponse, PublishResult, Retry};
use centrifugo_api_testing::Server;

use crate::address;
use crate::authority::Authority;
use crate::fake_grpc::Reply;
use crate::front::{Front, Manner, acceptor};

/// A protocol, and whether it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Http1,
    /// HTTP over TLS: HTTP/2 by reqwest, HTTP/1.1 by hyper.
    Http2,
    Grpc,
    /// gRPC over TLS.
    Grpcs,
}

impl Wire {
    pub(crate) const ALL: [Self; 3] = [Self::Grpc, Self::Http2, Self::Http1];

    pub(crate) const PLAIN: [Self; 2] = [Self::Grpc, Self::Http1];

    /// The protocols whose calls share a connection.
    #[cfg(feature = "http")]
    pub(crate) const MULTIPLEXED: &[Self] = &[Self::Grpc, Self::Http2];

    /// The same: on hyper HTTP is HTTP/1.1.
    #[cfg(not(feature = "http"))]
    pub(crate) const MULTIPLEXED: &[Self] = &[Self::Grpc];

    /// The protocols with a handshake of TLS.
    pub(crate) const ENCRYPTED: [Self; 2] = [Self::Grpcs, Self::Http2];

    fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::Grpcs)
    }

    /// Returns the URL of a front.
    pub(crate) fn url(self, front: &Front) -> String {
        let address = front.address;
        match self {
            Self::Http1 => format!("http://{address}/api"),
            Self::Http2 => format!("https://{address}/api"),
            Self::Grpc => format!("grpc://{address}"),
            Self::Grpcs => format!("grpcs://{address}"),
        }
    }

    /// Starts a front of a server, and returns it with the builder of a client without retries.
    pub(crate) async fn front_at(
        self,
        server: SocketAddr,
        manner: impl Fn(usize) -> Manner + Send + 'static,
    ) -> Result<(Front, ClientBuilder), Box<dyn std::error::Error>> {
        let authority = Authority::new()?;
        let is_encrypted = Self::ENCRYPTED.contains(&self);
        let tls = if is_encrypted {
            Some(acceptor(&authority.certify("127.0.0.1")?.identity())?)
        } else {
            None
        };
        let front = Front::start(server, tls, manner).await?;
        let builder = Client::builder(self.url(&front)).retry(Retry::none());
        if is_encrypted {
            return Ok((front, builder.root_certificate(authority.pem())));
        }
        Ok((front, builder))
    }

    /// Does the same in front of an embedded server, and gives the client its key.
    pub(crate) async fn front_of(
        self,
        server: &Server,
        manner: impl Fn(usize) -> Manner + Send + 'static,
    ) -> Result<(Front, ClientBuilder), Box<dyn std::error::Error>> {
        let (front, builder) = self.front_at(address(server).parse()?, manner).await?;
        let key = if self.is_grpc() {
            server.grpc_api_key()
        } else {
            server.api_key()
        };
        Ok((front, builder.api_key(key)))
    }

    /// Returns a successful reply to a publication, of a fake server of HTTP/2.
    pub(crate) fn published(self) -> Reply {
        if self.is_grpc() {
            let result = PublishResult::default().offset(7_u64);
            return Reply::ok(&PublishResponse::default().result(result));
        }
        Reply::head(200, &[("content-type", "application/json")])
            .data(r#"{"result":{"offset":7,"epoch":"abcd"}}"#)
            .end()
    }
}

/// Makes calls one after another, and returns the number of those that fail.
pub(crate) async fn failures(client: &Client, calls: usize) -> usize {
    let mut failed = 0;
    for _ in 0..calls {
        let outcome = client.info(InfoRequest::new()).await;
        failed += usize::from(outcome.is_err());
    }
    failed
}
