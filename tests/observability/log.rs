//! An observer that writes down what it sees.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use centrifugo_api::http::{HeaderMap, HeaderValue};
use centrifugo_api::observe::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, NodeChange, Observer,
    Outcome,
};
use centrifugo_api::{Error, PublishRequest};

/// A log of the events, line by line. Calls and batches are numbered.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: Mutex<Vec<String>>,
    calls: AtomicUsize,
}

impl Log {
    /// Returns the lines so far, and forgets them.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, line: String) {
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    fn next(&self) -> usize {
        self.0.calls.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A call or a batch that is logged.
struct Logged {
    log: Log,
    number: usize,
}

impl Logged {
    fn write(&self, event: &str) {
        self.log.write(format!("{}: {event}", self.number));
    }
}

impl Observer for Log {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        let number = self.next();
        let data = call
            .request::<PublishRequest>()
            .map(|request| request.data.len());
        let logged = Logged {
            log: self.clone(),
            number,
        };
        let namespace = call.namespace().unwrap_or("-");
        logged.write(&format!(
            "{} of {} in {namespace}, {data:?} bytes",
            call.method, call.commands
        ));
        Some(Arc::new(logged))
    }

    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
        let number_of = |call: &Arc<dyn CallObserver>| {
            let call: &dyn Any = &**call;
            call.downcast_ref::<Logged>().map(|call| call.number)
        };
        let calls: Vec<_> = batch.calls.iter().filter_map(number_of).collect();
        let logged = Logged {
            log: self.clone(),
            number: self.next(),
        };
        logged.write(&format!("batch of {} for {calls:?}", batch.commands));
        Some(Arc::new(logged))
    }

    fn node(&self, change: &NodeChange<'_>) {
        self.write(format!("node up: {}", change.is_up));
    }
}

fn text(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Success => "success".to_owned(),
        Outcome::Failure(error) => match (error.api_code(), error.status()) {
            (Some(code), _) => format!("code {code}"),
            (None, Some(status)) => status.to_string(),
            (None, None) => format!("unsent {}", error.is_unsent()),
        },
        _ => "dropped".to_owned(),
    }
}

impl CallObserver for Logged {
    fn wait_starts(&self) {
        self.write("waits");
    }

    fn wait_ends(&self) {
        self.write("waits no longer");
    }

    fn attempt_starts(&self, attempt: &AttemptStart<'_>, headers: &mut HeaderMap) {
        headers.insert("x-attempt", HeaderValue::from(attempt.number));
        // Those that the client sets itself are ignored.
        headers.insert("content-type", HeaderValue::from_static("text/plain"));
        headers.insert("x-api-key", HeaderValue::from_static("wrong"));
        headers.insert("authorization", HeaderValue::from_static("apikey wrong"));
        self.write(&format!("attempt {}", attempt.number));
    }

    fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let outcome = text(end.outcome);
        self.write(&format!("attempt {}: {outcome}", attempt.number));
    }

    fn may_retry(&self, error: &Error) -> bool {
        error.api_code() != Some(111)
    }

    fn retry_refused(&self) {
        self.write("retry refused");
    }

    fn ends(&self, end: &CallEnd<'_>) {
        let outcome = text(end.outcome);
        let coalesced = if end.is_coalesced { ", coalesced" } else { "" };
        let failed = end.failed;
        self.write(&format!(
            "{outcome} after {} attempts, {failed} failed{coalesced}",
            end.attempts
        ));
    }
}
