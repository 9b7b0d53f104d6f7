//! A server that neither accepts nor refuses connections.

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
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
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
