//! The targets of this crate, as ratios to its peers in the same run.

use std::fmt::Write as _;

use crate::results::Results;
use crate::rows::Row;
use crate::sample::Metric::{self, Cpu, P99, Peak, Wall};

/// A row, who, what of it, at most how many times whose.
type Target = (Row, &'static str, Metric, f64, &'static str);

const AUTO_BATCH: &str = "cent/auto-batch";
const COALESCING_HTTP: &str = "this/coalescing http";
const COALESCING_GRPC: &str = "this/coalescing grpc";

const TARGETS: &[Target] = &[
    (Row::OneByOne, "this/grpc", Cpu, 0.55, "tonic"),
    (Row::Tasks64, "this/grpc", Cpu, 0.75, "tonic"),
    (Row::Tasks256, "this/grpc", Cpu, 0.75, "tonic"),
    (Row::OneByOne, "this/http", Cpu, 1.06, "reqwest"),
    (Row::OneByOne, "this/hyper", Cpu, 0.95, "cent"),
    (Row::Tasks64, "this/hyper", Cpu, 0.95, "cent"),
    (Row::Tasks256, "this/hyper", Cpu, 0.95, "cent"),
    (Row::Blocking, "this/hyper", Wall, 0.45, "cent"),
    (Row::Blocking, "this/http", Wall, 0.65, "cent"),
    (Row::Tasks64, COALESCING_HTTP, Wall, 0.75, AUTO_BATCH),
    (Row::Tasks256, COALESCING_HTTP, Wall, 0.65, AUTO_BATCH),
    (Row::Tasks64, COALESCING_GRPC, Wall, 0.6, AUTO_BATCH),
    (Row::Tasks256, COALESCING_GRPC, Wall, 0.5, AUTO_BATCH),
    (Row::Batch, "this/http", Cpu, 0.4, "cent"),
    (Row::Broadcast, "this/http", Cpu, 0.65, "cent"),
    (Row::History, "this/grpc", Wall, 0.3, "cent"),
    (Row::Large, "this/http", Wall, 1.05, "tcp"),
    (Row::Large, "this/grpc", Wall, 0.25, "cent"),
    (Row::Latency, "this/http", P99, 1.0, "cent"),
    (Row::Latency, "this/http", P99, 1.0, "reqwest"),
    (Row::Latency, "this/hyper", P99, 1.0, "cent"),
    (Row::Latency, "this/hyper", P99, 1.0, "reqwest"),
];

/// The peers whose peak memory is at most that of `cent` in each row.
const SMALL: [&str; 3] = ["this/http", "this/hyper", "this/grpc"];

/// Returns the tables of the targets for which both sides were measured.
pub fn tables(results: &Results) -> String {
    format!("{}{}", ratios(results), peaks(results))
}

fn ratios(results: &Results) -> String {
    let mut lines = String::new();
    for &(row, who, metric, at_most, whose) in TARGETS {
        let Some(ratio) = results.ratio(row, who, whose, metric) else {
            continue;
        };
        let what = metric.name();
        let outcome = outcome(ratio.median, at_most);
        let seen = super::ratio(ratio);
        let _ = writeln!(
            lines,
            "| {}: {what} of {who} at most {at_most:.2} × {whose} | {seen} | {outcome} |",
            row.title()
        );
    }
    if lines.is_empty() {
        return lines;
    }
    format!("\n| target | ratio within a round: median (quartiles) | |\n|---|---|---|\n{lines}")
}

fn peaks(results: &Results) -> String {
    let mut lines = String::new();
    for row in results.rows() {
        let ratios = SMALL.map(|peer| results.ratio(row, peer, "cent", Peak));
        if ratios.iter().all(Option::is_none) {
            continue;
        }
        let cells = ratios.map(|ratio| match ratio {
            Some(ratio) => format!("{}, {}", super::ratio(ratio), outcome(ratio.median, 1.0)),
            None => String::new(),
        });
        let _ = writeln!(lines, "| {} | {} |", row.title(), cells.join(" | "));
    }
    if lines.is_empty() {
        return lines;
    }
    format!(
        "\n| target: peak memory at most 1.00 × cent | {} |\n|---|{}\n{lines}",
        SMALL.join(" | "),
        "---|".repeat(SMALL.len())
    )
}

/// Returns whether a target is met, as tables have it.
pub fn outcome(seen: f64, at_most: f64) -> &'static str {
    if seen <= at_most { "met" } else { "**missed**" }
}
