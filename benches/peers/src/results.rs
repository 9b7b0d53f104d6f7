//! The measurements of a run, and their medians and quartiles.

use crate::peers;
use crate::rows::Row;
use crate::sample::{Metric, Sample};

/// The measurements, in the order in which they were made.
#[derive(Default)]
pub struct Results {
    samples: Vec<(Row, &'static str, Sample)>,
    /// Calls per second of the row of latencies.
    pub rate: usize,
}

/// A quarter of the values is at most the lower one, half at most the median, a quarter at least the upper one.
#[derive(Clone, Copy, Debug)]
pub struct Quartiles {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Quartiles {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let quarter = last / 4;
        Some(Self {
            lower: values[quarter],
            median: values[last / 2],
            upper: values[last - quarter],
        })
    }

    /// Returns the distance of the quartiles, in parts of the median.
    fn spread(self) -> f64 {
        (self.upper - self.lower) / self.median
    }
}

impl Results {
    pub fn add(&mut self, row: Row, peer: &'static str, sample: Sample) {
        self.samples.push((row, peer, sample));
    }

    /// Returns the values of all rounds.
    fn values(&self, row: Row, peer: &str, metric: Metric) -> Vec<f64> {
        let samples = self.samples.iter();
        let cell = samples.filter(|(of, by, _)| *of == row && *by == peer);
        cell.filter_map(|(.., sample)| sample.get(metric)).collect()
    }

    pub fn quartiles(&self, row: Row, peer: &str, metric: Metric) -> Option<Quartiles> {
        Quartiles::of(self.values(row, peer, metric))
    }

    pub fn median(&self, row: Row, peer: &str, metric: Metric) -> Option<f64> {
        let quartiles = self.quartiles(row, peer, metric)?;
        Some(quartiles.median)
    }

    /// Returns the ratio of two peers. The machine's speed changes between rounds and is about the same within one: the
    /// ratios are those of single rounds.
    pub fn ratio(&self, row: Row, peer: &str, other: &str, metric: Metric) -> Option<Quartiles> {
        let values = self.values(row, peer, metric).into_iter();
        let pairs = values.zip(self.values(row, other, metric));
        Quartiles::of(pairs.map(|(value, other)| value / other))
    }

    pub fn rows(&self) -> Vec<Row> {
        let rows = Row::ALL.into_iter();
        rows.filter(|row| self.samples.iter().any(|(of, ..)| of == row))
            .collect()
    }

    /// Returns the peers that were measured in any of these rows.
    pub fn peers(&self, rows: &[Row]) -> Vec<&'static str> {
        let is_there = |name: &&str| {
            let mut samples = self.samples.iter();
            samples.any(|(row, by, _)| by == name && rows.contains(row))
        };
        peers::names().into_iter().filter(is_there).collect()
    }

    /// Returns the noise: the median over all cells of the distance between their quartiles, in parts of their median.
    pub fn spread(&self, metric: Metric) -> f64 {
        let rows = self.rows();
        let peers = self.peers(&rows);
        let cells = rows
            .iter()
            .flat_map(|row| peers.iter().map(move |peer| (*row, *peer)));
        let spreads = cells.filter_map(|(row, peer)| {
            let quartiles = self.quartiles(row, peer, metric)?;
            Some(quartiles.spread())
        });
        Quartiles::of(spreads).map_or(0.0, |spreads| spreads.median)
    }
}

#[cfg(test)]
mod tests {
    use super::{Quartiles, Results};
    use crate::rows::Row;
    use crate::sample::{Metric, Sample};

    #[test]
    fn quartiles_leave_as_many_values_below_as_above() {
        let quartiles = Quartiles::of((1..=15).rev().map(f64::from)).unwrap();
        assert_eq!(
            [quartiles.lower, quartiles.median, quartiles.upper],
            [4.0, 8.0, 12.0]
        );
        assert!(Quartiles::of([]).is_none());
    }

    #[test]
    fn ratios_are_those_of_single_rounds() {
        let mut results = Results::default();
        // The machine is slower from round to round.
        for slowness in [1.0, 10.0, 100.0] {
            let wall = |seconds| Sample::new([(Metric::Wall, seconds * slowness)]);
            results.add(Row::Large, "cent", wall(2.0));
            results.add(Row::Large, "this/http", wall(1.0));
        }
        let ratio = results.ratio(Row::Large, "this/http", "cent", Metric::Wall);
        let ratio = ratio.unwrap();
        assert_eq!([ratio.lower, ratio.upper], [0.5, 0.5]);
    }
}
