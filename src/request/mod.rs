//! Requests as data: payloads, batches, broadcasts and pages.

pub(crate) mod batch;
pub(crate) mod broadcast;
pub(crate) mod check;
mod generated;
pub(crate) mod items;
pub(crate) mod pages;
mod payload;
#[cfg(feature = "_transport")]
pub(crate) mod typed;

pub use batch::{Batch, BatchCommand, Outcomes, Parallel};
pub use broadcast::BroadcastResult;
pub use items::{Item, Itemized};
pub use pages::{Page, Paged};
pub use payload::{PayloadExt, json};
#[cfg(feature = "_transport")]
pub use typed::TypedPublication;
