//! Facts and rules of connecting that both transports share.

mod dials;
mod names;

pub(crate) use dials::Dials;
pub(crate) use names::Names;
