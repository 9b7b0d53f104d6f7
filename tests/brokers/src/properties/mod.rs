//! The properties, one per row of the table.

mod errors;
mod fields;
mod invalid;
mod kills;
mod methods;
mod order;
mod unread;

use std::fmt;
use std::pin::Pin;

use crate::broker::{Broker, Mode};
use crate::{Problem, Setup};

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Property {
    Methods,
    Order(Mode),
    Invalid(Mode),
    Unread,
    Killed(Mode, Keys),
    Waits,
    Stalled(Mode),
    Channels(Mode),
    Key(Mode),
    Tags,
    Version,
    Delta,
    Bytes,
}

/// True if the messages have idempotency keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Keys {
    With,
    Without,
}

/// What was found out about a property.
pub(crate) struct Finding {
    pub(crate) property: Property,
    /// What it is in each run.
    pub(crate) cell: String,
    /// What differs between runs.
    pub(crate) remark: Option<String>,
}

impl Finding {
    fn new(property: Property, cell: impl Into<String>) -> Self {
        Self {
            property,
            cell: cell.into(),
            remark: None,
        }
    }
}

type Findings = Result<Vec<Finding>, Problem>;

/// The findings of one test.
pub(crate) type Test<'a> = Pin<Box<dyn Future<Output = Findings> + 'a>>;

/// Returns the tests of a broker, the slow ones first.
pub(crate) fn tests<'a, B: Broker>(broker: &'a B, setup: &'a Setup) -> Vec<(String, Test<'a>)> {
    let mut tests: Vec<(String, Test<'a>)> = Vec::new();
    let mut add = |name: String, test: Test<'a>| {
        tests.push((format!("{}, {name}", broker.name()), test));
    };
    let modes = [Mode::Commands, Mode::Publications];
    for mode in modes.into_iter().filter(|mode| broker.has(*mode)) {
        for keys in [Keys::With, Keys::Without] {
            let test = kills::test(broker, setup, mode, keys);
            add(format!("killed, {mode}, {keys:?} keys"), Box::pin(test));
        }
        let test = errors::stalled(broker, mode);
        add(format!("stalled, {mode}"), Box::pin(test));
        let test = invalid::test(broker, mode);
        add(format!("invalid, {mode}"), Box::pin(test));
        let test = order::test(broker, mode);
        add(format!("order, {mode}"), Box::pin(test));
        let test = fields::of_both_modes(broker, mode);
        add(format!("fields, {mode}"), Box::pin(test));
    }
    if broker.has(Mode::Publications) {
        let test = fields::of_publications(broker);
        add("fields of publications".to_owned(), Box::pin(test));
    }
    let test = errors::temporary(broker);
    add("temporary error".to_owned(), Box::pin(test));
    add("unread".to_owned(), Box::pin(unread::test(broker)));
    add("methods".to_owned(), Box::pin(methods::test(broker)));
    tests
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commands => "commands",
            Self::Publications => "publications",
        })
    }
}

/// The text in the first column of the table.
impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Methods => write!(f, "methods that are executed"),
            Self::Order(mode) => write!(f, "{mode} of four channels"),
            Self::Invalid(mode) => write!(f, "invalid {mode}"),
            Self::Unread => write!(f, "written before Centrifugo first started"),
            Self::Killed(mode, Keys::With) => {
                write!(f, "Centrifugo killed, {mode} with keys")
            }
            Self::Killed(mode, Keys::Without) => {
                write!(f, "Centrifugo killed, {mode} without keys")
            }
            Self::Waits => write!(f, "after error 100, later commands for the channel"),
            Self::Stalled(mode) => write!(f, "Redis engine stalled, {mode} with keys"),
            Self::Channels(mode) => write!(f, "several channels, {mode}"),
            Self::Key(mode) => write!(f, "the same key twice, {mode}"),
            Self::Tags => write!(f, "tags, of twelve unusual ones"),
            Self::Version => write!(f, "an older version, and a new epoch"),
            Self::Delta => write!(f, "delta"),
            Self::Bytes => write!(f, "each byte from 0 to 255"),
        }
    }
}
