//! What real Centrifugo servers do with the client's calls: each behaviour is written once, and tested over HTTP and
//! over gRPC against each version that has it.
#![cfg(any(feature = "grpc", feature = "http"))]

#[path = "../support/server.rs"]
mod server;

#[macro_use]
mod env;
mod face;
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
mod harness;
mod history;
mod idempotency;
mod info;
mod keys;
mod map;
mod network;
mod payloads;
mod presence;
mod pro;
mod publish;
mod refresh;
mod rpc;
mod shared_poll;
mod subscribe;
mod unsubscribe;
#[cfg(all(feature = "http", feature = "grpc"))]
mod walk;
