//! The rows of the tables: the kinds of work.

use std::time::Duration;

use crate::Failure;

/// The row of a table: one kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    OneByOne,
    Tasks64,
    Tasks256,
    Batch,
    Broadcast,
    History,
    Large,
    Blocking,
    BlockingHistory,
    BlockingLarge,
    OneByOne1Ms,
    Tasks64At1Ms,
    OneByOne10Ms,
    Tasks64At10Ms,
    Latency,
    Idle,
}

/// The API call that a row makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Publish,
    Batch,
    Broadcast,
    History,
    Large,
}

/// The way in which a row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its calls are timed together.
    Calls,
    /// The same, made by a client that blocks.
    Blocking,
    /// Each of its calls is timed, at a fixed rate.
    Latency,
    /// Its calls are made at once; the memory of the connections is measured afterwards.
    Idle,
}

/// The amount of work.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub tasks: usize,
    /// Calls of all tasks together, before the measurement.
    pub warm_up: usize,
    /// Calls of all tasks together.
    pub calls: usize,
    /// Commands of a batch, channels of a broadcast, publications of a history.
    pub parts: usize,
    /// Calls per second of a row of latencies.
    pub rate: usize,
    /// The delay between client and server each way.
    pub delay: Duration,
}

/// Everything about a row.
struct Definition {
    name: &'static str,
    title: &'static str,
    kind: Kind,
    call: Call,
    load: Load,
}

impl Row {
    pub const ALL: [Self; 16] = [
        Self::OneByOne,
        Self::Tasks64,
        Self::Tasks256,
        Self::Batch,
        Self::Broadcast,
        Self::History,
        Self::Large,
        Self::Blocking,
        Self::BlockingHistory,
        Self::BlockingLarge,
        Self::OneByOne1Ms,
        Self::Tasks64At1Ms,
        Self::OneByOne10Ms,
        Self::Tasks64At10Ms,
        Self::Latency,
        Self::Idle,
    ];

    fn definition(self) -> Definition {
        use Call::Publish;
        use Kind::{Blocking, Calls, Idle, Latency};
        let row = |kind, call, name, title, load| Definition {
            name,
            title,
            kind,
            call,
            load,
        };
        match self {
            Self::OneByOne => row(
                Calls,
                Publish,
                "one-by-one",
                "10,000 publishes one by one",
                Load::new(1, 500, 10_000),
            ),
            Self::Tasks64 => row(
                Calls,
                Publish,
                "64-tasks",
                "10,000 publishes, 64 tasks",
                Load::new(64, 1_280, 10_000),
            ),
            Self::Tasks256 => row(
                Calls,
                Publish,
                "256-tasks",
                "10,000 publishes, 256 tasks",
                Load::new(256, 2_560, 10_000),
            ),
            Self::Batch => row(
                Calls,
                Call::Batch,
                "batch",
                "one batch of 10,000 publishes",
                Load::new(1, 5, 15).parts(10_000),
            ),
            Self::Broadcast => row(
                Calls,
                Call::Broadcast,
                "broadcast",
                "one broadcast to 10,000 channels",
                Load::new(1, 5, 15).parts(10_000),
            ),
            Self::History => row(
                Calls,
                Call::History,
                "history",
                "history of 1,000 × 256 B, 200 times",
                Load::new(1, 5, 200).parts(1_000),
            ),
            Self::Large => row(
                Calls,
                Call::Large,
                "large",
                "publish of 1 MiB, 100 times",
                Load::new(1, 5, 100),
            ),
            Self::Blocking => row(
                Blocking,
                Publish,
                "blocking",
                "10,000 publishes one by one, blocking",
                Load::new(1, 500, 10_000),
            ),
            Self::BlockingHistory => row(
                Blocking,
                Call::History,
                "blocking-history",
                "history of 1,000 × 256 B, 200 times, blocking",
                Load::new(1, 5, 200).parts(1_000),
            ),
            Self::BlockingLarge => row(
                Blocking,
                Call::Large,
                "blocking-large",
                "publish of 1 MiB, 100 times, blocking",
                Load::new(1, 5, 100),
            ),
            Self::OneByOne1Ms => row(
                Calls,
                Publish,
                "1ms-one-by-one",
                "200 publishes one by one, 1 ms each way",
                Load::new(1, 20, 200).delay(1),
            ),
            Self::Tasks64At1Ms => row(
                Calls,
                Publish,
                "1ms-64-tasks",
                "6,400 publishes, 64 tasks, 1 ms each way",
                Load::new(64, 640, 6_400).delay(1),
            ),
            Self::OneByOne10Ms => row(
                Calls,
                Publish,
                "10ms-one-by-one",
                "20 publishes one by one, 10 ms each way",
                Load::new(1, 2, 20).delay(10),
            ),
            Self::Tasks64At10Ms => row(
                Calls,
                Publish,
                "10ms-64-tasks",
                "1,280 publishes, 64 tasks, 10 ms each way",
                Load::new(64, 128, 1_280).delay(10),
            ),
            Self::Latency => row(
                Latency,
                Publish,
                "latency",
                "publishes at half of saturation, 64 tasks",
                Load::new(64, 1_280, 0).rate(2_000),
            ),
            // The delay is long: all calls begin before the first one ends.
            Self::Idle => row(
                Idle,
                Publish,
                "idle",
                "1,000 publishes at once, then idle",
                Load::new(1_000, 1, 1_000).delay(250),
            ),
        }
    }

