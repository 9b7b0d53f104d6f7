//! All measurements, round by round, each in a process of its own.

use std::process::{Command, Stdio};

use crate::Failure;
use crate::arguments::Arguments;
use crate::measure::Sample;
use crate::peers;
use crate::results::Results;
use crate::rows::Row;
use crate::server::Address;

/// A client would look for one.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

pub fn run(arguments: &Arguments, address: Address) -> Result<Results, Failure> {
    let mut results = Results::default();
    for round in 0..arguments.rounds {
        for &row in &arguments.rows {
            let has_row = |name: &&&'static str| peers::find(name, row).is_ok();
            let mut names: Vec<_> = arguments.peers.iter().filter(has_row).collect();
            // Nobody always comes first.
            let shift = round % names.len().max(1);
            names.rotate_left(shift);
            for name in names {
                let sample = measure(row, name, address, arguments.short)
                    .map_err(|failure| format!("{}, {name}: {failure}", row.name()))?;
                eprintln!(
                    "round {}, {}, {name}: {:.3} s, {:.1} µs, {:.1} MiB",
                    round + 1,
                    row.name(),
                    sample.wall.as_secs_f64(),
                    sample.cpu.as_secs_f64() * 1e6,
                    sample.peak_kib as f64 / 1024.0
                );
                results.add(row, name, sample);
            }
        }
    }
    Ok(results)
}

fn measure(row: Row, peer: &str, address: Address, short: bool) -> Result<Sample, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["measure", row.name(), peer]);
    command.args([
        address.http_port.to_string(),
        address.grpc_port.to_string(),
        short.to_string(),
    ]);
    PROXIES.iter().for_each(|variable| {
        command.env_remove(variable);
    });
    let output = command.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        String::from_utf8(output.stdout)?.parse()
    } else {
        Err(output.status.to_string().into())
    }
}
