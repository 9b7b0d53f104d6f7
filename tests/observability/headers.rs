//! Headers and ids of single calls.

use std::time::Duration;

use centrifugo_api::{Client, Coalescing, InfoRequest, PublishRequest};
use centrifugo_api_testing::{Fault, Recorded};

use crate::{Outcome, both_transports};

/// Returns the values of a header in a request.
fn values<'a>(request: &'a Recorded, name: &str) -> Vec<&'a str> {
    let values = request.headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).collect()
}

#[tokio::test]
async fn header_of_a_call_replaces_that_of_the_client() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder
            .header("X-Tenant", "all")
            .header("X-Zone", "a")
            .build()?;
        client
            .with_header("x-tenant", "acme")?
            .info(InfoRequest::new())
            .await?;
        client.info(InfoRequest::new()).await?;
        let [own, usual] = &server.take_requests()[..] else {
            panic!("two requests arrive")
        };
        assert_eq!(
            (values(own, "x-tenant"), values(own, "x-zone")),
            (vec!["acme"], vec!["a"])
        );
        assert_eq!(values(usual, "x-tenant"), ["all"]);
    }
    Ok(())
}

#[tokio::test]
async fn header_that_cannot_be_sent_is_refused() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?;
        for (name, value, problem) in [
            ("bad name", "1", "not a valid header name"),
            ("", "1", "not a valid header name"),
            ("x-tenant", "a\nb", "visible ASCII"),
            ("x-tenant", "ä", "visible ASCII"),
            ("Content-Type", "text/plain", "set by the client itself"),
            ("Host", "example.com", "set by the client itself"),
            ("Upgrade", "websocket", "set by the client itself"),
            ("Grpc-Encoding", "gzip", "set by the client itself"),
        ] {
            let error = client.with_header(name, value).unwrap_err().to_string();
            assert!(error.contains(problem), "{name}: {error}");
        }
        assert!(server.take_requests().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn key_cannot_be_replaced_by_a_header() -> Outcome {
    let names = ["X-API-Key", "Authorization"];
    for ((_server, builder, _), name) in both_transports()?.into_iter().zip(names) {
        let client = builder.build()?;
        let error = client.with_header(name, "other").unwrap_err();
        assert!(error.to_string().contains("carries the api_key"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn call_with_a_header_shares_no_batch() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?.coalescing(Coalescing::default());
        let own = client.with_header("X-Tenant", "acme")?;
        let publish = |client: Client| async move {
            client.publish(PublishRequest::new("chat:news", "{}")).await
        };
        let (first, second) = tokio::join!(publish(own.clone()), publish(own));
        first?;
        second?;
        let requests = server.take_requests();
        assert_eq!(requests.len(), 2);
        for request in &requests {
            assert_eq!(
                (request.method, values(request, "x-tenant")),
                ("publish", vec!["acme"])
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn value_that_comes_back_is_hidden() -> Outcome {
    for (server, builder, transport) in both_transports()? {
        let client = builder.build()?.with_header("X-Token", "very-secret")?;
        let fault = Fault::status(transport.unavailable).message("no very-secret here");
        server.fail_next(3, fault)?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(!error.to_string().contains("very-secret"), "{error}");
        assert!(!format!("{error:?} {client:?}").contains("very-secret"));
    }
    Ok(())
}

#[tokio::test]
async fn each_call_has_an_id_of_its_own() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.request_ids().build()?;
        server.fail_next(3, Fault::api_error(100))?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        client.info(InfoRequest::new()).await?;
        let requests = server.take_requests();
        let ids: Vec<_> = requests
            .iter()
            .flat_map(|one| values(one, "x-request-id"))
            .collect();
        // Three attempts have the same one.
        assert_eq!(ids[..3], [ids[0]; 3]);
        assert!(ids.len() == 4 && ids[3] != ids[0]);
        assert_eq!(error.request_id(), Some(ids[0]));
        assert!(error.to_string().contains(ids[0]), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn id_of_the_caller_is_used() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder
            .request_ids()
            .build()?
            .with_header("X-Request-Id", "mine")?;
        server.fail_next(1, Fault::api_error(105))?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert_eq!(error.request_id(), Some("mine"));
        assert_eq!(values(&server.take_requests()[0], "x-request-id"), ["mine"]);
    }
    Ok(())
}

#[tokio::test]
async fn calls_that_share_a_batch_have_its_id() -> Outcome {
    for (server, builder, transport) in both_transports()? {
        let client = builder
            .request_ids()
            .build()?
            .coalescing(Coalescing::default());
        server.fail_next(1, Fault::status(transport.unavailable))?;
        let publish = || client.publish(PublishRequest::new("chat:news", "{}"));
        let (first, second) = tokio::join!(publish(), publish());
        let [first, second] = [first.unwrap_err(), second.unwrap_err()];
        let requests = server.take_requests();
        let ids: Vec<_> = requests
            .iter()
            .flat_map(|one| values(one, "x-request-id"))
            .collect();
        assert_eq!(ids.len(), 1);
        assert_eq!([first.request_id(), second.request_id()], [Some(ids[0]); 2]);
    }
    Ok(())
}

#[tokio::test]
async fn timeout_in_a_shared_batch_has_its_id() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder
            .request_ids()
            .timeout(Duration::from_millis(200))
            .build()?;
        let client = client.coalescing(Coalescing::default());
        server.fail_next(1, Fault::delay(Duration::from_secs(20)))?;
        let publish = client.publish(PublishRequest::new("chat:news", "{}"));
        let error = publish.await.unwrap_err();
        assert!(error.is_timeout() && !error.is_unsent(), "{error}");
        let requests = server.take_requests();
        assert_eq!(
            error.request_id(),
            values(&requests[0], "x-request-id").first().copied()
        );
        assert!(error.request_id().is_some());
    }
    Ok(())
}
