//! The crate as built from a schema that holds everything proto3 has, under names that are taken.
#![cfg(test)]

mod calls;
mod every_message;
mod requests;

type Tested = Result<(), Box<dyn std::error::Error>>;
