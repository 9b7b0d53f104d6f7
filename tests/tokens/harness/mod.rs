//! Servers and clients that are real or embedded, and keys.

mod client;
mod endpoint;
mod keys;
mod real;

use std::time::Duration;

use centrifugo_api::PresenceRequest;
use centrifugo_api_testing::ServerBuilder;
use centrifugo_token::{ConnectionClaims, Verifier};

pub(crate) use client::{Client, Event};
pub(crate) use endpoint::Endpoint;
pub(crate) use keys::{forged, forged_with, key, minute, secret};

use crate::server::{self, Transport, Version};

/// The time in which an event must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// The configuration of both servers, whose HMAC secret is that of [`key`].
const CONFIGURATION: &str = include_str!("../../centrifugo/6.9.1.json");

/// The server of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Real,
    Embedded,
}

/// A client as presence shows it.
#[derive(Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) user: String,
    pub(crate) conn_info: String,
    pub(crate) chan_info: String,
}

type Failure = Box<dyn std::error::Error>;

/// A running server.
pub(crate) enum Server {
    Real(server::Server),
    Embedded(centrifugo_api_testing::Server),
}

/// Makes two tests of each function that takes a [`Backend`]: `FUNCTION::embedded` and `FUNCTION::real`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn embedded() -> crate::Outcome {
                super::$name(crate::harness::Backend::Embedded).await
            }

            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn real() -> crate::Outcome {
                super::$name(crate::harness::Backend::Real).await
            }
        }
    )+};
}

impl Server {
    /// Starts a server with further options, given as variables of Centrifugo's environment.
    pub(crate) async fn start<T: AsRef<str>>(backend: Backend, options: &[(T, T)]) -> Self {
        match backend {
            Backend::Real => Self::real(options).await,
            Backend::Embedded => Self::embedded(options, |builder| builder),
        }
    }

    /// Starts a server that takes its keys from a JWKS at an endpoint. The embedded server gets the JWKS itself.
    pub(crate) async fn with_jwks(backend: Backend, url: &str, jwks: &str) -> Self {
        let options = [("CENTRIFUGO_CLIENT_TOKEN_JWKS_PUBLIC_ENDPOINT", url)];
        let verifier = Verifier::with_jwks(jwks).expect("the JWKS is valid");
        match backend {
            Backend::Real => Self::real(&options).await,
            Backend::Embedded => Self::embedded(&options, |builder| builder.tokens(verifier)),
        }
    }

    async fn real<T: AsRef<str>>(options: &[(T, T)]) -> Self {
        let mut borrowed = Vec::new();
        for (name, value) in options {
            borrowed.push((name.as_ref(), value.as_ref()));
        }
        let backend = server::Backend::Real(Version::V6);
        Self::Real(server::Server::start_with(backend, &borrowed).await)
    }

    fn embedded<T: AsRef<str>>(
        options: &[(T, T)],
        change: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let options = options.iter();
        let environment = options.map(|(name, value)| (name.as_ref(), value.as_ref()));
        let builder = centrifugo_api_testing::Server::builder()
            .configuration(CONFIGURATION)
            .environment(environment);
        Self::Embedded(change(builder).start().expect("the server starts"))
    }

    fn api(&self) -> centrifugo_api::Client {
        match self {
            Self::Real(server) => server.client(Transport::Http),
            Self::Embedded(server) => server.client(),
        }
    }

    /// Moves the time of the embedded server. That of a real one moves by itself.
    pub(crate) fn advance(&self, duration: Duration) {
        if let Self::Embedded(server) = self {
            server.advance(duration);
        }
    }

    /// Connects a client with a token. The error is the code that it gets.
    pub(crate) async fn connect(&self, token: &str) -> Result<Client, u32> {
        match self {
            Self::Real(server) => {
                let real = real::Client::connect(&server.websocket_url(), token, None).await?;
                Ok(Client::Real(real))
            }
            Self::Embedded(server) => {
                let connection = server.connect_with_token(token);
                connection.map(Client::Embedded).map_err(client::code)
            }
        }
    }

    /// Connects a client with claims that are accepted.
    pub(crate) async fn connected(&self, claims: &ConnectionClaims) -> Result<Client, Failure> {
        let client = self.connect(&claims.sign(&key())?).await;
        Ok(client.map_err(|code| format!("refused with {code}: {claims:?}"))?)
    }

    /// Returns what presence shows of a client, if it is there.
    pub(crate) async fn member(&self, channel: &str, client: &str) -> Option<Member> {
        let reply = self.api().presence(PresenceRequest::new(channel)).await;
        // Error 108: the namespace has no presence.
        let info = reply.ok()?.presence.remove(client)?;
        Some(Member {
            user: info.user,
            conn_info: client::text(&info.conn_info),
            chan_info: client::text(&info.chan_info),
        })
    }

    /// Connects a client with a token, and refreshes the connection with the next one. The error is the code that the client
    /// gets then. The next token must expire soon: a real client asks for a third one once the second one is in force.
    pub(crate) async fn refresh(&self, token: &str, next: &str) -> Result<Client, u32> {
        match self {
            Self::Real(server) => {
                let url = server.websocket_url();
                let mut client = real::Client::connect(&url, token, Some(next)).await?;
                client.refreshed().await?;
                Ok(Client::Real(client))
            }
            Self::Embedded(server) => {
                let connection = server.connect_with_token(token).map_err(client::code)?;
                connection.refresh(next).map_err(client::code)?;
                Ok(Client::Embedded(connection))
            }
        }
    }
}
