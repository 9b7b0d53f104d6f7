//! A listener that passes everything on and records the connections that a client makes.

#![allow(dead_code)] // each test binary uses a part of it

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The recording so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The clients' addresses, in order.
    pub(crate) peers: Vec<SocketAddr>,
    /// The number of open connections.
    pub(crate) open: usize,
    /// The bytes that the clients sent.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Sniffer {
    pub(crate) address: SocketAddr,
    seen: watch::Sender<Seen>,
}

impl Sniffer {
    /// Passes on to a server at `host:port` while the runtime lives.
    pub(crate) async fn to(server: &str) -> std::io::Result<Self> {
        let server = server.to_owned();
        let seen = watch::Sender::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let sniffer = Self {
            address: listener.local_addr()?,
            seen: seen.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, peer)) = listener.accept().await {
                seen.send_modify(|seen| {
                    seen.peers.push(peer);
                    seen.open += 1;
                });
                let server = server.clone();
                let seen = seen.clone();
                tokio::spawn(async move {
                    let _ = pass_on(client, &server, &seen).await;
                    seen.send_modify(|seen| seen.open -= 1);
                });
            }
        });
        Ok(sniffer)
    }

    /// Waits until `is_expected` accepts the record.
    pub(crate) async fn wait_for(&self, is_expected: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.subscribe();
        let seen = seen.wait_for(is_expected).await.expect("the sniffer lives");
        seen.clone()
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }
}

async fn pass_on(
    client: TcpStream,
    server: &str,
    seen: &watch::Sender<Seen>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        copy(from_client, to_server, |bytes: &[u8]| seen
            .send_modify(|seen| seen.bytes.extend_from_slice(bytes))),
        copy(from_server, to_client, |_| ())
    )?;
    Ok(())
}

/// Copies everything and then returns an error, so that the other direction ends too.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    note: impl Fn(&[u8]),
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => {
                note(&buffer[..count]);
                to.write_all(&buffer[..count]).await?;
            }
        }
    }
}
