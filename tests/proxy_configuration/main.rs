//! The configuration that `centrifugo-proxy` prints, on a real Centrifugo: it is accepted, its options take effect, and events
//! arrive with the secret.
#![cfg(all(feature = "grpc", feature = "_http"))]

#[path = "../support/authority.rs"]
mod authority;
#[allow(dead_code)] // its main function
#[path = "../../crates/proxy/examples/hyper_tls.rs"]
mod hyper_tls;
#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/server/mod.rs"]
mod server;

mod accepted;
mod arriving;
mod certificates;
mod handlers;

type Outcome = Result<(), Box<dyn std::error::Error>>;
