//! The generated impls of requests: their methods, how batches carry them, their pages.

#![allow(clippy::all, clippy::pedantic, deprecated, unreachable_pub)]

include!(concat!(env!("OUT_DIR"), "/requests.rs"));
