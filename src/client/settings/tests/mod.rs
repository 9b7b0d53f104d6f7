//! Each option, from a file and from the environment, and each mistake.

mod complete;
mod files;
mod mistakes;
mod round_trips;

use std::ffi::OsString;

use crate::client::{ClientBuilder, ClientSettings};
use crate::error::Error;

/// Returns a URL of a transport that is compiled in.
fn url() -> &'static str {
    if cfg!(feature = "_http") {
        "http://localhost:8000/api"
    } else {
        "grpc://localhost:10000"
    }
}

/// Returns a builder from an environment with these variables.
fn from_variables(variables: &[(&str, &str)]) -> Result<ClientBuilder, Error> {
    ClientBuilder::from_lookup(&|name| {
        let mut variables = variables.iter();
        let (_, value) = variables.find(|(variable, _)| *variable == name)?;
        Some(OsString::from(value))
    })
}

/// Returns settings from JSON.
fn from_json(json: &str) -> Result<ClientSettings, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Returns the error of what must not succeed.
#[track_caller]
fn failure<T, E: ToString>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => panic!("it succeeds"),
        Err(error) => error.to_string(),
    }
}
