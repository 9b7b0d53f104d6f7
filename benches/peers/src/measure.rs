//! One measurement, in a process of its own: its CPU time and its memory are the client's alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use tokio::task::JoinSet;

use crate::peers::peer::{BlockingPeer, Peer};
use crate::rows::Kind;
use crate::sample::{Metric, Sample};
use crate::work::Work;
use crate::{Failure, idle, latency};

pub fn concurrent<P: Peer>(work: Arc<Work>) -> Result<Sample, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let peer = Arc::new(P::connect(&work)?);
        call(&peer, work.load.tasks, work.load.warm_up).await?;
        match work.row.kind() {
            Kind::Latency => latency::measure(&peer, work.load).await,
            Kind::Idle => idle::measure(&peer, work.load).await,
            Kind::Calls | Kind::Blocking => {
                let clock = Clock::start()?;
                call(&peer, work.load.tasks, work.load.calls).await?;
                clock.stop(&work)
            }
        }
    })
}

/// Makes so many calls in so many tasks. They are spawned: the runtime polls its main future at twice the cost.
pub async fn call<P: Peer>(peer: &Arc<P>, tasks: usize, calls: usize) -> Result<(), Failure> {
    let tasks = tasks.min(calls);
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let peer = Arc::clone(peer);
        let share = calls / tasks + usize::from(task < calls % tasks);
        set.spawn(async move {
            for _ in 0..share {
                peer.call().await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = set.join_next().await {
        ended??;
    }
    Ok(())
}

pub fn blocking<P: BlockingPeer>(work: Arc<Work>) -> Result<Sample, Failure> {
    let mut peer = P::connect(&work)?;
    (0..work.load.warm_up).try_for_each(|_| peer.call())?;
    let clock = Clock::start()?;
    (0..work.load.calls).try_for_each(|_| peer.call())?;
    clock.stop(&work)
}

struct Clock {
    begin: Instant,
    cpu: Duration,
}

impl Clock {
    fn start() -> Result<Self, Failure> {
        Ok(Self {
            cpu: cpu(&usage()?),
            begin: Instant::now(),
        })
    }

    fn stop(self, work: &Work) -> Result<Sample, Failure> {
        let wall = self.begin.elapsed().as_secs_f64();
        let cpu = cpu(&usage()?) - self.cpu;
        let calls = work.load.calls as f64;
        let told = work.row.calls_told(work.load) as f64;
        let operations = calls * work.row.operations(work.load) as f64;
        Ok(Sample::new([
            (Metric::Wall, wall / calls * told),
            (Metric::Cpu, cpu.as_secs_f64() * 1e6 / operations),
            (Metric::Peak, peak_mib()?),
        ]))
    }
}

fn usage() -> Result<Usage, Failure> {
    Ok(getrusage(UsageWho::RUSAGE_SELF)?)
}

fn cpu(usage: &Usage) -> Duration {
    let micros = [usage.user_time(), usage.system_time()].map(|time| {
        // `TimeVal` has its parts alone, in types that differ between systems.
        time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64
    });
    Duration::from_micros(micros.into_iter().sum())
}

/// Returns the largest resident set, in MiB: on Linux without the pages of the program's file, which has the code of all
/// peers.
///
/// Linux counts in `ru_maxrss` what the process was before it became this program: that of the parent.
pub fn peak_mib() -> Result<f64, Failure> {
    if let (Some(peak), Some(file)) = (status_kib("VmHWM:"), status_kib("RssFile:")) {
        return Ok((peak - file) / 1024.0);
    }
    let bytes_per_unit = if cfg!(target_os = "macos") {
        1.0
    } else {
        1024.0
    };
    Ok(usage()?.max_rss() as f64 * bytes_per_unit / 1024.0 / 1024.0)
}

/// Returns a number of `/proc/self/status`, which Linux has.
pub fn status_kib(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
