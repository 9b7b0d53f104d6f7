//! The arguments of this program.

use std::str::FromStr;

use crate::Failure;
use crate::peers;
use crate::rows::{Load, Row};
use crate::server::Address;

pub const HELP: &str = "\
Compares clients of Centrifugo's server API; README.md beside Cargo.toml says how to read it.

  --rounds N     measures each row of each peer N times (15; builds 3)
  --rows A,B     measures these rows alone
  --peers A,B    measures these peers alone
  --rate N       measures latencies at N calls per second (half of what cent reaches)
  --no-write     writes no files
  --short        makes a few calls of each row, once, to show that everything works; writes no files
  --builds       measures clean debug builds in place of calls

For scripts, and for the program itself:

  serve          starts the server, prints its ports of HTTP and of gRPC, and ends with the standard input
  measure ROW PEER HTTP_PORT GRPC_PORT [--short] [--rate N] [--calls N]
                 makes one measurement and prints it";

const ROUNDS: usize = 15;
const ROUNDS_OF_BUILDS: usize = 3;

pub enum Command {
    Compare(Arguments),
    Builds {
        rounds: usize,
        write: bool,
    },
    /// A measurement, for which this program starts itself again.
    Measure {
        row: Row,
        peer: String,
        load: Load,
        address: Address,
    },
    Serve,
    Help,
}

pub struct Arguments {
    pub rounds: usize,
    pub rows: Vec<Row>,
    pub peers: Vec<&'static str>,
    /// Calls per second of the row of latencies.
    pub rate: Option<usize>,
    pub short: bool,
    pub write: bool,
}

impl Command {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut parsed = Arguments {
            rounds: 0,
            rows: Row::ALL.into(),
            peers: peers::names(),
            rate: None,
            short: false,
            write: true,
        };
        let mut builds = false;
        while let Some(word) = words.next() {
            match word.as_str() {
                "measure" => return Self::parse_measure(words),
                "serve" => return Ok(Self::Serve),
                "--rounds" => parsed.rounds = number(&word, &mut words)?,
                "--rows" => parsed.rows = list(&word, &mut words, Row::named)?,
                "--peers" => parsed.peers = list(&word, &mut words, peer)?,
                "--rate" => parsed.rate = Some(number(&word, &mut words)?),
                "--no-write" => parsed.write = false,
                "--short" => (parsed.short, parsed.write, parsed.rounds) = (true, false, 1),
                "--builds" => builds = true,
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(format!("no such argument: {word}\n\n{HELP}").into()),
            }
        }
        if parsed.rounds == 0 {
            parsed.rounds = if builds { ROUNDS_OF_BUILDS } else { ROUNDS };
        }
        // Tables of a part would replace those of the whole.
        parsed.write &=
            parsed.rows.len() == Row::ALL.len() && parsed.peers.len() == peers::names().len();
        if builds {
            return Ok(Self::Builds {
                rounds: parsed.rounds,
                write: parsed.write,
            });
        }
        Ok(Self::Compare(parsed))
    }

    /// Parses the words that [`rounds`](crate::rounds) writes, or a script.
    fn parse_measure(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let row = Row::named(&value("ROW", &mut words)?)?;
        let peer = value("PEER", &mut words)?;
        let address = Address {
            http_port: number("HTTP_PORT", &mut words)?,
            grpc_port: number("GRPC_PORT", &mut words)?,
        };
        let mut load = row.load(false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--short" => load = row.load(true),
                "--rate" => load = load.rate(number(&word, &mut words)?),
                "--calls" => load.calls = number(&word, &mut words)?,
                _ => return Err(format!("no such argument of measure: {word}").into()),
            }
        }
        Ok(Self::Measure {
            row,
            peer,
            load,
            address,
        })
    }
}

fn value(name: &str, words: &mut impl Iterator<Item = String>) -> Result<String, Failure> {
    let value = words.next();
    value.ok_or_else(|| format!("{name} lacks a value").into())
}

fn number<N>(name: &str, words: &mut impl Iterator<Item = String>) -> Result<N, Failure>
where
    N: FromStr + Default + PartialEq,
{
    let value = value(name, words)?;
    let number = value.parse().ok().filter(|number| *number != N::default());
    number.ok_or_else(|| format!("{name} is not a positive number: {value}").into())
}

fn list<T>(
    name: &str,
    words: &mut impl Iterator<Item = String>,
    parse: impl Fn(&str) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    value(name, words)?.split(',').map(parse).collect()
}

fn peer(name: &str) -> Result<&'static str, Failure> {
    let known = peers::names();
    let found = known.iter().find(|known| **known == name);
    found
        .copied()
        .ok_or_else(|| format!("no such peer: {name}; known are {}", known.join(", ")).into())
}
