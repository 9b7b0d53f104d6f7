use crate::Failure;
use crate::peers;
use crate::rows::Row;
use crate::server::Address;

pub const HELP: &str = "\
Compares clients of Centrifugo's server API; README.md beside Cargo.toml says how to read it.

  --rounds N     how often each is measured; medians are told (7)
  --rows A,B     these rows alone: one-by-one, 64-tasks, 256-tasks, batch, broadcast, history, large, blocking
  --peers A,B    these peers alone, such as cent,this/http
  --no-write     writes no files
  --short        a few calls each, once, which show that everything works; writes no files
  --builds       measures clean debug builds in place of calls";

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
        address: Address,
        short: bool,
    },
    Help,
}

pub struct Arguments {
    pub rounds: usize,
    pub rows: Vec<Row>,
    pub peers: Vec<&'static str>,
    pub short: bool,
    pub write: bool,
}

impl Command {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut parsed = Arguments {
            rounds: 7,
            rows: Row::ALL.into(),
            peers: peers::names(),
            short: false,
            write: true,
        };
        let mut builds = false;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} lacks a value"));
            match word.as_str() {
                "measure" => return Self::parse_measure(words),
                "--rounds" => {
                    parsed.rounds = value()?.parse().map(|rounds: usize| rounds.max(1))?
                }
                "--rows" => {
                    parsed.rows = value()?
                        .split(',')
                        .map(Row::named)
                        .collect::<Result<_, _>>()?
                }
                "--peers" => {
                    parsed.peers = value()?.split(',').map(peer).collect::<Result<_, _>>()?
                }
                "--no-write" => parsed.write = false,
                "--short" => (parsed.short, parsed.write, parsed.rounds) = (true, false, 1),
                "--builds" => builds = true,
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(format!("no such argument: {word}\n\n{HELP}").into()),
            }
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

    /// The words that [`rounds`](crate::rounds) writes.
    fn parse_measure(words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let words: Vec<_> = words.collect();
        let [row, peer, http_port, grpc_port, short] = words.as_slice() else {
            return Err("`measure` is for the program itself".into());
        };
        let address = Address {
            http_port: http_port.parse()?,
            grpc_port: grpc_port.parse()?,
        };
        Ok(Self::Measure {
            row: Row::named(row)?,
            peer: peer.clone(),
            address,
            short: short.parse()?,
        })
    }
}

fn peer(name: &str) -> Result<&'static str, Failure> {
    let known = peers::names();
    let found = known.iter().find(|known| **known == name);
    found
        .copied()
        .ok_or_else(|| format!("no such peer: {name}; known are {}", known.join(", ")).into())
}
