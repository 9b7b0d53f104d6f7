//! All measurements, round by round, each in a process of its own.

use std::process::{Command, Stdio};

use crate::Failure;
use crate::arguments::Arguments;
use crate::peers;
use crate::relay::Relays;
use crate::results::{Quartiles, Results};
use crate::rows::{Kind, Row};
use crate::sample::{Metric, Sample};
use crate::server::Address;

/// The variables that would make a client look for a proxy.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

pub fn run(arguments: &Arguments, address: Address) -> Result<Results, Failure> {
    let mut relays = Relays::new(address);
    let mut results = Results::default();
    if arguments.rows.contains(&Row::Latency) && !arguments.short {
        results.rate = match arguments.rate {
            Some(rate) => rate,
            None => half_of_saturation(address)?,
        };
    }
    for round in 0..arguments.rounds {
        for &row in &arguments.rows {
            let load = row.load(arguments.short);
            let address = relays.address(load.delay)?;
            let has_row = |name: &&&'static str| peers::find(name, row).is_ok();
            let mut names: Vec<_> = arguments.peers.iter().filter(has_row).collect();
            // Nobody always comes first.
            let shift = round % names.len().max(1);
            names.rotate_left(shift);
            for name in names {
                let sample = measure(row, name, address, arguments.short, results.rate)
                    .map_err(|failure| format!("{}, {name}: {failure}", row.name()))?;
                let numbers = sample.summary();
                eprintln!("round {}, {}, {name}: {numbers}", round + 1, row.name());
                results.add(row, name, sample);
            }
        }
    }
    Ok(results)
}

/// Returns half of the calls per second that `cent` makes in 64 tasks, rounded to hundreds.
fn half_of_saturation(address: Address) -> Result<usize, Failure> {
    let row = Row::Tasks64;
    let calls = row.load(false).calls as f64;
    let samples = (0..5).map(|_| measure(row, "cent", address, false, 0));
    let samples = samples.collect::<Result<Vec<_>, _>>()?;
    let rates = samples
        .iter()
        .filter_map(|sample| sample.get(Metric::Wall))
        .map(|wall| calls / wall);
    let rate = Quartiles::of(rates).ok_or("no rates")?.median;
    let hundreds = (rate / 2.0 / 100.0).round().max(1.0);
    Ok(hundreds as usize * 100)
}

fn measure(
    row: Row,
    peer: &str,
    address: Address,
    short: bool,
    rate: usize,
) -> Result<Sample, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["measure", row.name(), peer]);
    command.arg(address.http_port.to_string());
    command.arg(address.grpc_port.to_string());
    if short {
        command.arg("--short");
    } else if row.kind() == Kind::Latency {
        command.args(["--rate", &rate.to_string()]);
    }
    for variable in PROXIES {
        command.env_remove(variable);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        String::from_utf8(output.stdout)?.parse()
    } else {
        Err(output.status.to_string().into())
    }
}
