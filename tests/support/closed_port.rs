//! A port that refuses connections.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// Returns a socket that holds a port of 127.0.0.1 without listening on it.
pub(crate) fn closed_port() -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    Ok(socket)
}
