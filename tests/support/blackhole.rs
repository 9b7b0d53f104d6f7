//! A server that neither accepts nor refuses connections.

#![allow(dead_code)] // each test binary uses a part of it

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

const SHORT: Duration = Duration::from_millis(400);

pub(crate) struct Blackhole {
    pub(crate) address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Blackhole {
    /// Starts a listener with a queue of one and fills the queue: Linux drops further connection
    /// attempts.
    pub(crate) async fn start() -> std::io::Result<Self> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Does the same at an address. Another socket may hold its port, without listening.
    pub(crate) async fn at(address: SocketAddr) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(0)?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        while let Ok(connected) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
            queued.push(connected?);
            assert!(queued.len() < 100, "the queue is never full");
        }
        Ok(Self {
            address,
            _listener: listener,
            _queued: queued,
        })
    }
}
