//! Encrypted connections to a real Centrifugo over HTTP and gRPC, with certificates made for each
//! test.

mod handshakes;
mod protocols;
mod schemes;

use std::time::Duration;

use centrifugo_api::{Client, ClientBuilder, Error, InfoRequest};

use crate::Outcome;
use crate::authority::{Authority, Certified};
use crate::server::{Backend, GRPC_KEY, HTTP_KEY, Server, Transport, Version};

const BOTH: [Transport; 2] = [Transport::Http, Transport::Grpc];

/// Starts a server that speaks only TLS, over HTTP and gRPC.
async fn start_with_tls(certified: &Certified, options: &[(&str, &str)]) -> Server {
    let mut all = certified.options().to_vec();
    all.extend(options);
    Server::start_with(Backend::Real(Version::V6), &all).await
}

/// Returns a builder for a client over TLS with the right key.
fn client_of(server: &Server, transport: Transport) -> ClientBuilder {
    let url = server.url(transport).replacen("://", "s://", 1);
    let key = match transport {
        Transport::Http => HTTP_KEY,
        Transport::Grpc => GRPC_KEY,
    };
    Client::builder(url)
        .api_key(key)
        .timeout(Duration::from_secs(20))
}

/// Makes a call that succeeds.
async fn succeeds(builder: ClientBuilder) -> Result<(), Error> {
    builder.build()?.info(InfoRequest::new()).await.map(drop)
}

/// Returns the error of a call that fails.
async fn fails(builder: ClientBuilder) -> Result<Error, Box<dyn std::error::Error>> {
    match succeeds(builder).await {
        Ok(()) => Err("the call succeeded".into()),
        Err(error) => Ok(error),
    }
}
