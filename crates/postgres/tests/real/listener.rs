//! A subscriber over a unidirectional HTTP stream.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::Server;
use crate::{DEADLINE, Problem};

pub(crate) struct Listener(Lines<BufReader<TcpStream>>);

impl Listener {
    /// Subscribes to channels.
    pub(crate) async fn subscribe(server: &Server, channels: &[&str]) -> Result<Self, Problem> {
        let subscriptions = channels.iter().map(|channel| (*channel, json!({})));
        let body = json!({ "subs": Value::from_iter(subscriptions) });
        Self::connect(server, &body).await
    }

    /// Connects with a token.
    pub(crate) async fn with_token(server: &Server, token: &str) -> Result<Self, Problem> {
        Self::connect(server, &json!({ "token": token })).await
    }

    async fn connect(server: &Server, body: &Value) -> Result<Self, Problem> {
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "POST /connection/uni_http_stream HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut listener = Self(BufReader::new(stream).lines());
        // The first message says that the client is connected and subscribed.
        listener.next("connect").await?;
        Ok(listener)
    }

    /// Waits for the next message of a kind, and returns it.
    pub(crate) async fn next(&mut self, kind: &str) -> Result<Value, Problem> {
        Ok(serde_json::from_str(&self.line(kind).await?)?)
    }

    /// Waits for the next message of a kind, and returns its text.
    pub(crate) async fn line(&mut self, kind: &str) -> Result<String, Problem> {
        loop {
            let line = timeout(DEADLINE, self.0.next_line()).await??;
            let line = line.ok_or("the connection was closed")?;
            // Others are the response's head, pings and joins.
            let message = serde_json::from_str::<Value>(&line).unwrap_or_default();
            if message.get(kind).is_some() {
                return Ok(line);
            }
        }
    }

    /// Returns the data of the next publication.
    pub(crate) async fn data(&mut self) -> Result<Value, Problem> {
        let mut message = self.next("pub").await?;
        Ok(message["pub"]["data"].take())
    }
}
