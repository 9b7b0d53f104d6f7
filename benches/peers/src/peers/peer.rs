//! The traits of the clients that are compared.

use std::sync::Arc;

use crate::Failure;
use crate::rows::{Kind, Row};
use crate::work::Work;

pub trait Peer: Sized + Send + Sync + 'static {
    const NAME: &'static str;

    /// True if concurrent calls share batches.
    const SHARES_BATCHES: bool = false;

    /// Returns whether the peer is measured in this row.
    fn has_row(row: Row) -> bool {
        if Self::SHARES_BATCHES {
            row.can_share()
        } else {
            row.kind() != Kind::Blocking
        }
    }

    /// Creates the client, and prepares the work. It is called in the runtime.
    fn connect(work: &Arc<Work>) -> Result<Self, Failure>;

    /// Makes one call of the work's row, and checks the result.
    fn call(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

pub trait BlockingPeer: Sized {
    const NAME: &'static str;

    /// Creates the client, and prepares the work.
    fn connect(work: &Arc<Work>) -> Result<Self, Failure>;

    /// Makes one call of the work's row, and checks the result.
    fn call(&mut self) -> Result<(), Failure>;
}
