use std::time::Duration;

use crate::measure::Sample;
use crate::peers;
use crate::rows::Row;

/// The measurements, in the order of rows and peers.
#[derive(Default)]
pub struct Results {
    samples: Vec<(Row, &'static str, Sample)>,
}

impl Results {
    pub fn add(&mut self, row: Row, peer: &'static str, sample: Sample) {
        self.samples.push((row, peer, sample));
    }

    /// The medians of a peer's rounds, one by one.
    pub fn median(&self, row: Row, peer: &str) -> Option<Sample> {
        let rounds: Vec<_> = self
            .samples
            .iter()
            .filter(|(of, by, _)| *of == row && *by == peer)
            .map(|(.., s)| *s)
            .collect();
        Some(Sample {
            wall: median(rounds.iter().map(|sample| sample.wall))?,
            cpu: median(rounds.iter().map(|sample| sample.cpu))?,
            peak_kib: median(rounds.iter().map(|sample| sample.peak_kib))?,
        })
    }

    pub fn rows(&self) -> Vec<Row> {
        Row::ALL
            .into_iter()
            .filter(|row| self.samples.iter().any(|(of, ..)| of == row))
            .collect()
    }

    pub fn peers(&self) -> Vec<&'static str> {
        peers::names()
            .into_iter()
            .filter(|name| self.samples.iter().any(|(_, by, _)| by == name))
            .collect()
    }

    /// The noise: the median over the cells of the spread of their wall times.
    pub fn spread(&self) -> f64 {
        let cells = self
            .rows()
            .into_iter()
            .flat_map(|row| self.peers().into_iter().map(move |by| (row, by)));
        let spreads = cells.filter_map(|(row, peer)| {
            let rounds = self
                .samples
                .iter()
                .filter(|(of, by, _)| *of == row && *by == peer);
            let walls: Vec<Duration> = rounds.map(|(.., sample)| sample.wall).collect();
            let (least, most) = (*walls.iter().min()?, *walls.iter().max()?);
            Some((most - least).div_duration_f64(median(walls.into_iter())?))
        });
        let mut spreads: Vec<f64> = spreads.collect();
        spreads.sort_by(f64::total_cmp);
        spreads.get(spreads.len() / 2).copied().unwrap_or(0.0)
    }
}

pub fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
