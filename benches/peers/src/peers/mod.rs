//! The clients that are compared. A new one is an impl of [`Peer`] or [`BlockingPeer`], and a line in [`all`].

mod cent;
mod h2;
mod hyper;
pub mod peer;
mod reqwest;
mod tcp;
mod this;
mod tonic;

use std::sync::Arc;

pub use peer::{BlockingPeer, Peer};

use crate::Failure;
use crate::measure;
use crate::rows::{Kind, Load, Row};
use crate::sample::Sample;
use crate::server::Address;
use crate::work::Work;
use this::{BlockingThis, OnHyper, OnReqwest, OverGrpc, Shared, This};

/// A peer of any type.
pub struct Entry {
    name: &'static str,
    shares_batches: bool,
    has_row: fn(Row) -> bool,
    measure: fn(Arc<Work>) -> Result<Sample, Failure>,
}

impl Entry {
    pub fn measure(&self, row: Row, load: Load, address: Address) -> Result<Sample, Failure> {
        (self.measure)(Arc::new(Work::new(row, load, address)))
    }
}

/// Returns all peers, in the order of the tables.
fn all() -> Vec<Entry> {
    vec![
        concurrent::<tcp::Tcp>(),
        blocking::<tcp::BlockingTcp>(),
        concurrent::<hyper::Hyper>(),
        concurrent::<reqwest::Reqwest>(),
        concurrent::<h2::H2>(),
        concurrent::<tonic::Tonic>(),
        concurrent::<cent::Cent>(),
        blocking::<cent::BlockingCent>(),
        concurrent::<cent::AutoBatching>(),
        concurrent::<This<OnReqwest>>(),
        blocking::<BlockingThis<OnReqwest>>(),
        concurrent::<This<OnHyper>>(),
        blocking::<BlockingThis<OnHyper>>(),
        concurrent::<This<OverGrpc>>(),
        blocking::<BlockingThis<OverGrpc>>(),
        concurrent::<Shared<OnReqwest>>(),
        concurrent::<Shared<OnHyper>>(),
        concurrent::<Shared<OverGrpc>>(),
    ]
}

fn concurrent<P: Peer>() -> Entry {
    Entry {
        name: P::NAME,
        shares_batches: P::SHARES_BATCHES,
        has_row: P::has_row,
        measure: measure::concurrent::<P>,
    }
}

fn blocking<P: BlockingPeer>() -> Entry {
    Entry {
        name: P::NAME,
        shares_batches: false,
        has_row: |row| row.kind() == Kind::Blocking,
        measure: measure::blocking::<P>,
    }
}

/// Returns the names; a peer that calls in both ways has one.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = all().iter().map(|entry| entry.name).collect();
    names.dedup();
    names
}

/// Returns whether the calls of a peer share batches.
pub fn shares_batches(name: &str) -> bool {
    all()
        .iter()
        .any(|entry| entry.name == name && entry.shares_batches)
}

pub fn find(name: &str, row: Row) -> Result<Entry, Failure> {
    let found = all()
        .into_iter()
        .find(|entry| entry.name == name && (entry.has_row)(row));
    found.ok_or_else(|| format!("{name} has no row {}", row.name()).into())
}
