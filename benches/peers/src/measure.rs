//! One measurement, in a process of its own: its CPU time and its memory are the client's alone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use tokio::task::JoinSet;

use crate::Failure;
use crate::peers::peer::{BlockingPeer, Peer};
use crate::work::Work;

#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Of all calls of the row, or of one batch or broadcast.
    pub wall: Duration,
    /// User and system time of an operation.
    pub cpu: Duration,
    /// The largest resident set.
    pub peak_kib: u64,
}

pub fn concurrent<P: Peer>(work: Arc<Work>) -> Result<Sample, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let peer = Arc::new(P::connect(&work)?);
        call(&peer, work.load.tasks, work.load.warm_up).await?;
        let clock = Clock::start()?;
        call(&peer, work.load.tasks, work.load.calls).await?;
        clock.stop(&work)
    })
}

/// Spawns the tasks: the runtime polls its main future at twice the cost.
async fn call<P: Peer>(peer: &Arc<P>, tasks: usize, calls: usize) -> Result<(), Failure> {
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let (peer, share) = (
            Arc::clone(peer),
            calls / tasks + usize::from(task < calls % tasks),
        );
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
        let (wall, usage) = (self.begin.elapsed(), usage()?);
        let (row, load) = (work.row, work.load);
        let share = |duration: Duration, of: usize| duration.div_f64(of as f64);
        Ok(Sample {
            wall: share(wall, load.calls).mul_f64(row.calls_told(load) as f64),
            cpu: share(cpu(&usage) - self.cpu, load.calls * row.operations(load)),
            peak_kib: peak_kib(&usage),
        })
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

/// Linux counts in `ru_maxrss` what the process was before it became this program: that of the parent.
fn peak_kib(usage: &Usage) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    let bytes_a_unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    peak.unwrap_or_else(|| u64::try_from(usage.max_rss()).unwrap_or(0) * bytes_a_unit / 1024)
}

/// As the process that measures tells the one that compares.
impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {} {}",
            self.wall.as_nanos(),
            self.cpu.as_nanos(),
            self.peak_kib
        )
    }
}

impl FromStr for Sample {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let numbers = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<u64>, _>>()?;
        match numbers[..] {
            [wall, cpu, peak_kib] => Ok(Self {
                wall: Duration::from_nanos(wall),
                cpu: Duration::from_nanos(cpu),
                peak_kib,
            }),
            _ => Err(format!("no sample: {text}").into()),
        }
    }
}
