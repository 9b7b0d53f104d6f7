//! Facts and rules of connecting that both transports share.

mod names;

pub(crate) use names::Names;
