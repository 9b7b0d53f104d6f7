//! A network with a delay: relays in front of the server, which pass everything on later, in order.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::Failure;
use crate::server::Address;

const BUFFER: usize = 64 * 1024;
/// The connections that may wait to be accepted: more than are opened at once, since a system refuses those beyond for a
/// second.
const BACKLOG: u32 = 4096;

/// Bytes on their way to the other end of a connection; none are its end.
struct Chunk {
    due: Instant,
    bytes: Bytes,
    to: UnboundedSender<Bytes>,
}

/// The relays to a server, one for each delay.
pub struct Relays {
    server: Address,
    started: BTreeMap<Duration, Address>,
}

impl Relays {
    pub fn new(server: Address) -> Self {
        let started = BTreeMap::from([(Duration::ZERO, server)]);
        Self { server, started }
    }

    /// Returns the address of the server behind such a delay each way.
    pub fn address(&mut self, delay: Duration) -> Result<Address, Failure> {
        if let Some(address) = self.started.get(&delay) {
            return Ok(*address);
        }
        let (chunks, delayed) = channel();
        // One delay for all: what comes first is due first. The timers of tokio are late by up to a millisecond.
        thread::spawn(move || pass_on(&delayed));
        let address = Address {
            http_port: start(self.server.http_port, delay, chunks.clone())?,
            grpc_port: start(self.server.grpc_port, delay, chunks)?,
        };
        self.started.insert(delay, address);
        Ok(address)
    }
}

/// Gives each chunk to its connection when it is due.
fn pass_on(delayed: &Receiver<Chunk>) {
    for chunk in delayed {
        thread::sleep(chunk.due.saturating_duration_since(Instant::now()));
        // A connection that is closed needs nothing.
        let _ = chunk.to.send(chunk.bytes);
    }
}

/// Starts a relay in a thread of its own, and returns its port.
fn start(server_port: u16, delay: Duration, chunks: Sender<Chunk>) -> Result<u16, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        socket.listen(BACKLOG)
    })?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        let ended = runtime.block_on(accept(listener, server_port, delay, chunks));
        eprintln!("the relay of port {port} ended: {ended:?}");
    });
    Ok(port)
}

async fn accept(
    listener: TcpListener,
    server_port: u16,
    delay: Duration,
    chunks: Sender<Chunk>,
) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let chunks = chunks.clone();
        tokio::spawn(async move {
            let connected = connect(client, server_port, delay, chunks).await;
            if let Err(error) = connected {
                eprintln!("the relay cannot connect to the server: {error}");
            }
        });
    }
}

async fn connect(
    client: TcpStream,
    server_port: u16,
    delay: Duration,
    chunks: Sender<Chunk>,
) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    relay(from_client, to_server, delay, chunks.clone());
    relay(from_server, to_client, delay, chunks);
    Ok(())
}

/// Relays one direction of a connection.
fn relay(from: OwnedReadHalf, to: OwnedWriteHalf, delay: Duration, chunks: Sender<Chunk>) {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(read(from, delay, chunks, sender));
    tokio::spawn(write(receiver, to));
}

async fn read(
    mut from: OwnedReadHalf,
    delay: Duration,
    chunks: Sender<Chunk>,
    to: UnboundedSender<Bytes>,
) {
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() < BUFFER / 2 {
            buffer.reserve(BUFFER);
        }
        // A connection that breaks ends for the other side too.
        let read = from.read_buf(&mut buffer).await.unwrap_or(0);
        let chunk = Chunk {
            due: Instant::now() + delay,
            bytes: buffer.split().freeze(),
            to: to.clone(),
        };
        if chunks.send(chunk).is_err() || read == 0 {
            return;
        }
    }
}

/// Writes until the end; then the connection is shut down as the other side was.
async fn write(mut chunks: UnboundedReceiver<Bytes>, mut to: OwnedWriteHalf) {
    while let Some(bytes) = chunks.recv().await {
        if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::Relays;
    use crate::server::Address;

    const DELAY: Duration = Duration::from_millis(100);

    /// Returns the address of a server that sends back what it receives, until the end.
    fn echo() -> Address {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut reader, _) = listener.accept().unwrap();
            let mut writer = reader.try_clone().unwrap();
            std::io::copy(&mut reader, &mut writer).unwrap();
        });
        Address {
            http_port: port,
            grpc_port: port,
        }
    }

    #[test]
    fn relay_delays_each_way_and_keeps_order_and_end() {
        let address = Relays::new(echo()).address(DELAY).unwrap();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, address.http_port)).unwrap();
        let sent: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut writer = stream.try_clone().unwrap();
        let begin = Instant::now();
        let to_send = sent.clone();
        let mut received = vec![0];
        let sending = thread::spawn(move || {
            to_send
                .chunks(1_000)
                .for_each(|part| writer.write_all(part).unwrap());
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        stream.read_exact(&mut received).unwrap();
        assert!(begin.elapsed() >= 2 * DELAY);
        stream.read_to_end(&mut received).unwrap();
        assert!(received == sent);
        sending.join().unwrap();
    }

    #[test]
    fn no_delay_needs_no_relay() {
        let server = echo();
        let address = Relays::new(server).address(Duration::ZERO).unwrap();
        assert_eq!(address.http_port, server.http_port);
    }
}
