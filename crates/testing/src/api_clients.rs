//! Clients of the server API, with the key of the server.

use crate::server::Server;

/// # Clients
impl Server {
    /// Returns a client over HTTP with the server's API key.
    #[cfg(feature = "_http")]
    #[must_use]
    pub fn client(&self) -> centrifugo_api::Client {
        self.client_builder()
            .build()
            .unwrap_or_else(|error| unreachable!("the options are valid: {error}"))
    }

    /// Returns the builder of a client over HTTP with the server's API key.
    #[cfg(feature = "_http")]
    pub fn client_builder(&self) -> centrifugo_api::ClientBuilder {
        with_key(
            centrifugo_api::Client::builder(self.url()),
            self.config.http_key.as_ref(),
        )
    }

    /// Returns a blocking client over HTTP with the server's API key.
    #[cfg(all(feature = "_http", feature = "blocking"))]
    #[must_use]
    pub fn blocking_client(&self) -> centrifugo_api::blocking::Client {
        self.client_builder()
            .build_blocking()
            .unwrap_or_else(|error| unreachable!("the options are valid: {error}"))
    }

    /// Returns a client over gRPC with the server's API key.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc_client(&self) -> centrifugo_api::Client {
        self.grpc_client_builder()
            .build()
            .unwrap_or_else(|error| unreachable!("the options are valid: {error}"))
    }

    /// Returns the builder of a client over gRPC with the server's API key.
    #[cfg(feature = "grpc")]
    pub fn grpc_client_builder(&self) -> centrifugo_api::ClientBuilder {
        with_key(
            centrifugo_api::Client::builder(self.grpc_url()),
            self.config.grpc_key.as_ref(),
        )
    }
}

fn with_key(
    builder: centrifugo_api::ClientBuilder,
    key: Option<&String>,
) -> centrifugo_api::ClientBuilder {
    match key {
        Some(key) => builder.api_key(key),
        None => builder,
    }
}
