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

/// Makes the tests of behaviours on a real server: `BEHAVIOUR::TRANSPORT`.
macro_rules! over_each_transport {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(feature = "http")]
            #[tokio::test]
            async fn http() -> crate::Outcome {
                let server = crate::server::Server::start(crate::server::Version::V6).await;
                let client = server.client(crate::server::Transport::Http);
                super::$name(crate::Env { server, client }).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            async fn grpc() -> crate::Outcome {
                let server = crate::server::Server::start(crate::server::Version::V6).await;
                let client = server.client(crate::server::Transport::Grpc);
                super::$name(crate::Env { server, client }).await
            }
        }
    )+};
}

#[cfg(feature = "http")]
mod cursors;
mod history;
mod maps;

use centrifugo_api::{Client, Error, Page, Paged, Pages};
use server::Server;

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Env {
    server: Server,
    client: Client,
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
            other => panic!("lost after {} pages: {}", read.len(), matches!(other, Page::Lost(_))),
        }
    }
    assert!(pages.next().await.is_none());
    Ok(read)
}
