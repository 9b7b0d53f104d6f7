//! The behaviour of real Centrifugo servers when the client calls them: each behaviour is written
//! once, and tested
//! over HTTP and gRPC against each version that has it.
#![cfg(any(feature = "grpc", feature = "_http"))]

#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/server/mod.rs"]
mod server;

#[macro_use]
mod harness;
mod client_kind;
mod realtime;
#[macro_use]
mod requests;

mod batch;
mod binary;
mod broadcast;
mod channels;
mod delivery;
mod disconnect;
mod error_mode;
#[cfg(all(feature = "grpc", feature = "gzip"))]
mod gzip;
mod harness_tests;
mod history;
mod idempotency;
mod info;
mod keys;
mod map;
mod network;
#[cfg(all(feature = "_http", feature = "grpc"))]
mod parity;
mod payloads;
mod presence;
mod pro;
mod protocols;
mod publish;
mod refresh;
mod rpc;
mod shared_poll;
mod subscribe;
mod unchecked;
mod unsubscribe;
