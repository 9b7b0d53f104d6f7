//! The summary: what was done, and what was found, as a table.

use std::fmt;

use crate::audit::{Audit, Finding, Tally};
use crate::faults::{self, Counts};

/// The rounds so far.
pub(crate) struct Summary {
    pub(crate) audit: Audit,
    pub(crate) faults: Counts,
    /// The seeds of the rounds with findings.
    pub(crate) seeds: Vec<u64>,
}

impl Summary {
    pub(crate) fn new() -> Self {
        Self {
            audit: Audit::new(),
            faults: Counts::new(),
            seeds: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, seed: u64, audit: Audit, faults: Counts) {
        if !audit.examples.is_empty() {
            self.seeds.push(seed);
        }
        self.audit.add(audit);
        faults::add(&mut self.faults, faults);
    }
}

fn row(formatter: &mut fmt::Formatter<'_>, name: &str, tally: &Tally) -> fmt::Result {
    let Tally {
        calls,
        acknowledged,
        unsent,
        may_have_run,
        dropped,
        findings,
    } = tally;
    write!(
        formatter,
        "{name:22} {calls:7} {acknowledged:12} {unsent:6} {may_have_run:12} {dropped:7} "
    )?;
    for finding in Finding::ALL {
        let width = finding.name().len();
        let count = findings.get(&finding).copied().unwrap_or_default();
        write!(formatter, " {count:width$}")?;
    }
    writeln!(formatter)
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.faults.iter().collect();
        let faults: Vec<_> = faults
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        writeln!(formatter, "faults: {}", faults.join(", "))?;
        let findings = Finding::ALL.map(Finding::name).join(" ");
        writeln!(
            formatter,
            "{:22} {:>7} acknowledged unsent may have run dropped  {findings}",
            "callers", "calls"
        )?;
        for (group, tally) in &self.audit.tallies {
            row(formatter, &group.to_string(), tally)?;
        }
        row(formatter, "all", &self.audit.total())?;
        for (finding, example) in &self.audit.examples {
            writeln!(formatter, "{}: {example}", finding.name())?;
        }
        Ok(())
    }
}
