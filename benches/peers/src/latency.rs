//! The latencies of calls at a fixed rate, each counted from its planned beginning: a call that has to wait for an earlier
//! one is late, whatever the reason.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::Failure;
use crate::measure::peak_mib;
use crate::peers::Peer;
use crate::rows::Load;
use crate::sample::{Metric, Sample};

pub async fn measure<P: Peer>(peer: &Arc<P>, load: Load) -> Result<Sample, Failure> {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..load.tasks).map(|_| mpsc::unbounded_channel()).unzip();
    let tasks: Vec<_> = receivers
        .into_iter()
        .map(|planned| tokio::spawn(call(Arc::clone(peer), planned)))
        .collect();
    // The timers of tokio are late by up to a millisecond.
    thread::spawn(move || plan(&senders, load));
    let mut latencies = Vec::with_capacity(load.calls);
    for task in tasks {
        latencies.extend(task.await??);
    }
    latencies.sort_unstable();
    Ok(Sample::new([
        (Metric::P50, percentile(&latencies, 0.5)?),
        (Metric::P99, percentile(&latencies, 0.99)?),
        (Metric::P999, percentile(&latencies, 0.999)?),
        (Metric::Peak, peak_mib()?),
    ]))
}

/// Tells the tasks in turn when to call.
fn plan(tasks: &[UnboundedSender<Instant>], load: Load) {
    let begin = Instant::now();
    for (call, task) in (0..load.calls).zip(tasks.iter().cycle()) {
        let planned = begin + Duration::from_secs_f64(call as f64 / load.rate as f64);
        thread::sleep(planned.saturating_duration_since(Instant::now()));
        // A task that failed receives nothing; its failure is reported.
        let _ = task.send(planned);
    }
}

/// Makes the planned calls, and returns their latencies.
async fn call<P: Peer>(
    peer: Arc<P>,
    mut planned: UnboundedReceiver<Instant>,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    while let Some(planned) = planned.recv().await {
        peer.call().await?;
        latencies.push(planned.elapsed());
    }
    Ok(latencies)
}

/// Returns the latency in milliseconds which this share of the calls does not exceed.
fn percentile(sorted: &[Duration], share: f64) -> Result<f64, Failure> {
    let last = sorted.len().checked_sub(1).ok_or("no calls")?;
    let latency = sorted[(last as f64 * share).round() as usize];
    Ok(latency.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::percentile;

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let latencies: Vec<_> = (0..=1_000).map(Duration::from_millis).collect();
        for (share, milliseconds) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            assert_eq!(percentile(&latencies, share).unwrap(), milliseconds);
        }
        assert!(percentile(&[], 0.5).is_err());
    }
}
