//! The messages that the handlers read and write: those of the newest schema, whatever schema the SDK was built from.

#![allow(clippy::all, clippy::pedantic, deprecated, unreachable_pub)]

include!(concat!(env!("OUT_DIR"), "/messages.rs"));
