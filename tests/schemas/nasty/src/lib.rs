//! The crate built from a schema that has everything that proto3 allows, under names that are
//! already used.
#![cfg(test)]

mod calls;
#[path = "../../every_message.rs"]
mod every_message;
mod requests;
mod server;

type Tested = Result<(), Box<dyn std::error::Error>>;
