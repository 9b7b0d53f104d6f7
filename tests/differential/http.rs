//! Raw HTTP/1.1 requests on one connection.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection that is opened on demand.
pub(crate) struct Http {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

#[derive(Debug, Default)]
pub(crate) struct HttpReply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) location: String,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(address: String) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    pub(crate) async fn send(
        &mut self,
        verb: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<HttpReply> {
        let mut request =
            format!("{verb} {path} HTTP/1.1\r\nHost: {}\r\n", self.address).into_bytes();
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        // The server closes a connection that has been idle for long.
        if let Some(mut stream) = self.stream.take() {
            match exchange(&mut stream, &request).await {
                Ok(reply) => return Ok(self.keep(stream, reply)),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                Err(error) => return Err(error),
            }
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        let reply = exchange(&mut stream, &request).await?;
        Ok(self.keep(stream, reply))
    }

    fn keep(
        &mut self,
        stream: BufReader<TcpStream>,
        (reply, reusable): (HttpReply, bool),
    ) -> HttpReply {
        self.stream = reusable.then_some(stream);
        reply
    }
}

/// Returns the reply, and whether the connection can be reused.
async fn exchange(
    stream: &mut BufReader<TcpStream>,
    request: &[u8],
) -> io::Result<(HttpReply, bool)> {
    let closed = |_| io::Error::from(io::ErrorKind::NotConnected);
    stream.write_all(request).await.map_err(closed)?;
    let status = line(stream).await.map_err(closed)?;
    if status.is_empty() {
        return Err(io::ErrorKind::NotConnected.into());
    }
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let mut reply = HttpReply {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        ..HttpReply::default()
    };
    let mut length = None;
    let mut chunked = false;
    let mut reusable = true;
    loop {
        let line = line(stream).await?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim().to_owned();
        match &*name.to_ascii_lowercase() {
            "content-type" => reply.content_type = value,
            "location" => reply.location = value,
            "content-length" => length = value.parse().ok(),
            "transfer-encoding" => chunked = value == "chunked",
            "connection" => reusable = value != "close",
            _ => {}
        }
    }
    match length {
        _ if chunked => read_chunks(stream, &mut reply.body).await?,
        Some(length) => read_exactly(stream, length, &mut reply.body).await?,
        None => {
            reusable = false;
            stream.read_to_end(&mut reply.body).await?;
        }
    }
    Ok((reply, reusable))
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}

async fn read_exactly(
    stream: &mut BufReader<TcpStream>,
    length: usize,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    let start = body.len();
    body.resize(start + length, 0);
    stream.read_exact(&mut body[start..]).await?;
    Ok(())
}

async fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let length = usize::from_str_radix(&line(stream).await?, 16).map_err(io::Error::other)?;
        read_exactly(stream, length, body).await?;
        line(stream).await?;
        if length == 0 {
            return Ok(());
        }
    }
}
