//! The numbers of one measurement.

use std::fmt;
use std::str::FromStr;

use crate::Failure;
use crate::report::digits;

/// A quantity that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The seconds of all calls of a row, or of one batch or broadcast.
    Wall,
    /// The microseconds of user and system time of an operation.
    Cpu,
    /// The largest resident set of the process in MiB, without the pages of files.
    Peak,
    /// The milliseconds within which half of the calls end, counted from the planned beginning of each.
    P50,
    /// The same of 99 % of the calls.
    P99,
    /// The same of 99.9 % of the calls.
    P999,
    /// The number of connections that calls made at once opened, beside the first one.
    Connections,
    /// The resident KiB of such a connection when it is idle.
    Idle,
}

impl Metric {
    const ALL: [Self; 8] = [
        Self::Wall,
        Self::Cpu,
        Self::Peak,
        Self::P50,
        Self::P99,
        Self::P999,
        Self::Connections,
        Self::Idle,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "client CPU",
            Self::Peak => "peak memory",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Connections => "connections",
            Self::Idle => "idle memory",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Wall => "s",
            Self::Cpu => "µs",
            Self::Peak => "MiB",
            Self::P50 | Self::P99 | Self::P999 => "ms",
            Self::Connections => "",
            Self::Idle => "KiB",
        }
    }
}

/// The numbers of one measurement. The process that measures prints them for the one that compares: `wall=0.52 s`, a line
/// each.
#[derive(Clone, Debug)]
pub struct Sample(Vec<(Metric, f64)>);

impl Sample {
    pub fn new(numbers: impl Into<Vec<(Metric, f64)>>) -> Self {
        Self(numbers.into())
    }

    pub fn get(&self, metric: Metric) -> Option<f64> {
        let found = self.0.iter().find(|(of, _)| *of == metric);
        found.map(|(_, number)| *number)
    }

    /// Returns the numbers for a reader.
    pub fn summary(&self) -> String {
        let numbers = self.0.iter().map(|(metric, number)| {
            format!("{} {} {}", metric.name(), digits(*number), metric.unit())
        });
        numbers.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (metric, number) in &self.0 {
            writeln!(formatter, "{}={number} {}", metric.name(), metric.unit())?;
        }
        Ok(())
    }
}

impl FromStr for Sample {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let numbers = text.lines().map(|line| {
            let (name, rest) = line.split_once('=').ok_or("no number")?;
            let mut metrics = Metric::ALL.into_iter();
            let metric = metrics.find(|metric| metric.name() == name);
            let number = rest.split(' ').next().unwrap_or_default().parse()?;
            Ok::<_, Failure>((metric.ok_or("no metric")?, number))
        });
        let numbers: Result<Vec<_>, _> = numbers.collect();
        let numbers = numbers.map_err(|failure| format!("{failure} in {text:?}"))?;
        Ok(Self(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::{Metric, Sample};

    #[test]
    fn printed_sample_is_read_back() {
        let numbers = Metric::ALL.map(|metric| (metric, metric as usize as f64 + 0.5));
        let read: Sample = Sample::new(numbers).to_string().parse().unwrap();
        assert_eq!(read.0, numbers);
        assert!("wall=fast".parse::<Sample>().is_err());
    }
}
