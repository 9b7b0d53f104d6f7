//! The legacy command endpoint: of a Centrifugo of today, and of 3.2.3, which has no other.
#![cfg(feature = "http")]

#[path = "../support/fake_http.rs"]
mod fake_http;
#[path = "../support/fake_server.rs"]
mod fake_server;
#[path = "../support/server.rs"]
mod server;

mod servers;
mod wire;

use centrifugo_api::{ApiError, Error};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[track_caller]
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    result.expect_err("the call fails")
}

#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> u32 {
    result.expect_err("the command fails").code
}
