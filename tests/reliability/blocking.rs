//! The blocking client: all threads share its policies.

use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use centrifugo_api::blocking::Client;
use centrifugo_api::observe::{CallObserver, CallStart, Observer};
use centrifugo_api::{Error, InfoRequest, PublishRequest, Retry};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, PATIENCE, both_transports, called, keyed, quickly};

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(60);
const THREADS: usize = 8;

fn info(client: &Client) -> Result<(), Error> {
    client.info(InfoRequest::new()).map(drop)
}

/// Calls from this many threads at once, and returns the outcome of each.
fn from_threads(
    client: &Client,
    threads: usize,
    call: impl Fn(&Client) -> Result<(), Error> + Sync,
) -> Vec<Result<(), Error>> {
    let together = Barrier::new(threads);
    thread::scope(|scope| {
        let calls: Vec<_> = (0..threads)
            .map(|_| {
                let client = client.clone();
                scope.spawn(|| {
                    let client = client;
                    together.wait();
                    call(&client)
                })
            })
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("no thread panics"))
            .collect()
    })
}

/// Waits until this many calls have arrived.
fn arrived(server: &Server, calls: usize) {
    while server.requests().len() < calls {
        thread::yield_now();
    }
}

#[test]
fn call_of_thread_is_retried_and_published_once() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build_blocking()?;
        server.fail_next(1, Fault::close_after())?;
        assert_eq!(client.publish(keyed("1"))?.offset, 1);
        assert_eq!(called(&server), ["publish", "publish"]);
        server.fail_next(1, Fault::close_after())?;
        assert!(
            client
                .with_retry(Retry::none())
                .publish(keyed("2"))
                .is_err_and(|error| error.is_network())
        );
        assert_eq!(
            client
                .history(centrifugo_api::HistoryRequest::new("news"))?
                .offset,
            1
        );
    }
    Ok(())
}

#[test]
fn idempotency_keys_are_generated_for_threads_too() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder
            .retry(quickly().idempotency_keys())
            .build_blocking()?;
        // Over gRPC, the threads may lose their shared connection together.
        server.fail_next(1, Fault::close_after())?;
        from_threads(&client, THREADS, |client: &Client| {
            client.publish(PublishRequest::new("news", "1")).map(drop)
        })
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
        assert!(called(&server).len() > THREADS);
        let history = client.history(centrifugo_api::HistoryRequest::new("news"))?;
        assert_eq!(usize::try_from(history.offset)?, THREADS);
    }
    Ok(())
}

#[test]
fn deadline_bounds_calls_of_a_thread() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.timeout(LONG).build_blocking()?;
        server.fail_always(Fault::delay(LONG))?;
        let started = Instant::now();
        let bounded = client.with_deadline(started + SHORT);
        let error = info(&bounded).unwrap_err();
        assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
        let error = info(&bounded).unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        assert!(started.elapsed() >= SHORT && started.elapsed() < LONG / 2);
        server.clear_faults();
        info(&client)?;
    }
    Ok(())
}

#[test]
fn no_more_threads_are_served_at_once_than_allowed() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.max_in_flight(2).build_blocking()?;
        server.fail_always(Fault::delay(LONG))?;
        let under_way = client.with_timeout(4 * SHORT);
        let waiting = client.with_timeout(SHORT);
        thread::scope(|scope| {
            let first = scope.spawn(|| from_threads(&under_way, 2, info));
            arrived(&server, 2);
            for error in from_threads(&waiting, 3, info)
                .into_iter()
                .map(Result::unwrap_err)
            {
                assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
            }
            for error in first
                .join()
                .expect("no thread panics")
                .into_iter()
                .map(Result::unwrap_err)
            {
                assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
            }
        });
        assert_eq!(called(&server).len(), 2);
        // Their permits are free again.
        server.clear_faults();
        info(&client.with_timeout(PATIENCE))?;
    }
    Ok(())
}

#[test]
fn waiting_threads_get_their_turn() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.max_in_flight(1).build_blocking()?;
        from_threads(&client, THREADS, |client: &Client| {
            (0..10).try_for_each(|_| info(client))
        })
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
        assert_eq!(called(&server).len(), 10 * THREADS);
    }
    Ok(())
}

#[test]
fn close_waits_for_calls_of_other_threads_and_refuses_new_ones() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build_blocking()?;
        server.fail_next(1, Fault::delay(SHORT))?;
        thread::scope(|scope| {
            let call = scope.spawn(|| client.publish(keyed("1")));
            arrived(&server, 1);
            let error = client
                .close(Duration::from_millis(10))
                .expect_err("a call is in flight");
            assert!(error.is_timeout(), "{error:?}");
            assert!(matches!(
                info(&client),
                Err(Error::Closed { method: "info", .. })
            ));
            client.close(PATIENCE)?;
            // The reply has arrived, and its thread is about to take it.
            let published = call.join().expect("no thread panics")?;
            assert_eq!(published.offset, 1);
            Ok::<_, Error>(())
        })?;
        assert_eq!(called(&server), ["publish"]);
    }
    Ok(())
}

#[test]
fn key_replaced_by_one_thread_is_used_by_all() -> Outcome {
    let server = Server::builder().api_key("new-key").start()?;
    for url in [server.url(), server.grpc_url()] {
        let client = Client::new(url, "old-key")?;
        for outcome in from_threads(&client, THREADS, info) {
            assert!(outcome.is_err_and(|error| error.is_unauthorized()));
        }
        thread::scope(|scope| {
            scope
                .spawn(|| client.set_api_key("new-key"))
                .join()
                .expect("no thread panics")
        })?;
        from_threads(&client, THREADS, info)
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
    }
    Ok(())
}

/// Calls the client again within each of its calls.
struct Nested {
    client: Arc<OnceLock<Client>>,
    errors: Arc<Mutex<Vec<Error>>>,
}

impl Observer for Nested {
    fn call(&self, _: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        if let Some(client) = self.client.get() {
            let error = info(client).expect_err("the call is within another one");
            let mut errors = self.errors.lock().expect("no test panics with the lock");
            errors.push(error);
        }
        None
    }
}

#[test]
fn call_within_a_call_is_an_error() -> Outcome {
    for (server, builder) in both_transports()? {
        let errors = Arc::<Mutex<Vec<Error>>>::default();
        let own = Arc::<OnceLock<Client>>::default();
        let observer = Nested {
            client: Arc::clone(&own),
            errors: Arc::clone(&errors),
        };
        let client = builder.observer(observer).build_blocking()?;
        assert!(own.set(client.clone()).is_ok());
        info(&client)?;
        let errors = errors.lock().expect("no test panics with the lock");
        let [error] = &errors[..] else {
            panic!("{errors:?}")
        };
        assert!(matches!(error, Error::Config(_)), "{error:?}");
        assert!(error.to_string().contains("within another call"), "{error}");
        assert_eq!(called(&server), ["info"]);
    }
    Ok(())
}
