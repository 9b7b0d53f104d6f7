//! A relay in front of a server. It ends its first connection as configured, and keeps later ones.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// The end of the first connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// It is reset after this many bytes from the client.
    ResetAfterSent(u64),
    /// It is reset after this many bytes from the server.
    ResetAfterAnswered(u64),
    /// [`Relay::half_close`] closes the server's half; what the client sends is still passed on.
    HalfClosed,
}

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    half_close: Notify,
    ended: Notify,
}

impl Relay {
    pub(crate) async fn start(server: SocketAddr, end: End) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                let mut connections = JoinSet::new();
                while let Ok((client, _)) = listener.accept().await {
                    let is_first = shared.connections.fetch_add(1, Ordering::SeqCst) == 0;
                    connections.spawn(pass(
                        client,
                        server,
                        is_first.then_some(end),
                        Arc::clone(&shared),
                    ));
                }
            }
        });
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Closes the server's half of the first connection, and waits until the client has closed its own.
    pub(crate) async fn half_close(&self) {
        self.shared.half_close.notify_one();
        self.shared.ended.notified().await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    end: Option<End>,
    shared: Arc<Shared>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (sent, answered) = match end {
        Some(End::ResetAfterSent(bytes)) => (bytes, u64::MAX),
        Some(End::ResetAfterAnswered(bytes)) => (u64::MAX, bytes),
        Some(End::HalfClosed) | None => (u64::MAX, u64::MAX),
    };
    let half_close = async {
        match end {
            Some(End::HalfClosed) => shared.half_close.notified().await,
            _ => pending().await,
        }
    };
    let (mut from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let mut from_server = from_server.take(answered);
    let is_half_closed = tokio::select! {
        _ = async { copy(&mut (&mut from_client).take(sent), &mut to_server).await } => false,
        _ = copy(&mut from_server, &mut to_client) => false,
        () = half_close => true,
    };
    if is_half_closed {
        to_client.shutdown().await?;
        copy(&mut from_client, &mut to_server).await?;
        shared.ended.notify_one();
        return Ok(());
    }
    // Drops what nobody has read.
    client.set_zero_linger()
}
