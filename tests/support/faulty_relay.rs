//! A relay in front of a server, whose faults are switched on and off while it runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::blackhole::Blackhole;

/// The connection attempts that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// The bytes that a trickling connection passes on at once, and the pause between two of them.
const TRICKLE: (usize, Duration) = (32, Duration::from_millis(2));

/// A direction in which bytes are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Requests,
    Replies,
}

/// A fault of the network. Where nothing else is said, it affects the connections that there are and
/// new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Resets connections, and refuses new ones.
    Refuse,
    /// Ends each connection after the next bytes from the server, and refuses new ones.
    Drain,
    /// Passes nothing on over the connections that there are, for ever, and accepts no new ones: their
    /// packets are dropped.
    Swallow,
    /// Resets a connection after half of the next bytes from the client.
    ResetWithinRequest,
    /// Resets a connection before the next bytes from the server.
    ResetAfterRequest,
    /// Resets a connection after half of the next bytes from the server.
    ResetWithinReply,
    /// Closes the server's half, and loses what the server sends; what the client sends is passed on.
    HalfClose,
    /// Passes nothing on over the connections that there are, later all of it; new ones are well.
    Silence,
    /// Does the same in one direction.
    SilenceOf(Way),
    /// Passes nothing on over the connections that there are, for ever and without an end; new ones
    /// are well.
    Vanish,
    /// Passes nothing on, and resets all connections at the end.
    BlackHole,
    /// Delays all bytes.
    Delay(Duration),
    /// Passes on few bytes at a time.
    Trickle,
    /// Delays the first bytes of new connections.
    SlowHandshake(Duration),
}

/// The state of a relay. Connections are numbered in their order.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    fault: Option<Fault>,
    /// The number of connections so far.
    connections: u64,
    /// The number of connections when the fault began.
    before: u64,
    /// Connections with lower numbers pass nothing on any more.
    vanished: u64,
    /// Connections with lower numbers are reset.
    reset: u64,
}

/// The treatment of bytes by a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passing {
    Pass,
    Hold,
    ResetBefore,
    ResetWithin,
    EndAfter,
    Delay(Duration),
    Trickle,
}

impl State {
    fn passing(&self, connection: u64, way: Way) -> Passing {
        if connection < self.vanished {
            return Passing::Hold;
        }
        match (self.fault, way) {
            (Some(Fault::Silence), _) if connection < self.before => Passing::Hold,
            (Some(Fault::SilenceOf(silent)), _) if silent == way && connection < self.before => {
                Passing::Hold
            }
            (Some(Fault::BlackHole), _) => Passing::Hold,
            (Some(Fault::ResetWithinRequest), Way::Requests) => Passing::ResetWithin,
            (Some(Fault::ResetAfterRequest), Way::Replies) => Passing::ResetBefore,
            (Some(Fault::ResetWithinReply), Way::Replies) => Passing::ResetWithin,
            (Some(Fault::Drain), Way::Replies) => Passing::EndAfter,
            (Some(Fault::Delay(delay)), _) => Passing::Delay(delay),
            (Some(Fault::Trickle), _) => Passing::Trickle,
            _ => Passing::Pass,
        }
    }

    fn is_half_closed(&self, connection: u64) -> bool {
        self.fault == Some(Fault::HalfClose) && connection < self.before
    }

    fn is_listening(&self) -> bool {
        !matches!(
            self.fault,
            Some(Fault::Drain | Fault::Refuse | Fault::Swallow)
        )
    }
}

pub(crate) struct FaultyRelay {
    pub(crate) address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    accepting: JoinHandle<io::Result<()>>,
    /// Holds the port while nothing listens on it.
    _port: TcpSocket,
}

