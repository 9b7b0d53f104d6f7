//! The audit: compares what the callers were told with what the channels have.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use centrifugo_api::{Client, HistoryRequest, PayloadExt as _};

use crate::Outcome;
use crate::callers::Shared;
use crate::calls::{LANES, channel};
use crate::canary::Canary;
use crate::groups::Group;
use crate::ledger::{Event, Record, Told};

/// The time after its deadline in which a call may return, on a machine that does not stall.
const SLACK: Duration = Duration::from_secs(1);

/// Threads that work wait longer for a processor than the canary, which only sleeps.
const STALLS: u32 = 3;

/// The number of examples of each kind of finding.
const EXAMPLES: usize = 5;

/// The data of a publication, as far as it is compared.
#[derive(serde::Deserialize)]
struct Data {
    number: u64,
    repeat: u32,
}

/// A publication in a channel.
#[derive(Clone, Copy, Debug)]
struct Publication {
    offset: u64,
    repeat: u32,
}

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    /// An event was acknowledged, and is not there, or not at the offset that was told.
    Lost,
    /// An event was published twice.
    Doubled,
    /// A caller was told that nothing was sent, and it is there.
    FalseUnsent,
    /// A call ended after its deadline.
    Late,
    /// A client does not work although all faults are over.
    Stuck,
    /// A call failed with an error that the faults do not explain.
    Unexpected,
}

impl Finding {
    pub(crate) const ALL: [Self; 6] = [
        Self::Lost,
        Self::Doubled,
        Self::FalseUnsent,
        Self::Late,
        Self::Stuck,
        Self::Unexpected,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::FalseUnsent => "false unsent",
            Self::Late => "late",
            Self::Stuck => "stuck",
            Self::Unexpected => "unexpected",
        }
    }
}

/// The calls of a group of callers, the publications in them by what was told, and the findings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) acknowledged: usize,
    pub(crate) unsent: usize,
    pub(crate) may_have_run: usize,
    pub(crate) dropped: usize,
    pub(crate) findings: BTreeMap<Finding, usize>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.acknowledged += other.acknowledged;
        self.unsent += other.unsent;
        self.may_have_run += other.may_have_run;
        self.dropped += other.dropped;
        for (finding, count) in &other.findings {
            *self.findings.entry(*finding).or_default() += count;
        }
    }
}

/// The tallies of all groups, and examples of the findings.
pub(crate) struct Audit {
    pub(crate) tallies: Vec<(Group, Tally)>,
    pub(crate) examples: Vec<(Finding, String)>,
}

impl Audit {
    pub(crate) fn new() -> Self {
        let tallies = Group::all().map(|group| (group, Tally::default()));
        Self {
            tallies: tallies.collect(),
            examples: Vec::new(),
        }
    }

    fn of(&mut self, group: Group) -> &mut Tally {
        let tally = self.tallies.iter_mut().find(|(of, _)| *of == group);
        &mut tally.expect("every group has a tally").1
    }

    pub(crate) fn find(&mut self, finding: Finding, group: Group, example: String) {
        *self.of(group).findings.entry(finding).or_default() += 1;
        self.show(finding, format!("{group}: {example}"));
    }

    fn show(&mut self, finding: Finding, example: String) {
        let shown = self.examples.iter().filter(|(of, _)| *of == finding);
        if shown.count() < EXAMPLES {
            self.examples.push((finding, example));
        }
    }

    /// Adds the audit of another round.
    pub(crate) fn add(&mut self, other: Self) {
        for ((_, sum), (_, tally)) in self.tallies.iter_mut().zip(&other.tallies) {
            sum.add(tally);
        }
        for (finding, example) in other.examples {
            self.show(finding, example);
        }
    }

    /// Returns the sum of all groups.
    pub(crate) fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.tallies.iter().for_each(|(_, tally)| total.add(tally));
        total
    }

    /// Compares the records of a round with the channels, which `reader` reads.
    pub(crate) async fn compare(&mut self, shared: &Shared, reader: &Client) -> Outcome {
        let mut publications = read(reader).await?;
        let mut records: HashMap<Event, Vec<Record>> = HashMap::new();
        for record in shared.ledger.records().drain(..) {
            records.entry(record.event).or_default().push(record);
        }
        for (event, records) in records {
            let found = publications.remove(&event).unwrap_or_default();
            self.judge(&records, &found);
        }
        assert!(publications.is_empty(), "nobody published {publications:?}");
        Ok(())
    }

    /// Judges an event by the calls that published it.
    fn judge(&mut self, records: &[Record], found: &[Publication]) {
        let Some(last) = records.last() else {
            return;
        };
        let example = || example(records, found);
        if found.len() > 1 {
            self.find(Finding::Doubled, last.group, example());
        }
        for record in records {
            let is_there = |offset| found.iter().any(|found| found.offset == offset);
            let was_published = found.iter().any(|found| found.repeat == record.repeat);
            let tally = self.of(record.group);
            match &record.told {
                Told::Acknowledged(offset) => {
                    tally.acknowledged += 1;
                    if !is_there(*offset) {
                        self.find(Finding::Lost, record.group, example());
                    }
                }
                Told::Unsent(_) => {
                    tally.unsent += 1;
                    if was_published {
                        self.find(Finding::FalseUnsent, record.group, example());
                    }
                }
                Told::MayHaveRun => tally.may_have_run += 1,
                Told::Dropped => tally.dropped += 1,
            }
        }
    }

    /// Counts the calls of a round, and finds those that ended late or with an unexpected error.
    pub(crate) fn count(&mut self, shared: &Shared, canary: &Canary) {
        for call in shared.ledger.ended().drain(..) {
            self.of(call.group).calls += 1;
            let late = call.ended.saturating_duration_since(call.deadline);
            let allowed = SLACK + canary.stalled(call.deadline, call.ended) * STALLS;
            if late > allowed {
                let example = format!("{late:?} after its deadline, allowed are {allowed:?}");
                self.find(Finding::Late, call.group, example);
            }
            if let Some(error) = call.unexpected {
                self.find(Finding::Unexpected, call.group, error);
            }
        }
    }
}

/// Describes an event: what its calls were told, and what there is.
fn example(records: &[Record], found: &[Publication]) -> String {
    let Event { lane, number } = records[0].event;
    let told = records.iter().map(|record| match &record.told {
        Told::Acknowledged(offset) => format!("it is at {offset}"),
        Told::Unsent(error) => error.clone(),
        Told::MayHaveRun => "it may be there".to_owned(),
        Told::Dropped => "nothing".to_owned(),
    });
    let told: Vec<_> = told.collect();
    let found = found.iter().map(|found| {
        let Publication { offset, repeat } = found;
        format!("call {} published it at {offset}", repeat + 1)
    });
    let found: Vec<_> = found.collect();
    format!("event {number} in channel {lane}: told {told:?}; {found:?}")
}

/// Returns the publications of a round, by the event in their data.
async fn read(reader: &Client) -> Outcome<HashMap<Event, Vec<Publication>>> {
    let mut all: HashMap<Event, Vec<Publication>> = HashMap::new();
    for lane in 0..LANES {
        let request = HistoryRequest::new(channel(lane)).limit(-1);
        let history = reader.history(request).await?;
        let count = history.publications.len() as u64;
        assert_eq!(history.offset, count, "lane {lane} is complete");
        for publication in history.publications {
            let Data { number, repeat } = publication.data.decode()?;
            all.entry(Event { lane, number })
                .or_default()
                .push(Publication {
                    offset: publication.offset,
                    repeat,
                });
        }
    }
    Ok(all)
}
