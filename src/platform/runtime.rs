//! The runtime of a call: whether there is one, and whether it can drive the call.

use std::cell::Cell;
#[cfg(all(not(miri), any(feature = "grpc", feature = "_http")))]
use std::net::Ipv4Addr;
use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::task;

use crate::error::Error;

thread_local! {
    /// The runtime of this thread that was last found to have a timer.
    static TIMED_RUNTIME: Cell<Option<Id>> = const { Cell::new(None) };
    /// The task of this thread that was last found to be in such a runtime.
    static TIMED_TASK: Cell<Option<task::Id>> = const { Cell::new(None) };
}

/// Checks that the caller is in a runtime with a timer, without which calls would panic.
///
/// Cloning a runtime's handle is contended: all threads count its clones. The id of a task is not, so it is asked
/// first.
pub(crate) fn in_runtime() -> Result<(), Error> {
    let task = task::try_id();
    if task.is_some() && task == TIMED_TASK.get() {
        return Ok(());
    }
    let runtime = runtime()?.id();
    if TIMED_RUNTIME.get() != Some(runtime) {
        catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).map_err(|_| not_enabled())?;
        TIMED_RUNTIME.set(Some(runtime));
    }
    TIMED_TASK.set(task);
    Ok(())
}

/// Checks that connections can be made in the caller's runtime, without which connecting would panic.
#[cfg(all(not(miri), any(feature = "grpc", feature = "_http")))]
pub(super) fn has_io() -> Result<(), Error> {
    let Ok(socket) = unused_socket() else {
        // Nothing is known, and connecting will tell.
        return Ok(());
    };
    catch_unwind(|| tokio::net::UdpSocket::from_std(socket).map(drop).ok())
        .map(drop)
        .map_err(|_| not_enabled())
}

/// Returns without a check: Miri has no sockets, and without a transport of the crate's own no connections are made.
#[cfg(any(miri, not(any(feature = "grpc", feature = "_http"))))]
#[allow(clippy::unnecessary_wraps)]
pub(super) fn has_io() -> Result<(), Error> {
    Ok(())
}

/// Returns a socket to register with a runtime: tokio tells in no other way whether that is possible.
#[cfg(all(not(miri), any(feature = "grpc", feature = "_http")))]
fn unused_socket() -> std::io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Returns the runtime that the caller is in.
pub(super) fn runtime() -> Result<Handle, Error> {
    Handle::try_current()
        .map_err(|_| Error::Config("calls need a tokio runtime: make them in one".to_owned()))
}

fn not_enabled() -> Error {
    Error::Config(
        "calls need a tokio runtime with time and I/O enabled: build it with enable_all()"
            .to_owned(),
    )
}
