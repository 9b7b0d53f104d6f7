//! The tasks that send the batches of a queue, one after another, as long as there are calls.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;

use super::batch::{Batch, Numbered};
use super::queue::Queue;
use crate::api::messages::{BATCH_TAGS, BatchRequest};
use crate::call::{Attempt, Candidate, Deadline, Inner, request_id};
use crate::codec::{self, BatchEntry, EncodedBody};
use crate::error::{Attempts, Error, Status};
use crate::observe::ObservedCall;
use crate::platform::{self, Instant};
use crate::transport::{Gate, Route};

/// Starts a worker that the queue counts already.
pub(super) fn start(inner: Arc<Inner>, queue: Arc<Queue>) {
    let worker = Worker {
        inner,
        queue,
        is_counted: true,
    };
    platform::spawn(worker.run());
}

/// A task that sends batches.
struct Worker {
    inner: Arc<Inner>,
    queue: Arc<Queue>,
    /// True if the queue counts the worker: not while its batch is slow.
    is_counted: bool,
}

impl Drop for Worker {
    /// Keeps the number of workers right, even if this one ends by a panic or with its runtime.
    fn drop(&mut self) {
        if self.is_counted {
            self.queue.leave();
        }
    }
}

impl Worker {
    /// Sends batches until the queue is empty, or until other workers took the place of this one.
    async fn run(mut self) {
        while self.is_counted {
            // Let calls that are about to be queued join this batch.
            tokio::task::yield_now().await;
            // No more than one call is lost with the probe of a node.
            let probes_node = |candidate| self.inner.nodes.current().is_probe_due(candidate);
            let Some(batch) = self.queue.take(probes_node) else {
                self.is_counted = false;
                return;
            };
            self.send(batch).await;
            self.is_counted = self.is_counted || self.queue.enter();
        }
    }

    /// Sends a batch, and passes each call its outcome. The calls of a batch that the server refused wait again, in
    /// halves, and so do those of a batch that was withdrawn. A batch whose callers have gone is abandoned.
    async fn send(&mut self, mut batch: Batch) {
        let queue = Arc::clone(&self.queue);
        let permits = queue.permits(&batch.calls);
        let body = encode(&self.inner, &batch);
        let started = Instant::now();
        let outcome = self.exchange(&mut batch, &body, started).await;
        // A slow batch was measured when it became slow.
        let sequential = if self.is_counted {
            batch.sequential()
        } else {
            0
        };
        let gate = batch.gate.clone();
        match outcome {
            outcome if batch.is_withdrawn() && is_unsent(&outcome) => {
                permits.keep();
                queue.again(batch);
            }
            Some(Ok(items)) => {
                queue.succeeded(body.len());
                queue.measured(sequential, started.elapsed());
                for ((_, call), item) in batch.calls.into_iter().zip(items) {
                    // The caller may have gone away.
                    let _ = call.reply.send(Ok(item));
                }
            }
            Some(Err(error))
                if batch.calls.len() > 1 && may_succeed_in_halves(&error, queue.reads_payloads) =>
            {
                if is_refused_for_size(&error) {
                    queue.refused(body.len());
                }
                permits.keep();
                queue.halve(batch);
            }
            Some(Err(error)) => {
                if !error.is_unsent() {
                    queue.lasted(sequential, started.elapsed());
                }
                for (_, call) in batch.calls {
                    let _ = call.reply.send(Err(error.clone().of_call(call.method)));
                }
            }
            None => queue.lasted(sequential, started.elapsed()),
        }
        // Now each call has its outcome, or waits in another batch.
        queue.ended(&gate);
    }

    /// Sends a batch, and returns the items of its reply. Returns `None` as soon as all its callers have gone, or as one
    /// of them has withdrawn it. When the batch turns out to be slow, the queue stops counting this worker.
    async fn exchange(
        &mut self,
        batch: &mut Batch,
        body: &EncodedBody,
        started: Instant,
    ) -> Option<Result<Vec<Bytes>, Error>> {
        let inner = Arc::clone(&self.inner);
        let sequential = batch.sequential();
        let deadline = last_deadline(&batch.calls);
        let gate = batch.gate.clone();
        let candidate = batch.candidate();
        let shared = SharedRequest {
            calls: batch.calls.len(),
            observed: observe(&inner, &batch.calls),
            gate: &gate,
        };
        let reply = exchange(&inner, shared, body, deadline, candidate);
        let gone = given_up(&mut batch.calls, &gate, deadline);
        let mut outcome = pin!(unless(gone, reply));
        let slow_after = self.queue.slow_after();
        match platform::timeout(slow_after, outcome.as_mut()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.queue.lasted(sequential, started.elapsed());
                self.make_way();
                outcome.await
            }
        }
    }

    /// Lets another worker take the place of this one, which is no longer counted.
    fn make_way(&mut self) {
        self.is_counted = false;
        self.queue.leave();
        if self.queue.enter() {
            start(Arc::clone(&self.inner), Arc::clone(&self.queue));
        }
    }
}

/// Returns the encoded batch.
fn encode(inner: &Inner, batch: &Batch) -> EncodedBody {
    // Older schemas do not have the field.
    let parallel = batch.parallel && BATCH_TAGS.parallel > 0;
    let calls = batch.calls.iter();
    let entries: Vec<BatchEntry<'_>> = calls
        .map(|(_, call)| BatchEntry {
            method: call.method,
            tag: call.tag,
            message: &call.message,
        })
        .collect();
    inner.codec().batch(&entries, parallel)
}

