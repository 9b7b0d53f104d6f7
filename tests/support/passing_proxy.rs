//! Proxies that pass bytes on: one that is asked by CONNECT, and one of SOCKS 5.

#![allow(dead_code)] // each test binary uses a part of it

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The protocol by which a client asks the proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Connect,
    Socks5,
}

/// A proxy that passes everything on to one server, whichever one it is asked for.
pub(crate) struct PassingProxy {
    pub(crate) address: SocketAddr,
    asked_for: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl PassingProxy {
    pub(crate) async fn start(asked: Asked, server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let asked_for = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked_for);
        let accepting = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                tokio::spawn(async move {
                    let target = match asked {
                        Asked::Connect => connect(&mut client).await?,
                        Asked::Socks5 => socks5(&mut client).await?,
                    };
                    log.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(target);
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self {
            address,
            asked_for,
            accepting,
        })
    }

    /// Returns whom clients have asked for, and who they say they are.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        let log = self.asked_for.lock();
        log.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for PassingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns the first line of a CONNECT, and its credentials.
async fn connect(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let wanted = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("connect ") || line.starts_with("proxy-authorization:")
    };
    let lines: Vec<_> = head.lines().filter(wanted).collect();
    Ok(lines.join(", "))
}

/// Returns the host and the port of a request of SOCKS 5 with a name and a password (RFC 1928 and 1929), and these two.
async fn socks5(client: &mut TcpStream) -> io::Result<String> {
    let _version = client.read_u8().await?;
    let _methods = text(client).await?;
    client.write_all(&[5, 2]).await?;
    let _version = client.read_u8().await?;
    let user = text(client).await?;
    let password = text(client).await?;
    client.write_all(&[1, 0]).await?;
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    let host = match head[3] {
        1 => std::net::Ipv4Addr::from(client.read_u32().await?).to_string(),
        _ => text(client).await?,
    };
    let port = client.read_u16().await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("{host}:{port} by {user}, {password}"))
}

/// Reads a text, whose length is in front of it.
async fn text(client: &mut TcpStream) -> io::Result<String> {
    let mut text = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
