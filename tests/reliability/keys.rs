//! API keys that are replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use centrifugo_api::{Client, InfoRequest, Retry, Status};
use centrifugo_api_testing::{Fault, Server};

use crate::Outcome;

fn urls(server: &Server) -> [String; 2] {
    [server.url(), server.grpc_url()]
}

#[tokio::test]
async fn key_is_replaced_while_the_client_runs() -> Outcome {
    let server = Server::builder().api_key("new-key").start()?;
    for url in urls(&server) {
        let client = Client::new(url, "old-key")?;
        let clone = client.clone();
        assert!(
            clone
                .info(InfoRequest::new())
                .await
                .unwrap_err()
                .is_unauthorized()
        );
        client.set_api_key("new-key")?;
        clone.info(InfoRequest::new()).await?;
        assert!(client.set_api_key("two\nlines").is_err());
        client.info(InfoRequest::new()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn key_provider_is_called_before_each_attempt() -> Outcome {
    let server = Server::builder().api_key("key-2").start()?;
    for url in urls(&server) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let client = Client::builder(url)
            .api_key_provider(move || format!("key-{}", counter.fetch_add(1, Ordering::SeqCst)))
            .retry(Retry::none())
            .build()?;
        for _ in 0..2 {
            assert!(
                client
                    .info(InfoRequest::new())
                    .await
                    .unwrap_err()
                    .is_unauthorized()
            );
        }
        client.info(InfoRequest::new()).await?;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }
    Ok(())
}

#[tokio::test]
async fn no_key_that_a_client_had_is_shown() -> Outcome {
    const FIRST: &str = "first-secret-key";
    const SECOND: &str = "second-secret-key";
    let server = Server::builder().api_key(SECOND).start()?;
    let reflected = format!("keys {FIRST} {SECOND}");
    for (url, status) in urls(&server)
        .into_iter()
        .zip([Status::Http(500), Status::Grpc(13)])
    {
        let client = Client::new(url, FIRST)?;
        client.set_api_key(SECOND)?;
        server.fail_next(1, Fault::status(status).message(&reflected))?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        let shown = format!("{error} {error:?} {client:?}");
        assert!(
            shown.contains("[secret]") && !shown.contains("secret-key"),
            "{shown}"
        );
    }
    Ok(())
}
