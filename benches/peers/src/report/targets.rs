//! The targets of this crate, as ratios to its peers in the same run.

use std::fmt::Write as _;

use crate::measure::Sample;
use crate::results::Results;
use crate::rows::Row;

#[derive(Clone, Copy)]
enum Metric {
    Wall,
    Cpu,
    Peak,
}

use Metric::{Cpu, Peak, Wall};

impl Metric {
    fn of(self, sample: Sample) -> f64 {
        match self {
            Self::Wall => sample.wall.as_secs_f64(),
            Self::Cpu => sample.cpu.as_secs_f64(),
            Self::Peak => sample.peak_kib as f64,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "client CPU",
            Self::Peak => "peak memory",
        }
    }
}

/// A row, who, what of it, at most how many times whose.
type Target = (Row, &'static str, Metric, f64, &'static str);

const COALESCING_HTTP: &str = "this/coalescing http";
const COALESCING_GRPC: &str = "this/coalescing grpc";

const TARGETS: [Target; 19] = [
    (Row::OneByOne, "this/http", Cpu, 1.0, "reqwest"),
    (Row::OneByOne, "this/http", Cpu, 1.0, "cent"),
    (Row::OneByOne, "this/grpc", Cpu, 1.1, "tonic"),
    (Row::Tasks64, COALESCING_HTTP, Wall, 0.6, "cent/auto-batch"),
    (Row::Tasks64, COALESCING_HTTP, Cpu, 1.0, "cent/auto-batch"),
    (Row::Tasks64, COALESCING_GRPC, Wall, 0.6, "cent/auto-batch"),
    (Row::Tasks64, COALESCING_GRPC, Cpu, 1.0, "cent/auto-batch"),
    (Row::Tasks256, COALESCING_HTTP, Wall, 0.6, "cent/auto-batch"),
    (Row::Tasks256, COALESCING_HTTP, Cpu, 1.0, "cent/auto-batch"),
    (Row::Tasks256, COALESCING_GRPC, Wall, 0.6, "cent/auto-batch"),
    (Row::Tasks256, COALESCING_GRPC, Cpu, 1.0, "cent/auto-batch"),
    (Row::Batch, "this/http", Cpu, 0.5, "cent"),
    (Row::Batch, "this/grpc", Wall, 0.8, "cent"),
    (Row::Broadcast, "this/http", Cpu, 0.8, "cent"),
    (Row::Blocking, "this/http", Wall, 0.6, "cent"),
    (Row::History, "this/http", Cpu, 0.95, "cent"),
    (Row::History, "this/grpc", Wall, 0.3, "cent"),
    (Row::Large, "this/http", Wall, 1.05, "tcp"),
    (Row::Large, "this/grpc", Wall, 0.25, "cent"),
];

/// The targets for which both sides were measured.
pub fn table(results: &Results) -> String {
    let memory = Row::ALL.into_iter().flat_map(|row| {
        ["this/http", "this/grpc"]
            .into_iter()
            .map(move |peer| -> Target { (row, peer, Peak, 1.0, "cent") })
    });
    let mut text = "| target | seen | |\n|---|---|---|\n".to_owned();
    for (row, who, metric, at_most, whose) in TARGETS.into_iter().chain(memory) {
        let value = |peer| results.median(row, peer).map(|sample| metric.of(sample));
        let Some((this, other)) = value(who).zip(value(whose)) else {
            continue;
        };
        let (seen, what) = (this / other, metric.name());
        let outcome = if seen <= at_most { "met" } else { "**missed**" };
        let _ = writeln!(
            text,
            "| {}: {what} of {who} at most {at_most:.2} × {whose} | {seen:.2} | {outcome} |",
            row.title()
        );
    }
    text
}
