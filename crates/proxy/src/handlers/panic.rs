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
    text.unwrap_or("a value that is not text").to_owned()
}

/// Drops what belongs to a handler. A panic of its destructors changes nothing: the answer is known, or nobody waits for it.
pub(crate) fn drop_caught<T>(value: T) {
    // The hook for panics has been told.
    let _ = catch_panic(|| drop(value));
}

/// The answer of a handler, whose panic is a failure.
pub(crate) struct Caught<T: 'static>(BoxFuture<Result<T, Failure>>);

impl<T: Send> Caught<T> {
    /// Calls a handler, which may panic already.
    pub(super) fn start(handler: impl FnOnce() -> BoxFuture<Result<T, Failure>>) -> Self {
        catch_panic(handler).map_or_else(|panic| Self::failed(Failure::Panic(panic)), Self)
    }

    /// Returns the failure of an event that no handler gets.
    pub(super) fn failed(failure: Failure) -> Self {
        Self(Box::pin(std::future::ready(Err(failure))))
    }
}

impl<T> Future for Caught<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Set within the closure: an answer is large, and a returned one would be copied three times.
        let mut polled = Poll::Pending;
        let caught = catch_panic(|| polled = self.0.as_mut().poll(context));
        if let Err(panic) = caught {
            return Poll::Ready(Err(Failure::Panic(panic)));
        }
        polled
    }
}

impl<T> Drop for Caught<T> {
    fn drop(&mut self) {
        // A box of nothing allocates nothing.
        let nothing = Box::pin(std::future::pending());
        drop_caught(std::mem::replace(&mut self.0, nothing));
    }
}
