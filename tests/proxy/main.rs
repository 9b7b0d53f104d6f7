//! The experience of a client of Centrifugo for each answer that a backend can give to a proxied event.
//!
//! Each table has rows: an answer, and what the client sees then. A scene plays a row: it connects a client, lets it do what the
//! event is about, and writes down what comes. The rows are the same for each column: a real server that asks over HTTP or gRPC,
//! and the embedded server, which asks in process. `docs/proxy.md` shows them. In one more column a real server asks handlers of
//! Rust `cent`, the official SDK.
//!
//! The embedded server plays all tables but those of deltas, which it does not have. A secret is checked over the network only, and
//! a slow client is not disconnected but waited for.
#![cfg(all(feature = "grpc", feature = "_http"))]

#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/server/mod.rs"]
mod server;
#[path = "../support/websocket.rs"]
mod websocket;

#[macro_use]
mod harness;

mod cent;
mod connect;
mod deltas;
mod headers;
mod maps;
mod minute;
mod overrides;
mod page;
mod payloads;
mod publish;
mod refresh;
mod refused_calls;
mod requests;
mod rotation;
mod rpc;
mod shared_polls;
mod statuses;
mod streams;
mod sub_refresh;
mod subscribe;
mod tokens;
mod without;

type Outcome = Result<(), Box<dyn std::error::Error>>;