/// Returns the latest deadline of the calls of a batch.
fn last_deadline(calls: &Numbered) -> Deadline {
    let deadlines = calls.iter().map(|(_, call)| call.deadline);
    let last = deadlines.max_by_key(|deadline| deadline.ends());
    last.unwrap_or_else(|| unreachable!("a batch has calls"))
}

/// A batch that calls share, as it is sent.
struct SharedRequest<'a> {
    /// The number of calls.
    calls: usize,
    observed: ObservedCall,
    gate: &'a Gate,
}

/// Sends a batch, and returns the items of its reply.
async fn exchange(
    inner: &Inner,
    shared: SharedRequest<'_>,
    body: &EncodedBody,
    deadline: Deadline,
    candidate: Candidate,
) -> Result<Vec<Bytes>, Error> {
    let route = Route::of::<BatchRequest>();
    let headers = inner.headers(None)?;
    shared.gate.identify(request_id(headers.as_deref()));
    let attempt = Attempt {
        deadline,
        candidate,
        call: &shared.observed,
        headers: headers.as_deref(),
        gate: Some(shared.gate),
    };
    let mut items = Vec::new();
    let mut read = |reply| {
        items = inner.codec().split(&reply, shared.calls)?;
        check_count(&items, shared.calls, route.method)
    };
    let outcome = inner.attempt(&route, body, attempt, &mut read).await;
    let outcome = outcome.map_err(|error| error.with_request_id(request_id(headers.as_deref())));
    shared.observed.ends(&outcome, |()| 0);
    outcome.map(|()| items)
}

/// Checks that there is an item for each call.
fn check_count(items: &[Bytes], calls: usize, method: &'static str) -> Result<(), Error> {
    if items.len() == calls {
        return Ok(());
    }
    Err(Error::Decode {
        method: Some(method),
        message: format!("{} replies for {calls} commands", items.len()),
        source: None,
        attempts: Attempts::default(),
    })
}

/// Starts the observation of a batch.
fn observe(inner: &Inner, calls: &Numbered) -> ObservedCall {
    let shared = calls.iter().map(|(_, call)| &call.observed);
    let nodes = inner.nodes.current();
    inner.observers.shared_batch(nodes.first().url(), shared)
}

/// Waits until the callers of all these calls have gone, or one of them has closed the gate, before the last deadline:
/// at the deadline the attempt itself ends, and is held against its node.
async fn given_up(calls: &mut Numbered, gate: &Gate, last: Deadline) {
    let all_gone = async {
        for (_, call) in calls {
            call.reply.closed().await;
        }
    };
    unless(gate.closed(), all_gone).await;
    if last.left().is_zero() {
        pending().await
    }
}

/// Waits for the outcome of `future`. Returns `None` if `end` comes first.
async fn unless<T>(end: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    let mut end = pin!(end);
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Returns whether a batch certainly was not sent, if it was withdrawn.
fn is_unsent(outcome: &Option<Result<Vec<Bytes>, Error>>) -> bool {
    match outcome {
        Some(Ok(_)) => false,
        Some(Err(error)) => error.is_unsent(),
        None => true,
    }
}

/// Returns whether smaller batches may succeed where a batch failed, and may be sent: none of its commands ran, or
/// all of them only read.
fn may_succeed_in_halves(error: &Error, reads_payloads: bool) -> bool {
    is_refused_for_size(error)
        || reads_payloads
            && (codec::is_unwritable(error) || is_message_of_go(error, REPLY_TOO_LARGE))
}

/// Returns whether the server refused a batch because of its size, before it ran any command.
fn is_refused_for_size(error: &Error) -> bool {
    let is_status = matches!(
        error,
        Error::Transport {
            status: Status::Http(413),
            ..
        }
    );
    is_status
        || REQUEST_TOO_LARGE
            .iter()
            .any(|text| is_message_of_go(error, text))
}

/// The texts of Go's gRPC for a request above the limit: as it was received, and decompressed.
const REQUEST_TOO_LARGE: [&str; 2] = [
    "received message larger than max",
    "message after decompression larger than max",
];

/// The text of Go's gRPC for a reply above the limit, after the call ran.
const REPLY_TOO_LARGE: &str = "trying to send message larger than max";

/// Returns whether the error is `ResourceExhausted` with that text. The code alone may mean a rate limit.
fn is_message_of_go(error: &Error, text: &str) -> bool {
    let Error::Transport {
        status: Status::Grpc(8),
        body,
        ..
    } = error
    else {
        return false;
    };
    body.contains(text)
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::client::coalescing::batch::QueuedCall;

    /// Returns whether a batch with this deadline is abandoned after its only caller has gone.
    fn is_abandoned(deadline: Deadline) -> bool {
        let (reply, received) = oneshot::channel();
        let call = QueuedCall {
            method: "publish",
            tag: 1,
            message: Bytes::new(),
            deadline,
            candidate: Candidate {
                is_cheap: true,
                is_retry: false,
            },
            observed: None,
            reply,
        };
        let mut calls = Numbered::from([(0, call)]);
        let gate = Gate::default();
        let mut gone = pin!(given_up(&mut calls, &gate, deadline));
        let context = &mut Context::from_waker(Waker::noop());
        assert!(gone.as_mut().poll(context).is_pending());
        drop(received);
        gone.poll(context).is_ready()
    }

    #[test]
    fn batch_whose_deadline_has_passed_is_not_abandoned() {
        let given = Duration::from_secs(60);
        assert!(is_abandoned(Deadline::new(given, None, None)));
        assert!(!is_abandoned(Deadline::new(Duration::ZERO, None, None)));
    }
}
