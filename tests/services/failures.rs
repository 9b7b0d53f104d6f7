//! Services that fail, hang or are never ready: what the call did, and whether it is attempted again.

use std::error::Error as _;
use std::future::{Ready, pending, ready};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use centrifugo_api::service::Body;
use centrifugo_api::{ApiError, Effect, Error, HistoryRequest, Retry, Status};
use http::{Request, Response};
use tower_service::Service;

use crate::double::{BoxError, Double, Over, read};
use crate::{KEY, Outcome, assert_says, failure, publish};

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn service_that_fails_before_it_reads_leaves_the_call_unsent() -> Outcome {
    for over in Over::all() {
        let double = Double::new(async |_| Err("the signer has no key".into()));
        let client = over.service(double.clone()).retry(Retry::none()).build()?;
        let error = failure(&client).await;
        assert!(error.is_network() && error.is_unsent(), "{error:?}");
        assert!(error.is_retryable(), "{error:?}");
        assert_says(&error, over.url());
        assert_says(&error, "the transport returned an error; nothing was sent");
        let text = error.to_string();
        assert!(!text.contains("cannot connect"), "{text}");
        let source = error.source().expect("the error of the service");
        assert_eq!(source.to_string(), "the signer has no key");
        assert_eq!(double.calls(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn service_that_fails_after_it_has_read_may_have_run_the_call() -> Outcome {
    for over in Over::all() {
        let double = Double::new(async |request| {
            read(request).await?;
            Err(io::Error::from(io::ErrorKind::ConnectionReset).into())
        });
        // A call that may not run twice is not attempted again, whatever the retries.
        let client = over.service(double.clone()).build()?;
        let error = failure(&client).await;
        assert!(error.is_network(), "{error:?}");
        assert_eq!(error.effect(), Effect::MayHaveRun, "{error:?}");
        assert_says(&error, "connection reset; the call may have run");
        assert_eq!(double.calls(), 1, "{over:?}");

        let error = client.history(HistoryRequest::new("news")).await;
        let error = error.expect_err("the call fails");
        assert_eq!(error.attempts(), 3, "{error:?}");
        assert_eq!(double.calls(), 4, "{over:?}");
    }
    Ok(())
}

#[tokio::test]
async fn unsent_call_is_attempted_again_whatever_its_method() -> Outcome {
    for over in Over::all() {
        let attempts = AtomicUsize::new(0);
        let double = Double::new(move |request| {
            let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                if is_first {
                    return Err("not yet".into());
                }
                read(request).await?;
                Ok(over.published(3))
            }
        });
        let client = over.service(double.clone()).build()?;
        assert_eq!(publish(&client).await?.offset, 3);
        assert_eq!(double.calls(), 2, "{over:?}");
    }
    Ok(())
}

#[tokio::test]
async fn service_that_hangs_ends_by_the_timeout() -> Outcome {
    for over in Over::all() {
        for reads in [false, true] {
            let double = Double::new(move |request| async move {
                if reads {
                    read(request).await?;
                } else {
                    // It keeps the body, which must not leave later.
                    let _kept = request;
                    pending::<()>().await;
                }
                pending().await
            });
            let client = over.service(double.clone()).timeout(SHORT).build()?;
            let error = failure(&client).await;
            assert!(error.is_timeout(), "{over:?}: {error:?}");
            assert_eq!(error.is_unsent(), !reads, "{over:?}: {error:?}");
            assert_eq!(double.calls(), 1);
        }
    }
    Ok(())
}

#[tokio::test]
async fn body_of_a_call_that_has_ended_is_not_handed_out() -> Outcome {
    for over in Over::all() {
        let (sender, mut kept) = tokio::sync::mpsc::unbounded_channel();
        let double = Double::new(move |request: Request<Body>| {
            let sender = sender.clone();
            async move {
                sender.send(request.into_body())?;
                pending().await
            }
        });
        let client = over.service(double).timeout(SHORT).build()?;
        assert!(failure(&client).await.is_unsent(), "{over:?}");
        let body = kept.recv().await.expect("the service has kept the body");
        assert!(body.bytes().await.is_err(), "{over:?}");
    }
    Ok(())
}

/// A service that is never ready, or whose readiness fails.
#[derive(Clone)]
struct Unready {
    fails: bool,
}

impl Service<Request<Body>> for Unready {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if self.fails {
            Poll::Ready(Err("overloaded"))
        } else {
            Poll::Pending
        }
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        ready(Err("called although it was not ready"))
    }
}

#[tokio::test]
async fn service_that_is_not_ready_leaves_the_call_unsent() -> Outcome {
    for over in Over::all() {
        for fails in [false, true] {
            let builder = over.service(Unready { fails }).timeout(SHORT);
            let error = failure(&builder.retry(Retry::none()).build()?).await;
            assert!(error.is_unsent(), "{over:?}: {error:?}");
            assert_eq!(error.is_network(), fails, "{over:?}: {error:?}");
            assert_eq!(error.is_timeout(), !fails, "{over:?}: {error:?}");
            if fails {
                assert_eq!(
                    error.source().map(ToString::to_string),
                    Some("overloaded".into())
                );
            }
        }
    }
    Ok(())
}

/// A service of which one clone at a time is ready.
#[derive(Clone)]
struct OneAtATime {
    free: Arc<tokio::sync::Semaphore>,
    double: Double,
    permit: Arc<std::sync::Mutex<Option<tokio::sync::OwnedSemaphorePermit>>>,
}

impl Service<Request<Body>> for OneAtATime {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = crate::double::Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => {
                self.permit = Arc::new(std::sync::Mutex::new(Some(permit)));
                Poll::Ready(Ok(()))
            }
            Err(_) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let permit = self.permit.lock().expect("no panic").take();
        let answer = self.double.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(permit);
            answer
        })
    }
}

