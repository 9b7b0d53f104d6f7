//! A WebSocket to a real server: messages in both directions, and nothing else of the standard.

#![allow(dead_code)] // each test binary uses a part of it

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

const CLOSE: u8 = 8;
/// The code that a client reports for a connection that ended without one.
pub(crate) const ABNORMAL: u32 = 1006;
const PING: u8 = 9;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

pub(crate) struct Reader(BufReader<OwnedReadHalf>);

pub(crate) struct Writer {
    stream: OwnedWriteHalf,
    protocol: Protocol,
}

/// The protocol in which clients of Centrifugo speak.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Json,
    Protobuf,
}

impl Protocol {
    /// Returns the kind of frame that carries its messages.
    fn frame(self) -> u8 {
        match self {
            Self::Json => 1,
            Self::Protobuf => 2,
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::Json => "",
            Self::Protobuf => "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n",
        }
    }
}

pub(crate) enum Message {
    Data(Vec<u8>),
    /// The close frame of the server.
    Close {
        code: u32,
        reason: String,
    },
}

/// Connects to `/connection/websocket`.
pub(crate) async fn connect(address: &str, protocol: Protocol) -> io::Result<(Reader, Writer)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (reader, mut stream) = stream.into_split();
    let key = STANDARD.encode([7; 16]);
    let header = protocol.header();
    let request = format!(
        "GET /connection/websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{header}\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(reader);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if head.starts_with("HTTP/1.1 101 ") {
        Ok((Reader(reader), Writer { stream, protocol }))
    } else {
        Err(io::Error::other(head))
    }
}

impl Reader {
    /// Returns the next message, or `None` when the server has closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        let mut whole = Vec::new();
        loop {
            let (head, mut payload) = self.frame().await.ok()?;
            match head & 0x0f {
                CLOSE => {
                    let code = payload
                        .get(..2)
                        .map_or(1005, |code| u32::from(code[0]) << 8 | u32::from(code[1]));
                    let reason =
                        String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
                    return Some(match code {
                        1000..=1003 | 1005 | 1007..=1014 | 3000..=4999 => {
                            Message::Close { code, reason }
                        }
                        // By the standard, other codes count as no code.
                        _ => Message::Close {
                            code: ABNORMAL,
                            reason: String::new(),
                        },
                    });
                }
                PING => {}
                _ => {
                    whole.append(&mut payload);
                    if head & FINAL != 0 {
                        return Some(Message::Data(whole));
                    }
                }
            }
        }
    }

    async fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let head = self.0.read_u8().await?;
        let length = match self.0.read_u8().await? {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.0.read_exact(&mut payload).await?;
        Ok((head, payload))
    }

    /// Waits until the server has cleaned up and closed the connection.
    pub(crate) async fn end(&mut self) {
        while self.frame().await.is_ok() {}
    }
}

impl Writer {
    pub(crate) async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.frame(self.protocol.frame(), payload).await
    }

    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.frame(CLOSE, &1000_u16.to_be_bytes()).await
    }

    async fn frame(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![FINAL | kind];
        match u16::try_from(payload.len()).map_err(io::Error::other)? {
            length @ 0..126 => frame.push(MASKED | length.to_le_bytes()[0]),
            length => {
                frame.push(MASKED | 126);
                frame.extend_from_slice(&length.to_be_bytes());
            }
        }
        // A mask of zeros leaves the bytes as they are.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame).await
    }
}
