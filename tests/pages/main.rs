//! Lists that come page by page.
#![cfg(any(feature = "grpc", feature = "http"))]

#[cfg(feature = "http")]
#[path = "../support/fake_http.rs"]
mod fake_http;
#[cfg(feature = "http")]
#[path = "../support/fake_server.rs"]
mod fake_server;
#[path = "../support/server.rs"]
mod server;

/// Makes the tests of behaviours on a server: `BEHAVIOUR::TRANSPORT_SERVER`.
macro_rules! over_each_transport {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(feature = "http")]
            #[tokio::test]
            async fn http_embedded() -> crate::Outcome {
                use crate::server::{Backend, Transport};
                super::$name(crate::start(Backend::Embedded, Transport::Http).await).await
            }

            #[cfg(feature = "http")]
            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn http_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Transport, Version};
                super::$name(crate::start(Backend::Real(Version::V6), Transport::Http).await).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            async fn grpc_embedded() -> crate::Outcome {
                use crate::server::{Backend, Transport};
                super::$name(crate::start(Backend::Embedded, Transport::Grpc).await).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn grpc_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Transport, Version};
                super::$name(crate::start(Backend::Real(Version::V6), Transport::Grpc).await).await
            }
        }
    )+};
}

#[cfg(feature = "http")]
mod cursors;
mod history;
mod maps;

use centrifugo_api::{Client, Error, Page, Paged, Pages};
use server::{Backend, Server, Transport};

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Env {
    server: Server,
    client: Client,
}

async fn start(backend: Backend, transport: Transport) -> Env {
    let server = Server::start(backend).await;
    let client = server.client(transport);
    Env { server, client }
}

/// Reads all the pages, and sees that nothing comes after the last.
async fn read<R: Paged + 'static, T>(
    mut pages: Pages<R>,
    of: impl Fn(R::Result) -> T,
) -> Result<Vec<T>, Error> {
    let mut read = Vec::new();
    while let Some(page) = pages.next().await {
        match page? {
            Page::Page(page) => read.push(of(page)),
            other => panic!(
                "lost after {} pages: {}",
                read.len(),
                matches!(other, Page::Lost(_))
            ),
        }
    }
    assert!(pages.next().await.is_none());
    Ok(read)
}
