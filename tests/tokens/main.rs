//! Tokens of `centrifugo-token`, with real clients of a real Centrifugo and with those of the embedded server.
#![cfg(feature = "_http")]

#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/server/mod.rs"]
mod server;

#[macro_use]
mod harness;

mod accepted;
mod accepted_subscriptions;
mod algorithms;
mod commands;
mod expiry;
mod hand_written;
mod join_leave;
mod jwks;
mod meta;
mod refresh;
mod refused;
mod refused_subscriptions;
mod rules;

type Outcome = Result<(), Box<dyn std::error::Error>>;