#[tokio::test]
async fn each_call_waits_until_its_clone_is_ready() -> Outcome {
    for over in Over::all() {
        let running = Arc::new(AtomicUsize::new(0));
        let double = Double::new(move |request| {
            let running = Arc::clone(&running);
            async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                read(request).await?;
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(over.published(1))
            }
        });
        let service = OneAtATime {
            free: Arc::new(tokio::sync::Semaphore::new(1)),
            double: double.clone(),
            permit: Arc::default(),
        };
        let client = over.service(service).build()?;
        let calls = (0..10).map(|_| publish(&client));
        let published = futures_util::future::join_all(calls).await;
        assert!(published.iter().all(Result::is_ok), "{over:?}");
        assert_eq!(double.calls(), 10);
    }
    Ok(())
}

#[tokio::test]
async fn error_of_this_crate_is_that_of_the_attempt() -> Outcome {
    for over in Over::all() {
        let double = Double::new(async |request| {
            read(request).await?;
            Err(Error::from(ApiError::from(centrifugo_api::api::Error::new(102, ""))).into())
        });
        let client = over.service(double).build()?;
        let error = failure(&client).await;
        assert_eq!(
            error.api_code(),
            Some(ApiError::UNKNOWN_CHANNEL),
            "{error:?}"
        );
        assert_says(&error, "publish: ");
        assert_eq!(error.method(), Some("publish"));
    }
    Ok(())
}

#[tokio::test]
async fn error_that_shows_the_key_is_not_kept() -> Outcome {
    #[derive(Debug, thiserror::Error)]
    #[error("the request cannot be signed")]
    struct Wrapped(#[source] BoxError);
    for over in Over::all() {
        let double = Double::new(async |_| {
            let inner = format!("the header has {KEY}");
            Err(Wrapped(inner.into()).into())
        });
        let client = over.service(double).retry(Retry::none()).build()?;
        let error = failure(&client).await;
        let mut texts = format!("{error} {error:?}");
        let mut cause = error.source();
        while let Some(error) = cause {
            texts.push_str(&format!("{error} {error:?}"));
            cause = error.source();
        }
        assert!(!texts.contains(KEY), "{texts}");
        assert!(error.is_network() && error.source().is_some(), "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn refusals_are_those_of_the_server() -> Outcome {
    for over in Over::all() {
        for (http, grpc, code) in [(401, "16", 16), (429, "8", 8), (302, "2", 2)] {
            let double = Double::new(move |request| async move {
                read(request).await?;
                let response = Response::builder().header("location", "http://elsewhere/");
                let response = match over {
                    Over::Http => response.status(http),
                    Over::Grpc => response.header("grpc-status", grpc),
                };
                Ok(response.body(Body::from("refused"))?)
            });
            let client = over.service(double.clone()).build()?;
            let error = failure(&client).await;
            let status = match over {
                Over::Http => Status::Http(http),
                Over::Grpc => Status::Grpc(code),
            };
            assert_eq!(error.status(), Some(&status), "{error:?}");
            assert_eq!(error.is_unauthorized(), http == 401, "{error:?}");
            // A redirect is not followed.
            assert_eq!(double.calls(), 1, "{over:?}: {http}");
        }
    }
    Ok(())
}
