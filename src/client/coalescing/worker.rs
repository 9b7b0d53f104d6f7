//! What sends the batches of a queue, one after another, as long as there are calls.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::queue::{Batch, Entry, Queue};
use super::wire;
use crate::call::{Call, Shared, Time};
use crate::transport::{Transport, Written};
use crate::{Error, Status};

pub(super) async fn run(shared: Arc<Shared>, queue: Arc<Queue>, reads: bool) {
    let mut worker = Worker {
        queue,
        is_done: false,
    };
    loop {
        // Whoever is about to call comes along.
        tokio::task::yield_now().await;
        let Some(batch) = worker.queue.take() else {
            worker.is_done = true;
            return;
        };
        send(&shared, &worker.queue, batch, reads).await;
    }
}

/// A worker that the queue counts.
struct Worker {
    queue: Arc<Queue>,
    is_done: bool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_done {
            self.queue.abandon();
        }
    }
}

/// Sends a batch, and tells each call what became of it.
async fn send(shared: &Shared, queue: &Queue, batch: Batch, reads: bool) {
    let Batch { entries, parallel } = batch;
    let _places = queue.places(entries.len());
    let mut batches = vec![entries];
    while let Some(mut batch) = batches.pop() {
        let body = join(shared, &batch, parallel);
        let began = Instant::now();
        match exchange(shared, &batch, &body).await {
            Ok(replies) => {
                queue.learn(batch.len(), parallel, began.elapsed());
                for (entry, reply) in batch.into_iter().zip(replies) {
                    // Whoever has gone misses nothing.
                    let _ = entry.answer.send(Ok(reply));
                }
            }
            Err(error) if batch.len() > 1 && is_for_less(&error, reads) => {
                if is_too_large(&error) {
                    queue.refused(body.len());
                }
                let rest = batch.split_off(batch.len() / 2);
                batches.extend([rest, batch]);
            }
            Err(error) => {
                let error = error.share();
                for entry in batch {
                    let _ = entry.answer.send(Err(error(entry.method)));
                }
            }
        }
    }
}

fn join(shared: &Shared, batch: &[Entry], parallel: bool) -> Written {
    // Older schemas have no such field.
    let parallel = parallel && crate::api::BATCH_TAGS.parallel > 0;
    match shared.nodes.first() {
        #[cfg(feature = "http")]
        Transport::Http(_) => wire::json(batch, parallel).into(),
        #[cfg(feature = "grpc")]
        Transport::Grpc(_) => wire::protobuf(batch, parallel).into(),
    }
}

async fn exchange(shared: &Shared, batch: &[Entry], body: &Written) -> Result<Vec<Bytes>, Error> {
    let times = batch.iter().map(|entry| entry.time);
    let time = times
        .max_by_key(|time| time.ends)
        .unwrap_or_else(|| Time::until(Instant::now()));
    let reply = shared.attempt(&Call::batch(), body, time).await?;
    let replies = shared.split(&reply)?;
    match (replies.len(), batch.len()) {
        (answered, asked) if answered == asked => Ok(replies),
        (answered, asked) => Err(Error::Decode {
            method: Some("batch"),
            message: format!("{answered} replies for {asked} commands"),
            source: None,
        }),
    }
}

/// Whether a smaller batch may do where one failed: it did not run, or all of it can run again.
fn is_for_less(error: &Error, reads: bool) -> bool {
    match error {
        Error::Decode { .. }
        | Error::Transport {
            status: Status::Http(500),
            ..
        } => reads,
        error => is_too_large(error),
    }
}

/// Whether the server refused the size of a batch, none of which ran.
fn is_too_large(error: &Error) -> bool {
    match error {
        Error::Transport {
            status: Status::Http(413),
            ..
        } => true,
        // Go's text for a message above the limit; the code alone may be that of a rate.
        Error::Transport {
            status: Status::Grpc(8),
            body,
            ..
        } => body.contains("larger than max"),
        _ => false,
    }
}