    pub fn name(self) -> &'static str {
        self.definition().name
    }

    pub fn named(name: &str) -> Result<Self, Failure> {
        let row = Self::ALL.into_iter().find(|row| row.name() == name);
        row.ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("no such row: {name}; known are {known}").into()
        })
    }

    pub fn title(self) -> &'static str {
        self.definition().title
    }

    pub fn kind(self) -> Kind {
        self.definition().kind
    }

    /// Returns whether its calls are many and small, so that they can share batches.
    pub fn can_share(self) -> bool {
        matches!(self, Self::Tasks64 | Self::Tasks256)
    }

    pub fn call(self) -> Call {
        self.definition().call
    }

    pub fn load(self, short: bool) -> Load {
        let load = self.definition().load;
        if short { load.short() } else { load }
    }

    /// Returns the number of calls that the wall time is reported for, of those that were made.
    pub fn calls_told(self, load: Load) -> usize {
        match self.call() {
            Call::Batch | Call::Broadcast => 1,
            _ => load.calls,
        }
    }

    /// Returns the number of operations in a call, by which its CPU time is divided.
    pub fn operations(self, load: Load) -> usize {
        match self.call() {
            Call::Batch | Call::Broadcast => load.parts,
            _ => 1,
        }
    }
}

impl Load {
    const fn new(tasks: usize, warm_up: usize, calls: usize) -> Self {
        Self {
            tasks,
            warm_up,
            calls,
            parts: 1,
            rate: 0,
            delay: Duration::ZERO,
        }
    }

    /// Delays everything by so many milliseconds each way.
    fn delay(self, milliseconds: u64) -> Self {
        let delay = Duration::from_millis(milliseconds);
        Self { delay, ..self }
    }

    fn parts(self, parts: usize) -> Self {
        Self { parts, ..self }
    }

    /// Returns the load of a few seconds at this rate.
    pub fn rate(self, rate: usize) -> Self {
        const SECONDS: usize = 3;
        let calls = rate * SECONDS;
        Self {
            calls,
            rate,
            ..self
        }
    }

    /// Returns a load of a few calls.
    fn short(self) -> Self {
        let tasks = self.tasks.min(256);
        Self {
            tasks,
            warm_up: self.warm_up.min(tasks),
            calls: 2 * tasks,
            parts: self.parts.min(10),
            delay: self.delay.min(Duration::from_millis(20)),
            ..self
        }
    }
}