impl FaultyRelay {
    pub(crate) async fn start(server: SocketAddr) -> io::Result<Self> {
        let port = reusable(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = port.local_addr()?;
        let state = Arc::new(watch::Sender::new(State::default()));
        let listener = reusable(address)?.listen(BACKLOG)?;
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            accepting,
            _port: port,
        })
    }

    /// Ends the present fault and begins another one, if any.
    pub(crate) fn set(&self, fault: Option<Fault>) {
        self.state.send_modify(|state| {
            let all = state.connections;
            if state.fault == Some(Fault::BlackHole) || fault == Some(Fault::Refuse) {
                state.reset = all;
            }
            if matches!(fault, Some(Fault::Swallow | Fault::Vanish)) {
                state.vanished = all;
            }
            state.fault = fault;
            state.before = all;
        });
    }
}

impl Drop for FaultyRelay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns a socket at an address whose port another socket may hold, without listening.
fn reusable(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts connections except while they are refused or swallowed.
async fn accept(
    mut listener: TcpListener,
    server: SocketAddr,
    state: Arc<watch::Sender<State>>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut changes = state.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted?;
                let mut number = 0;
                state.send_modify(|state| {
                    number = state.connections;
                    state.connections += 1;
                });
                connections.spawn(connection(client, server, number, state.subscribe()));
                while connections.try_join_next().is_some() {}
                continue;
            }
            changed = until(&mut changes, |state| !state.is_listening()) => changed?,
        }
        drop(listener);
        let is_swallowing = changes.borrow().fault == Some(Fault::Swallow);
        let hole = if is_swallowing {
            Some(Blackhole::at(address).await?)
        } else {
            None
        };
        until(&mut changes, State::is_listening).await?;
        drop(hole);
        listener = reusable(address)?.listen(BACKLOG)?;
    }
}

/// Serves a connection, and resets it on both sides unless it ends in peace.
async fn connection(
    mut client: TcpStream,
    server: SocketAddr,
    number: u64,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let fault = state.borrow().fault;
    if let Some(Fault::SlowHandshake(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        return client.set_zero_linger();
    };
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let changes = state.clone();
    let passed = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let requests = pass(number, Way::Requests, from_client, to_server, state.clone());
        let replies = pass(number, Way::Replies, from_server, to_client, changes);
        tokio::select! {
            biased;
            _ = until(&mut state, |state| number < state.reset) => Err(reset()),
            passed = async { tokio::try_join!(requests, replies) } => passed,
        }
    };
    if passed.is_err() {
        // Drops what nobody has read.
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

/// Passes bytes on in one direction until their end.
async fn pass(
    number: u64,
    way: Way,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut half_closed = state.clone();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let is_closing = until(&mut half_closed, |state| state.is_half_closed(number));
        let count = tokio::select! {
            count = from.read(&mut buffer) => Some(count?),
            closing = is_closing, if way == Way::Replies => {
                closing?;
                None
            }
        };
        let Some(count) = count else {
            to.shutdown().await?;
            copy(&mut from, &mut sink()).await?;
            return Ok(());
        };
        let is_held = |state: &State| state.passing(number, way) == Passing::Hold;
        until(&mut state, |state| !is_held(state)).await?;
        let passing = state.borrow().passing(number, way);
        let bytes = &buffer[..count];
        match passing {
            _ if bytes.is_empty() => return to.shutdown().await,
            Passing::ResetBefore => return Err(reset()),
            Passing::ResetWithin => {
                to.write_all(&bytes[..count / 2]).await?;
                return Err(reset());
            }
            Passing::EndAfter => {
                to.write_all(bytes).await?;
                return to.shutdown().await;
            }
            Passing::Delay(delay) => {
                tokio::time::sleep(delay).await;
                to.write_all(bytes).await?;
            }
            Passing::Trickle => trickle(bytes, &mut to).await?,
            Passing::Pass | Passing::Hold => to.write_all(bytes).await?,
        }
    }
}

/// Waits for a state, or for the end of the relay, which is an error.
async fn until(
    state: &mut watch::Receiver<State>,
    is_expected: impl FnMut(&State) -> bool,
) -> io::Result<()> {
    let waited = state.wait_for(is_expected).await;
    waited.map(drop).map_err(|_| reset())
}

async fn trickle(bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<()> {
    let (count, pause) = TRICKLE;
    for bytes in bytes.chunks(count) {
        to.write_all(bytes).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
