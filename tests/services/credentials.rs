//! Keys and tokens in the errors of services.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use centrifugo_api::service::Body;
use centrifugo_api::{Client, Credential, InfoRequest, Retry};
use http::{Request, Response};
use tokio::sync::Barrier;

use crate::Outcome;

/// However many others were sent meanwhile.
#[tokio::test]
async fn token_of_an_attempt_is_hidden_in_its_error() -> Outcome {
    const CALLS: usize = 200;
    let arrived = Arc::new(AtomicUsize::new(0));
    let all_are_here = Arc::new(Barrier::new(CALLS));
    let (counter, gate) = (Arc::clone(&arrived), all_are_here);
    let service = tower::service_fn(move |request: Request<Body>| {
        counter.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&gate);
        async move {
            gate.wait().await;
            let token = request.headers()["authorization"].as_bytes().to_vec();
            let mut response = Response::new(Body::from(token));
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            Ok::<_, Infallible>(response)
        }
    });
    let next = AtomicUsize::new(0);
    let client = Client::builder("http://localhost:8000/api")
        .retry(Retry::none())
        .http_service(service)
        .bearer_token_provider(move || {
            let token = format!("token-number-{}", next.fetch_add(1, Ordering::SeqCst));
            let token = Credential::new(token).expires_in(Duration::ZERO);
            std::future::ready(Ok::<_, Infallible>(token))
        })
        .build()?;
    let mut calls = Vec::new();
    for number in 1..=CALLS {
        let client = client.clone();
        calls.push(tokio::spawn(async move {
            client.info(InfoRequest::new()).await
        }));
        // Calls that come together share a token.
        while arrived.load(Ordering::SeqCst) < number {
            tokio::task::yield_now().await;
        }
    }
    for call in calls {
        let error = call.await?.expect_err("the service refuses all calls");
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("[secret]") && !shown.contains("token-number"),
            "{shown}"
        );
    }
    Ok(())
}
