//! Services that panic: the panic is that of the call, and of no other one.

use std::time::Duration;

use centrifugo_api::{Coalescing, HistoryRequest, PresenceRequest};

use crate::double::{Double, Over, read};
use crate::{Outcome, publish};

/// Returns a service that panics for its first request.
fn panics_once(over: Over) -> Double {
    let is_first = std::sync::atomic::AtomicBool::new(true);
    Double::new(move |request| {
        let panics = is_first.swap(false, std::sync::atomic::Ordering::SeqCst);
        async move {
            read(request).await?;
            assert!(!panics, "the service has a bug");
            Ok(over.published(1))
        }
    })
}

#[tokio::test]
async fn panic_of_a_service_ends_its_call_alone() -> Outcome {
    for over in Over::all() {
        let client = over.service(panics_once(over)).max_in_flight(1).build()?;
        let call = tokio::spawn({
            let client = client.clone();
            async move { publish(&client).await }
        });
        let ended = call.await.expect_err("the call panics");
        assert!(ended.is_panic(), "{over:?}");
        // Its permit is free again.
        assert_eq!(publish(&client).await?.offset, 1, "{over:?}");
        client.close(Duration::from_secs(1)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn panic_ends_the_calls_of_a_shared_batch_with_an_error() -> Outcome {
    for over in Over::all() {
        let client = over.service(panics_once(over)).build()?;
        let client = client.coalescing(Coalescing::default());
        let (presence, history) = tokio::join!(
            client.presence(PresenceRequest::new("news")),
            client.history(HistoryRequest::new("news"))
        );
        for error in [presence.err(), history.err()] {
            let error = error.expect("the call fails");
            assert!(!error.is_unsent(), "{over:?}: {error:?}");
        }
        client.close(Duration::from_secs(1)).await?;
    }
    Ok(())
}
