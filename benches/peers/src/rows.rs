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
}

/// The amount of work.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub tasks: usize,
    /// Calls of all tasks together, outside of the clock.
    pub warm_up: usize,
    /// Calls of all tasks together.
    pub calls: usize,
    /// Commands of a batch, channels of a broadcast, publications of a history.
    pub parts: usize,
}

impl Row {
    pub const ALL: [Self; 8] = [
        Self::OneByOne,
        Self::Tasks64,
        Self::Tasks256,
        Self::Batch,
        Self::Broadcast,
        Self::History,
        Self::Large,
        Self::Blocking,
    ];

    /// All but the one for clients that block.
    pub const ASYNC: &[Self] = &[
        Self::OneByOne,
        Self::Tasks64,
        Self::Tasks256,
        Self::Batch,
        Self::Broadcast,
        Self::History,
        Self::Large,
    ];

    /// Those in which calls can share requests.
    pub const TASKS: &[Self] = &[Self::Tasks64, Self::Tasks256];

    pub fn name(self) -> &'static str {
        match self {
            Self::OneByOne => "one-by-one",
            Self::Tasks64 => "64-tasks",
            Self::Tasks256 => "256-tasks",
            Self::Batch => "batch",
            Self::Broadcast => "broadcast",
            Self::History => "history",
            Self::Large => "large",
            Self::Blocking => "blocking",
        }
    }

    pub fn named(name: &str) -> Result<Self, Failure> {
        let row = Self::ALL.into_iter().find(|row| row.name() == name);
        row.ok_or_else(|| format!("no such row: {name}").into())
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::OneByOne => "10,000 publishes one by one",
            Self::Tasks64 => "10,000 publishes, 64 tasks",
            Self::Tasks256 => "10,000 publishes, 256 tasks",
            Self::Batch => "one batch of 10,000 publishes",
            Self::Broadcast => "one broadcast to 10,000 channels",
            Self::History => "history of 1,000 × 256 B, 200 times",
            Self::Large => "publish of 1 MiB, 100 times",
            Self::Blocking => "10,000 publishes one by one, blocking",
        }
    }

    pub fn load(self, short: bool) -> Load {
        let (tasks, warm_up, calls, parts) = match self {
            Self::OneByOne | Self::Blocking => (1, 500, 10_000, 1),
            Self::Tasks64 => (64, 1_280, 10_000, 1),
            Self::Tasks256 => (256, 2_560, 10_000, 1),
            Self::Batch | Self::Broadcast => (1, 2, 5, 10_000),
            Self::History => (1, 5, 200, 1_000),
            Self::Large => (1, 5, 100, 1),
        };
        if short {
            return Load {
                tasks,
                warm_up: tasks,
                calls: 2 * tasks,
                parts: parts.min(10),
            };
        }
        Load {
            tasks,
            warm_up,
            calls,
            parts,
        }
    }

    /// Returns the number of calls that the wall time is reported for, of those that were made.
    pub fn calls_told(self, load: Load) -> usize {
        match self {
            Self::Batch | Self::Broadcast => 1,
            _ => load.calls,
        }
    }

    /// Returns the number of operations in a call, by which its CPU time is divided.
    pub fn operations(self, load: Load) -> usize {
        match self {
            Self::Batch | Self::Broadcast => load.parts,
            _ => 1,
        }
    }
}
