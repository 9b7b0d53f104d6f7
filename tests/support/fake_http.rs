//! A scripted HTTP/1.1 server: it records requests and answers them with the given bytes.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fake_server::{Fake, Script, Scripted};

/// A recorded request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// Returns the values of a header, in their order.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let named = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// The steps that the server takes after it has read a request. After the last step it reads the
/// next request.
#[derive(Clone, Debug)]
pub(crate) struct Answer(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>),
    Flood(Vec<u8>),
    Pause(Duration),
    Hang,
    Close,
}

impl Answer {
    /// Sends status 200 with a JSON body.
    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::with(200, &[("Content-Type", "application/json")], body)
    }

    pub(crate) fn html(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::with(status, &[("Content-Type", "text/html")], body)
    }

    /// Sends a whole response: a head, with the Content-Length added, and a body.
    pub(crate) fn with(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len().to_string();
        let headers = [headers, &[("Content-Length", length.as_str())]].concat();
        Self::head(status, &headers).write(body)
    }

    /// Sends a head only.
    pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Self {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        Self::raw(format!("HTTP/1.1 {status} status\r\n{headers}\r\n"))
    }

    /// Sends status 200 and chunks of a body that does not end yet.
    pub(crate) fn chunks<'a>(chunks: impl IntoIterator<Item = &'a str>) -> Self {
        let head = Self::head(200, &[("Transfer-Encoding", "chunked")]);
        chunks
            .into_iter()
            .fold(head, |answer, chunk| answer.write(frame(chunk.as_bytes())))
    }

    pub(crate) fn end_of_chunks(self) -> Self {
        self.write("0\r\n\r\n")
    }

    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self(Vec::new()).write(bytes)
    }

    /// Closes the connection without a response.
    pub(crate) fn nothing() -> Self {
        Self(Vec::new()).close()
    }

    /// Never answers.
    pub(crate) fn silence() -> Self {
        Self(Vec::new()).hang()
    }

    pub(crate) fn write(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Write(bytes.as_ref().to_vec()))
    }

    /// Writes the bytes repeatedly until the client hangs up.
    pub(crate) fn flood(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Flood(bytes.as_ref().to_vec()))
    }

    /// Writes chunks of an endless body until the client hangs up.
    pub(crate) fn flood_of_chunks(self) -> Self {
        self.flood(frame(&[b' '; 0x1000]))
    }

    pub(crate) fn pause(self, pause: Duration) -> Self {
        self.then(Step::Pause(pause))
    }

    /// Does nothing more until the client hangs up.
    pub(crate) fn hang(self) -> Self {
        self.then(Step::Hang)
    }

    pub(crate) fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// Delays the whole response.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.0.insert(0, Step::Pause(pause));
        self
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

fn frame(chunk: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
}

/// The server.
pub(crate) type FakeHttp = Fake<Answer>;

impl FakeHttp {
    /// Returns the URL of the API.
    pub(crate) fn url(&self) -> String {
        self.url_at("/api")
    }

    pub(crate) fn url_at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }
}

impl Scripted for Answer {
    type Request = Request;

    async fn serve(mut stream: TcpStream, script: Arc<Script<Self>>) {
        let mut unread = Vec::new();
        while let Some(request) = read_request(&mut stream, &mut unread).await {
            if !perform(&mut stream, script.answer(request), &script).await {
                break;
            }
        }
    }
}

/// Performs an answer's steps, and returns whether the connection stays open.
async fn perform(stream: &mut TcpStream, answer: Answer, script: &Script<Answer>) -> bool {
    for step in answer.0 {
        match step {
            Step::Write(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return false;
                }
            }
            Step::Flood(bytes) => {
                let mut flood = script.flood();
                while stream.write_all(&bytes).await.is_ok() {
                    flood.written += bytes.len();
                }
                return false;
            }
            Step::Pause(pause) => tokio::time::sleep(pause).await,
            Step::Hang => {
                while stream
                    .read(&mut [0; 1024])
                    .await
                    .is_ok_and(|count| count > 0)
                {}
                return false;
            }
            Step::Close => return false,
        }
    }
    true
}

/// Reads a request. Returns `None` if the client hangs up first.
async fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Request> {
    let end_of_head = loop {
        match unread.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(position) => break position + 4,
            None => read_more(stream, unread).await?,
        }
    };
    let head = String::from_utf8(unread.drain(..end_of_head).collect()).expect("a head is text");
    let mut lines = head.trim_end().split("\r\n");
    let mut start = lines.next().unwrap_or_default().split(' ');
    let method = start.next().unwrap_or_default();
    let path = start.next().unwrap_or_default();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut request = Request {
        method: method.into(),
        path: path.into(),
        headers,
        body: String::new(),
    };
    let length = match request.headers("content-length").first() {
        Some(length) => length.parse().expect("a length is a number"),
        None => 0,
    };
    while unread.len() < length {
        read_more(stream, unread).await?;
    }
    request.body = String::from_utf8(unread.drain(..length).collect()).expect("a body is text");
    Some(request)
}

async fn read_more(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(unread).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
