//! The calls: successful ones, failing ones, and those that are dropped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use centrifugo_api::{
    BatchRequest, BroadcastRequest, Client, ClientBuilder, Error, HistoryRequest, InfoRequest,
    PresenceRequest, PublishRequest, Retry, blocking,
};

use crate::Stop;
use crate::server::{GRPC_KEY, HTTP_KEY, Server, Transport};

/// Usually shorter than a call takes.
const SHORT: Duration = Duration::from_micros(300);

/// The number of concurrent calls of the async callers, over each transport.
const AT_ONCE: usize = 4;

/// The outcomes of the calls.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    succeeded: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    fn all(&self) -> [u64; 5] {
        [
            &self.succeeded,
            &self.refused,
            &self.failed,
            &self.timed_out,
            &self.dropped,
        ]
        .map(|count| count.load(Ordering::Relaxed))
    }

    pub(crate) fn total(&self) -> u64 {
        self.all().iter().sum()
    }

    /// Counts an outcome. `None` is a call that was dropped.
    fn add<T>(&self, outcome: Option<Result<T, Error>>) {
        let count = match outcome {
            Some(Ok(_)) => &self.succeeded,
            Some(Err(error)) if error.is_timeout() => &self.timed_out,
            // A server that shuts down answers some calls with a status.
            Some(Err(error))
                if error.is_network()
                    || matches!(error, Error::Transport { .. }) && error.is_retryable() =>
            {
                &self.failed
            }
            Some(Err(Error::Api(_) | Error::InvalidRequest(_) | Error::Unauthorized { .. })) => {
                &self.refused
            }
            Some(Err(error)) => panic!("{error:?}"),
            None => &self.dropped,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn assert_mixed(&self) {
        assert!(
            self.all().iter().all(|count| *count > 0),
            "no call of one kind: {self}"
        );
        let [succeeded, ..] = self.all();
        assert!(
            succeeded > self.total() / 20,
            "too few calls succeed: {self}"
        );
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [succeeded, refused, failed, timed_out, dropped] = self.all();
        write!(
            formatter,
            "{} calls ({succeeded} succeeded, {refused} refused, {failed} failed, {timed_out} timed out, {dropped} dropped)",
            self.total()
        )
    }
}

/// Starts all callers, each in its own thread.
pub(crate) fn start(
    server: &Server,
    stop: &Stop,
    counts: &Arc<Counts>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let mut callers = Vec::new();
    for (transport, key) in [(Transport::Http, HTTP_KEY), (Transport::Grpc, GRPC_KEY)] {
        let url = server.url(transport);
        let mine = || (stop.clone(), Arc::clone(counts));
        let client = builder(&url, key).build()?;
        let (stop, counts) = mine();
        callers.push(thread::spawn(move || {
            call_in_runtimes(&client, &stop, &counts)
        }));
        let client = builder(&url, key).build_blocking()?;
        let (stop, counts) = mine();
        callers.push(thread::spawn(move || {
            call_blocking(&client, &stop, &counts)
        }));
        let (stop, counts) = mine();
        callers.push(thread::spawn(move || {
            call_with_new_clients(&url, key, &stop, &counts)
        }));
    }
    Ok(callers)
}

/// Returns a builder with few attempts: calls should notice a restart, not wait for its end.
fn builder(url: &str, key: &str) -> ClientBuilder {
    Client::builder(url)
        .api_key(key)
        .retry(Retry::default().max_attempts(2))
}

/// Calls with one client, in one runtime after another.
fn call_in_runtimes(client: &Client, stop: &Stop, counts: &Arc<Counts>) {
    while !stop.is_set() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.expect("there is a runtime").block_on(async {
            let callers = (0..AT_ONCE).map(|first| {
                let client = client.clone();
                let stop = stop.clone();
                let counts = Arc::clone(counts);
                tokio::spawn(async move {
                    for kind in first..first + 200 {
                        if !stop.is_set() {
                            call(&client, kind, &counts).await;
                        }
                    }
                })
            });
            for caller in callers.collect::<Vec<_>>() {
                caller.await.expect("no caller panics");
            }
        });
    }
}

async fn call(client: &Client, kind: usize, counts: &Counts) {
    match kind % 9 {
        0 => counts.add(Some(client.publish(publication("plain:soak")).await)),
        1 => counts.add(Some(client.broadcast(broadcast()).await)),
        2 => counts.add(Some(
            client
                .batch((publication("plain:soak"), HistoryRequest::new("plain:soak")))
                .await,
        )),
        3 => counts.add(Some(
            client
                .history(HistoryRequest::new("plain:soak").limit(10))
                .await,
        )),
        4 => counts.add(Some(client.publish(publication("nowhere:soak")).await)),
        5 => counts.add(
            tokio::time::timeout(SHORT, client.publish(publication("plain:soak")))
                .await
                .ok(),
        ),
        6 => counts.add(Some(
            client
                .with_timeout(SHORT)
                .publish(publication("plain:soak"))
                .await,
        )),
        7 => counts.add(Some(
            client
                .batch(vec![PresenceRequest::new("plain:soak"); 20])
                .await,
        )),
        // Over gRPC, Centrifugo accepts it.
        _ => counts.add(Some(
            client
                .publish(PublishRequest::new("nohist:soak", "not JSON"))
                .await,
        )),
    }
}

fn call_blocking(client: &blocking::Client, stop: &Stop, counts: &Counts) {
    while !stop.is_set() {
        counts.add(Some(client.publish(publication("plain:soak"))));
        counts.add(Some(client.broadcast(broadcast())));
        counts.add(Some(client.history(HistoryRequest::new("nohist:soak"))));
        counts.add(Some(client.with_timeout(SHORT).info(InfoRequest::new())));
        counts.add(Some(
            client.call(BatchRequest::new([publication("plain:soak")])),
        ));
    }
}

/// Calls with clients that are made for one call each, half of them with a wrong key.
fn call_with_new_clients(url: &str, key: &str, stop: &Stop, counts: &Counts) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("there is a runtime").block_on(async {
        while !stop.is_set() {
            for key in [key, "a-wrong-key"] {
                let client = builder(url, key).build().expect("the client is built");
                counts.add(Some(client.publish(publication("plain:soak")).await));
            }
        }
    });
}

fn publication(channel: &str) -> PublishRequest {
    PublishRequest::new(channel, r#"{"text":"hello"}"#)
}

fn broadcast() -> BroadcastRequest {
    BroadcastRequest::new(["plain:soak", "nohist:soak", "nowhere:soak"], "[1,2,3]")
}
