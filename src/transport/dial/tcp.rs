//! The options of TCP connections: how soon they find out that the other side is gone.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// The time of idleness after which the system probes a connection, by default.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The times that systems can count.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(32_767);

/// The time for which the system sends bytes again that the other side does not acknowledge.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Sets the options of a connection.
pub(crate) fn set_options(tcp: &TcpStream, keepalive: Option<Duration>) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let keepalive = keepalive.unwrap_or(KEEPALIVE).clamp(SHORTEST, LONGEST);
    let socket = SockRef::from(tcp);
    socket.set_tcp_keepalive(&with_interval(
        TcpKeepalive::new().with_time(keepalive),
        keepalive,
    ))?;
    set_user_timeout(&socket)
}

#[cfg(not(any(target_os = "haiku", target_os = "openbsd", target_os = "solaris")))]
fn with_interval(probes: TcpKeepalive, interval: Duration) -> TcpKeepalive {
    probes.with_interval(interval)
}

#[cfg(any(target_os = "haiku", target_os = "openbsd", target_os = "solaris"))]
fn with_interval(probes: TcpKeepalive, _interval: Duration) -> TcpKeepalive {
    probes
}

#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn set_user_timeout(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))
}

#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
#[allow(clippy::unnecessary_wraps)]
fn set_user_timeout(_socket: &SockRef<'_>) -> io::Result<()> {
    Ok(())
}
