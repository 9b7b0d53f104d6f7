//! The floor: ready bytes of HTTP/1.1 on a socket, read until the answer is complete.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{BlockingPeer, Peer};
use crate::Failure;
use crate::rows::{Kind, Row};
use crate::server::HTTP_KEY;
use crate::work::Work;

const BUFFER: usize = 64 * 1024;
/// Room for the largest reply, of which only the used part takes memory.
const BLOCKING_BUFFER: usize = 1024 * 1024;

pub struct Tcp {
    work: Arc<Work>,
    request: Vec<u8>,
    idle: Mutex<Vec<Connection>>,
}

struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Peer for Tcp {
    const NAME: &'static str = "tcp";

    fn has_row(row: Row) -> bool {
        row.kind() == Kind::Calls
    }

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        Ok(Self {
            request: request(work)?,
            work: Arc::clone(work),
            idle: Mutex::default(),
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let idle = self.idle().pop();
        let Connection {
            mut stream,
            mut answer,
        } = match idle {
            Some(connection) => connection,
            None => self.open().await?,
        };
        stream.write_all(&self.request).await?;
        answer.clear();
        while !is_complete(&answer) {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        check(&self.work, &answer)?;
        self.idle().push(Connection { stream, answer });
        Ok(())
    }
}

impl Tcp {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.work.address.http_port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            answer: Vec::with_capacity(BUFFER),
        })
    }
}

pub struct BlockingTcp {
    work: Arc<Work>,
    request: Vec<u8>,
    stream: std::net::TcpStream,
    buffer: Box<[u8]>,
}

impl BlockingPeer for BlockingTcp {
    const NAME: &'static str = Tcp::NAME;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, work.address.http_port))?;
        stream.set_nodelay(true)?;
        let buffer = vec![0; BLOCKING_BUFFER].into();
        Ok(Self {
            request: request(work)?,
            work: Arc::clone(work),
            stream,
            buffer,
        })
    }

    fn call(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.request)?;
        let mut length = 0;
        while !is_complete(&self.buffer[..length]) {
            match self.stream.read(&mut self.buffer[length..])? {
                0 => return Err("the connection was closed, or the reply is too large".into()),
                read => length += read,
            }
        }
        check(&self.work, &self.buffer[..length])
    }
}

fn request(work: &Work) -> Result<Vec<u8>, Failure> {
    let raw = work.raw()?;
    let head = format!(
        "POST /api/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-API-Key: {HTTP_KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        raw.method,
        work.address.http_port,
        raw.json.len()
    );
    Ok([head.as_bytes(), &raw.json].concat())
}

/// Whether an answer has all that its head announces, or the last chunk.
fn is_complete(answer: &[u8]) -> bool {
    let Some(head) = head(answer) else {
        return false;
    };
    let text = std::str::from_utf8(&answer[..head]).unwrap_or_default();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok());
    match length {
        Some(length) => answer.len() >= head + length,
        None => answer.ends_with(b"\r\n0\r\n\r\n"),
    }
}

/// The length of an answer's head.
fn head(answer: &[u8]) -> Option<usize> {
    answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|position| position + 4)
}

fn check(work: &Work, answer: &[u8]) -> Result<(), Failure> {
    let status = StatusCode::from_bytes(answer.get(9..12).unwrap_or_default())?;
    work.check(status, &answer[head(answer).unwrap_or(0)..])
}
