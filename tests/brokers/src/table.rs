//! The table of properties and brokers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Problem;
use crate::properties::{Finding, Property};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- table: begin -->\n";
const END: &str = "<!-- table: end -->\n";

/// The cell of a property that a broker does not have.
const NONE: &str = "–";

/// Brokers that cannot run here. The unit tests in `src/consumer/tests` read their messages.
const NOT_RUN: [&str; 2] = ["Google Pub/Sub", "Azure Service Bus"];

pub(crate) struct Table {
    /// The names of the brokers, and what ran.
    brokers: Vec<(&'static str, &'static str)>,
    findings: BTreeMap<Property, BTreeMap<&'static str, Finding>>,
}

impl Table {
    pub(crate) fn new(brokers: Vec<(&'static str, &'static str)>) -> Self {
        Self {
            brokers,
            findings: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, broker: &'static str, finding: Finding) {
        let row = self.findings.entry(finding.property).or_default();
        row.insert(broker, finding);
    }

    /// Returns the table as Markdown.
    pub(crate) fn text(&self) -> String {
        let names = self.brokers.iter().map(|(name, _)| *name);
        let mut text = line("", names.chain(NOT_RUN));
        text.push_str(&"|---".repeat(self.brokers.len() + NOT_RUN.len() + 1));
        text.push_str("|\n");
        let servers = self.brokers.iter().map(|(_, server)| *server);
        let formats = NOT_RUN.map(|_| "its formats only");
        text.push_str(&line("what was tested", servers.chain(formats)));
        for (property, row) in &self.findings {
            let cells = self.brokers.iter().map(|(name, _)| {
                let finding = row.get(name);
                finding.map_or(NONE, |finding| &finding.cell)
            });
            let not_run = NOT_RUN.map(|_| "not run");
            text.push_str(&line(&property.to_string(), cells.chain(not_run)));
        }
        text
    }

    /// Returns what differs between runs, one line each.
    pub(crate) fn remarks(&self) -> String {
        let mut text = String::new();
        for (property, row) in &self.findings {
            for (broker, finding) in row {
                if let Some(remark) = &finding.remark {
                    let _ = writeln!(text, "{broker}, {property}: {remark}");
                }
            }
        }
        text
    }

    /// Checks that the README has this table, or writes it there.
    pub(crate) fn compare(&self, writes: bool) -> Result<(), Problem> {
        let page = std::fs::read_to_string(PAGE)?;
        let (before, rest) = page.split_once(BEGIN).ok_or("README.md has no table")?;
        let (table, after) = rest.split_once(END).ok_or("README.md has no table")?;
        if table == self.text() {
            return Ok(());
        }
        if writes {
            let page = format!("{before}{BEGIN}{}{END}{after}", self.text());
            std::fs::write(PAGE, page)?;
            return Ok(());
        }
        Err("README.md has another table: correct the code, or run this with CENTRIFUGO_API_WRITE_DOCS=1".into())
    }
}

/// Returns a line of a table.
fn line<'a>(first: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<&str> = cells.collect();
    format!("| {first} | {} |\n", cells.join(" | "))
}
