//! Real servers: encrypted connections, nodes that are killed under load, traces, and the outbox of PostgreSQL.
#![cfg(feature = "_http")]

#[cfg(all(feature = "grpc", feature = "tls"))]
#[path = "../support/authority.rs"]
mod authority;
#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/listener.rs"]
mod listener;
#[path = "../support/postgres.rs"]
mod postgres;
#[cfg(all(feature = "blocking", feature = "grpc", unix))]
#[path = "../support/redis.rs"]
mod redis;
#[path = "../support/server/mod.rs"]
mod server;
#[cfg(all(feature = "blocking", feature = "grpc", unix))]
#[path = "../support/shared_nodes.rs"]
mod shared_nodes;
#[cfg(all(feature = "grpc", feature = "tls"))]
#[path = "../support/sniffer.rs"]
mod sniffer;

#[cfg(all(feature = "blocking", feature = "grpc", unix))]
mod cluster;
mod outbox;
#[cfg(all(feature = "grpc", feature = "tls"))]
mod tls;
#[cfg(all(feature = "grpc", feature = "opentelemetry"))]
mod traces;

type Outcome = Result<(), Box<dyn std::error::Error>>;
