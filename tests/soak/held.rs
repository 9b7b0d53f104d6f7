//! The resources of the process, as Linux reports them.

use std::fmt;
use std::io;

/// The growth of resident memory that is allowed, in total and per call: allocators keep some.
const SLACK: u64 = 2 << 20;
const SLACK_PER_CALL: u64 = 256;

/// The number of additional files and threads that are allowed: connections come and go.
const MORE_FILES_OR_THREADS: u64 = 16;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// In bytes.
    memory: u64,
    pub(crate) files: u64,
    pub(crate) threads: u64,
}

impl Held {
    pub(crate) fn now() -> io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.ok_or_else(|| io::Error::other(format!("no {name} in {status}")))
        };
        let files = u64::try_from(std::fs::read_dir("/proc/self/fd")?.count()).unwrap_or(u64::MAX);
        Ok(Self {
            memory: number("VmRSS:")? * 1024,
            files,
            threads: number("Threads:")?,
        })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory,
            files,
            threads,
        } = self;
        write!(
            formatter,
            "{} KiB, {files} files, {threads} threads",
            memory / 1024
        )
    }
}

/// Resources at several times, and the number of calls made by then.
#[derive(Debug, Default)]
pub(crate) struct Window(Vec<(Held, u64)>);

impl Window {
    pub(crate) fn add(&mut self, held: Held, calls: u64) {
        self.0.push((held, calls));
    }

    /// Returns the median of each.
    fn median(&self) -> (Held, u64) {
        let median = |of: &dyn Fn(&(Held, u64)) -> u64| {
            let mut all: Vec<u64> = self.0.iter().map(of).collect();
            all.sort_unstable();
            *all.get(all.len() / 2)
                .expect("there is at least one sample")
        };
        let held = Held {
            memory: median(&|(held, _)| held.memory),
            files: median(&|(held, _)| held.files),
            threads: median(&|(held, _)| held.threads),
        };
        (held, median(&|(_, calls)| *calls))
    }

    pub(crate) fn assert_no_growth_since(&self, earlier: &Self) {
        let (then, calls_then) = earlier.median();
        let (now, calls_now) = self.median();
        let calls = calls_now - calls_then;
        let memory = now.memory.saturating_sub(then.memory);
        let allowed = SLACK + SLACK_PER_CALL * calls;
        assert!(
            memory <= allowed,
            "{calls} calls kept {memory} bytes, above {allowed}"
        );
        assert!(
            now.files <= then.files + MORE_FILES_OR_THREADS,
            "files: {now}, before: {then}"
        );
        assert!(
            now.threads <= then.threads + MORE_FILES_OR_THREADS,
            "threads: {now}, before: {then}"
        );
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, calls) = self.median();
        write!(formatter, "{held} after {calls} calls")
    }
}
