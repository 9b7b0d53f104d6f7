//! Several nodes behind one service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use centrifugo_api::observe::{AttemptStart, CallObserver, CallStart, Observer};
use centrifugo_api::{Effect, Retry};
use http::{HeaderMap, Response};

use crate::double::{Double, Over, read};
use crate::{Outcome, failure, publish};

fn second_url(over: Over) -> &'static str {
    match over {
        Over::Http => "http://second:8000/api",
        Over::Grpc => "grpc://second:10000",
    }
}

/// Counts attempts.
#[derive(Clone, Default)]
struct Attempts(Arc<AtomicUsize>);

impl Observer for Attempts {
    fn call(&self, _call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        Some(Arc::new(self.clone()))
    }
}

impl CallObserver for Attempts {
    fn attempt_starts(&self, _attempt: &AttemptStart<'_>, _headers: &mut HeaderMap) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn unsent_call_goes_on_to_the_next_node() -> Outcome {
    for over in Over::all() {
        let double = Double::new(move |request| async move {
            if request.uri().host() == Some("centrifugo") {
                return Err("no route".into());
            }
            read(request).await?;
            Ok(over.published(1))
        });
        let attempts = Attempts::default();
        let builder = over.service(double.clone()).endpoint(second_url(over));
        let builder = builder.retry(Retry::none()).observer(attempts.clone());
        let client = builder.build()?;
        for _ in 0..10 {
            publish(&client).await?;
        }
        let first = double.uris();
        let first = first.iter().filter(|uri| uri.contains("centrifugo:"));
        // The node that fails is skipped.
        assert!(
            (1..3).contains(&first.count()),
            "{over:?}: {:?}",
            double.uris()
        );
        assert_eq!(
            attempts.0.load(Ordering::SeqCst),
            double.calls(),
            "{over:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn call_that_may_have_run_stays_with_its_node() -> Outcome {
    for over in Over::all() {
        let double = Double::new(async |request| {
            read(request).await?;
            Err("lost".into())
        });
        let client = over.service(double.clone()).endpoint(second_url(over));
        let error = failure(&client.build()?).await;
        assert_eq!(error.effect(), Effect::MayHaveRun, "{error:?}");
        assert_eq!(double.calls(), 1, "{over:?}");
    }
    Ok(())
}

#[tokio::test]
async fn node_that_is_unavailable_is_skipped() -> Outcome {
    for over in Over::all() {
        let double = Double::new(move |request| async move {
            let is_first = request.uri().host() == Some("centrifugo");
            read(request).await?;
            if !is_first {
                return Ok(over.published(1));
            }
            let response = match over {
                Over::Http => Response::builder().status(503),
                Over::Grpc => Response::builder().header("grpc-status", "14"),
            };
            Ok(response.body("".into())?)
        });
        let builder = over.service(double).endpoint(second_url(over));
        let client = builder.retry(Retry::none()).build()?;
        let mut failed = 0;
        for _ in 0..10 {
            failed += usize::from(publish(&client).await.is_err());
        }
        assert_eq!(failed, 1, "{over:?}");
    }
    Ok(())
}
