//! The tasks that send the batches of a queue, one after another, as long as there are calls.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::queue::{Batch, Queue, QueuedCall};
use crate::api::messages::{BATCH_TAGS, BatchRequest};
use crate::call::{Candidate, Inner};
use crate::codec::{self, BatchEntry, EncodedBody};
use crate::error::{Attempts, Error, Status};
use crate::transport::Route;

/// Sends batches until the queue is empty.
pub(super) async fn run(inner: Arc<Inner>, queue: Arc<Queue>, reads_payloads: bool) {
    let mut worker = WorkerGuard {
        queue,
        is_done: false,
    };
    loop {
        // Let calls that are about to be queued join this batch.
        tokio::task::yield_now().await;
        let Some(batch) = worker.queue.take() else {
            worker.is_done = true;
            return;
        };
        send(&inner, &worker.queue, batch, reads_payloads).await;
    }
}

/// A worker that the queue counts until this is dropped, also by a panic or with its runtime.
struct WorkerGuard {
    queue: Arc<Queue>,
    /// Whether the queue was found empty, so that it does not count the worker any more.
    is_done: bool,
}

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        if !self.is_done {
            self.queue.abandon();
        }
    }
}

/// Sends a batch, in smaller ones where the server refuses it, and passes each call its outcome.
async fn send(inner: &Inner, queue: &Queue, batch: Batch, reads_payloads: bool) {
    let Batch { calls, parallel } = batch;
    let _permits = queue.permits(calls.len());
    // A stack: the last batch is sent next.
    let mut batches = vec![calls];
    while let Some(mut calls) = batches.pop() {
        let body = encode(inner, &calls, parallel);
        let started = Instant::now();
        match exchange(inner, &calls, &body).await {
            Ok(items) => {
                queue.record(calls.len(), parallel, started.elapsed());
                for (call, item) in calls.into_iter().zip(items) {
                    // The caller may have gone away.
                    let _ = call.reply.send(Ok(item));
                }
            }
            Err(error) if calls.len() > 1 && may_succeed_in_halves(&error, reads_payloads) => {
                if is_too_large(&error) {
                    queue.refused(body.len());
                }
                let second_half = calls.split_off(calls.len() / 2);
                batches.push(second_half);
                batches.push(calls);
            }
            Err(error) => {
                for call in calls {
                    let _ = call.reply.send(Err(error.clone().of_call(call.method)));
                }
            }
        }
    }
}

/// Returns the batch of these calls.
fn encode(inner: &Inner, calls: &[QueuedCall], parallel: bool) -> EncodedBody {
    // Older schemas do not have the field.
    let parallel = parallel && BATCH_TAGS.parallel > 0;
    let entries: Vec<BatchEntry<'_>> = calls
        .iter()
        .map(|call| BatchEntry {
            method: call.method,
            tag: call.tag,
            message: &call.message,
        })
        .collect();
    inner.codec().batch(&entries, parallel)
}

/// Sends a batch within the latest deadline of its calls, and returns the items of its reply.
async fn exchange(
    inner: &Inner,
    calls: &[QueuedCall],
    body: &EncodedBody,
) -> Result<Vec<Bytes>, Error> {
    let deadlines = calls.iter().map(|call| call.deadline);
    let last = deadlines.max_by_key(|deadline| deadline.ends());
    let deadline = last.unwrap_or_else(|| unreachable!("a batch has calls"));
    let route = Route::of::<BatchRequest>();
    let candidate = Candidate {
        is_cheap: calls.len() == 1,
        is_retry: false,
    };
    let reply = inner.attempt(&route, body, deadline, candidate).await?;
    let items = inner.codec().split(&reply)?;
    if items.len() == calls.len() {
        return Ok(items);
    }
    Err(Error::Decode {
        method: Some(route.method),
        message: format!("{} replies for {} commands", items.len(), calls.len()),
        source: None,
        attempts: Attempts::default(),
    })
}

/// Returns whether smaller batches may succeed where a batch failed, and may be sent: none of its commands ran, or
/// all of them only read.
fn may_succeed_in_halves(error: &Error, reads_payloads: bool) -> bool {
    is_too_large(error) || reads_payloads && codec::is_unwritable(error)
}

/// Returns whether the server refused a batch because of its size, before it ran any command.
fn is_too_large(error: &Error) -> bool {
    match error {
        Error::Transport {
            status: Status::Http(413),
            ..
        } => true,
        // The text of Go for a message above the limit; the code alone may mean a rate limit.
        Error::Transport {
            status: Status::Grpc(8),
            body,
            ..
        } => body.contains("larger than max"),
        _ => false,
    }
}
