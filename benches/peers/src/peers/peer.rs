//! The traits of the clients that are compared.

use std::sync::Arc;

use crate::Failure;
use crate::rows::Row;
use crate::work::Work;

pub trait Peer: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    const ROWS: &'static [Row] = Row::ASYNC;

    /// Creates the client, and prepares the work.
    fn connect(work: &Arc<Work>) -> Result<Self, Failure>;

    /// Makes one call of the work's row, and checks the result.
    fn call(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

pub trait BlockingPeer: Sized {
    const NAME: &'static str;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure>;

    /// Publishes once.
    fn call(&mut self) -> Result<(), Failure>;
}
