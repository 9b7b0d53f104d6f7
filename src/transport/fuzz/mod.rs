//! What a server, or somebody between, answers.

// Its macros are those of the modules below.
include!(concat!(env!("OUT_DIR"), "/messages.rs"));

#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod legacy;

use std::time::Duration;

use crate::call::Call;
use crate::fuzz::{KEY, assert_presentable};
use crate::retry::Budget;
use crate::{Error, InfoRequest, Retry};

/// A call of any method.
fn call() -> Call<'static> {
    Call::of(&InfoRequest::new(), None)
}

/// Checks an error as a client gives it to its caller.
fn check_error(error: Error) {
    let left = Duration::from_secs(5);
    let wait = Retry::default().wait(1, &error, true, left, Some(&Budget::default()));
    assert!(
        wait.is_none_or(|wait| wait < left),
        "a wait of {wait:?}, with {left:?} left"
    );
    assert_presentable(&error.without(&[KEY.to_owned()]));
}
