//! The generated impls of the requests that consumers execute.

#![allow(clippy::all, clippy::pedantic, unreachable_pub)]

include!(concat!(env!("OUT_DIR"), "/consumers.rs"));
