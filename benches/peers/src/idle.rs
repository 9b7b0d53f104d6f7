//! The memory of connections that are idle.

use std::sync::Arc;
use std::time::Duration;

use crate::Failure;
use crate::measure::{call, peak_mib, status_kib};
use crate::peers::Peer;
use crate::rows::Load;
use crate::sample::{Metric, Sample};

/// The time in which connections come to rest after their calls.
const REST: Duration = Duration::from_millis(50);

/// Makes all calls at once: over HTTP/1 each needs a connection of its own.
pub async fn measure<P: Peer>(peer: &Arc<P>, load: Load) -> Result<Sample, Failure> {
    let memory_before = resident_kib()?;
    let files_before = open_files()?;
    call(peer, load.tasks, load.tasks).await?;
    tokio::time::sleep(REST).await;
    let memory = resident_kib()? - memory_before;
    // That of the warm-up was there already.
    let connections = (open_files()? - files_before) as f64;
    Ok(Sample::new([
        (Metric::Connections, connections),
        (Metric::Idle, memory / connections.max(1.0)),
    ]))
}

/// Returns the resident memory of the process, or its largest so far on a system that does not tell.
fn resident_kib() -> Result<f64, Failure> {
    match status_kib("VmRSS:") {
        Some(kib) => Ok(kib),
        None => Ok(peak_mib()? * 1024.0),
    }
}

fn open_files() -> Result<usize, Failure> {
    Ok(std::fs::read_dir("/dev/fd")?.count())
}
