//! Prints what the client does: a call that fails over to a second node, and three calls that share a batch.
//!
//! The same comes as spans with the feature `tracing`, and goes on in Centrifugo with `opentelemetry`: then `main` begins with
//! the propagator and the layer of OpenTelemetry, as the documentation of the module `observe` shows.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example observability
//! ```

mod support;

use std::any::Any;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use centrifugo_api::observe::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, NodeChange, Observer,
};
use centrifugo_api::{Coalescing, InfoRequest, PublishRequest};
use support::Report;

/// Prints each call with its attempts, when it ends.
#[derive(Default)]
struct Printer {
    calls: AtomicUsize,
}

/// A call, and the lines about its attempts.
struct Call {
    number: usize,
    title: String,
    lines: Mutex<String>,
}

impl Printer {
    fn start(&self, title: String) -> Option<Arc<dyn CallObserver>> {
        Some(Arc::new(Call {
            number: self.calls.fetch_add(1, Ordering::Relaxed) + 1,
            title,
            lines: Mutex::default(),
        }))
    }
}

impl Observer for Printer {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        self.start(call.method.to_owned())
    }

    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
        let calls = batch.calls.iter().filter_map(|call| {
            let call: &dyn Any = &**call;
            call.downcast_ref::<Call>()
        });
        let numbers: Vec<_> = calls.map(|call| format!("#{}", call.number)).collect();
        self.start(format!("a batch with the calls {}", numbers.join(", ")))
    }

    fn node(&self, change: &NodeChange<'_>) {
        let state = if change.is_up {
            "called again"
        } else {
            "skipped"
        };
        println!("{} is {state}", change.node);
    }
}

impl CallObserver for Call {
    fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let outcome = match end.outcome.error() {
            Some(error) => format!("{error}"),
            None => format!("{} bytes", end.bytes.unwrap_or_default()),
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(
            lines,
            "  attempt {} on {}: {} bytes sent, {:.1?}: {outcome}",
            attempt.number, attempt.node, attempt.bytes, end.duration
        );
    }

    fn ends(&self, end: &CallEnd<'_>) {
        let outcome = match end.outcome.error() {
            Some(error) => error.to_string(),
            None if end.is_coalesced => "succeeded, in a shared batch".to_owned(),
            None => "succeeded".to_owned(),
        };
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        print!(
            "#{} {}: {outcome} after {:.1?}\n{lines}",
            self.number, self.title, end.duration
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let channel = support::channel();
    let client = support::builder()?
        .endpoint(support::closed_node())
        .observer(Printer::default())
        .build()?;

    println!("Two calls on two nodes, of which the second is down:");
    client.info(InfoRequest::new()).await?;
    client.info(InfoRequest::new()).await?;

    println!("\nThree calls that share a batch:");
    let client = client.coalescing(Coalescing::default());
    let publish = |text| {
        let request = PublishRequest::new(&channel, text);
        client.publish(request)
    };
    let (first, second, third) = tokio::join!(publish("1"), publish("2"), publish("3"));
    for result in [first?, second?, third?] {
        println!("published at offset {}", result.offset);
    }
    Ok(())
}
