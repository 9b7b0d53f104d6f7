//! Panics of handlers, which are failures.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::BoxFuture;
use crate::failure::Failure;

/// Calls a function, and returns the text of its panic.
pub(crate) fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| text(&*panic))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a value that is no text").to_owned()
}

/// The answer of a handler, whose panic is a failure.
pub(crate) struct Caught<T>(pub(super) BoxFuture<Result<T, Failure>>);

impl<T> Future for Caught<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_panic(|| self.0.as_mut().poll(context));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(Failure::Panic(panic))))
    }
}
