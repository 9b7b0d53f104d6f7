//! The client under test: async or blocking, with the calls that both have.

use centrifugo_api::{Batch, BroadcastRequest, BroadcastResult, Client, Error, Method};

/// The client that a test uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Async,
    /// The async client, sending command lines.
    #[cfg(feature = "_http")]
    Legacy,
    #[cfg(feature = "blocking")]
    Blocking,
}

pub(crate) enum ClientUnderTest {
    Async(Client),
    #[cfg(feature = "blocking")]
    Blocking(centrifugo_api::blocking::Client),
}

impl ClientUnderTest {
    pub(crate) fn build(
        kind: ClientKind,
        builder: centrifugo_api::ClientBuilder,
    ) -> Result<Self, Error> {
        match kind {
            ClientKind::Async => builder.build().map(Self::Async),
            #[cfg(feature = "_http")]
            ClientKind::Legacy => builder.legacy_commands().build().map(Self::Async),
            #[cfg(feature = "blocking")]
            ClientKind::Blocking => builder.build_blocking().map(Self::Blocking),
        }
    }

    pub(crate) async fn call<M: Method>(&self, request: M) -> Result<M::Result, Error> {
        match self {
            Self::Async(client) => client.call(request).await,
            #[cfg(feature = "blocking")]
            Self::Blocking(client) => client.call(request),
        }
    }

    pub(crate) async fn batch<B: Batch>(&self, batch: B) -> Result<B::Output, Error> {
        match self {
            Self::Async(client) => client.batch(batch).await,
            #[cfg(feature = "blocking")]
            Self::Blocking(client) => client.batch(batch),
        }
    }

    pub(crate) async fn broadcast(
        &self,
        request: BroadcastRequest,
    ) -> Result<BroadcastResult, Error> {
        match self {
            Self::Async(client) => client.broadcast(request).await,
            #[cfg(feature = "blocking")]
            Self::Blocking(client) => client.broadcast(request),
        }
    }
}

impl From<Client> for ClientUnderTest {
    fn from(client: Client) -> Self {
        Self::Async(client)
    }
}
