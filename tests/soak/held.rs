//! What the process holds, as Linux tells it.

use std::fmt;
use std::io;

/// How much more memory may be resident later on, in all and for each call between: allocators keep some.
const SLACK: u64 = 2 << 20;
const SLACK_OF_A_CALL: u64 = 256;

/// How many more files may be open, or threads run: connections come and go.
const MORE: u64 = 16;

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

/// What was held at several times, and how many calls had been made by then.
#[derive(Debug, Default)]
pub(crate) struct Window(Vec<(Held, u64)>);

impl Window {
    pub(crate) fn add(&mut self, held: Held, calls: u64) {
        self.0.push((held, calls));
    }

    /// The median of each.
    fn median(&self) -> (Held, u64) {
        let median = |of: &dyn Fn(&(Held, u64)) -> u64| {
            let mut all: Vec<u64> = self.0.iter().map(of).collect();
            all.sort_unstable();
            *all.get(all.len() / 2).expect("it was looked at least once")
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
        let allowed = SLACK + SLACK_OF_A_CALL * calls;
        assert!(
            memory <= allowed,
            "{calls} calls took {memory} bytes for good, above {allowed}"
        );
        assert!(
            now.files <= then.files + MORE,
            "files: {now}, before: {then}"
        );
        assert!(
            now.threads <= then.threads + MORE,
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
