//! Malformed gRPC: the server always answers with a status, and keeps running.

use std::io::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};
use centrifugo_api::prost::Message as _;
use centrifugo_api::{HistoryRequest, Method, PublishRequest};
use centrifugo_api_testing::Server;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::net::TcpStream;

use crate::{Outcome, address, history, published, soon, start};

/// A call as bytes.
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) encoding: Option<&'static str>,
    pub(crate) body: Bytes,
    /// Whether the stream ends with the body.
    pub(crate) ends: bool,
}

impl Call {
    pub(crate) fn new(path: &str, body: impl Into<Bytes>) -> Self {
        Self {
            path: path.to_owned(),
            encoding: None,
            body: body.into(),
            ends: true,
        }
    }

    fn publish(body: impl Into<Bytes>) -> Self {
        Self::new(PublishRequest::GRPC_PATH, body)
    }

    /// Makes the call, and returns the status and its message.
    async fn status(self, server: &Server) -> Result<(i32, String), Box<dyn std::error::Error>> {
        soon("a status", self.send(&mut connect(server).await?)).await
    }

    pub(crate) async fn send(
        self,
        client: &mut h2::client::SendRequest<Bytes>,
    ) -> Result<(i32, String), Box<dyn std::error::Error>> {
        let mut request = http::Request::post(format!("http://embedded{}", self.path))
            .header("content-type", "application/grpc")
            .header("authorization", "apikey secret")
            .header("te", "trailers");
        if let Some(encoding) = self.encoding {
            request = request.header("grpc-encoding", encoding);
        }
        std::future::poll_fn(|context| client.poll_ready(context)).await?;
        let (response, mut body) = client.send_request(request.body(())?, false)?;
        body.send_data(self.body, self.ends)?;
        let response = response.await?;
        if response.headers().contains_key("grpc-status") {
            return status(response.headers());
        }
        let mut body = response.into_body();
        while let Some(data) = body.data().await {
            let length = data?.len();
            body.flow_control().release_capacity(length)?;
        }
        status(&body.trailers().await?.ok_or("no trailers")?)
    }
}

fn status(headers: &http::HeaderMap) -> Result<(i32, String), Box<dyn std::error::Error>> {
    let text = |name| {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or_default())
    };
    Ok((
        text("grpc-status").parse()?,
        text("grpc-message").to_owned(),
    ))
}

pub(crate) async fn connect(
    server: &Server,
) -> Result<h2::client::SendRequest<Bytes>, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address(server)).await?;
    let (client, connection) = h2::client::handshake(stream).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Returns a message with its gRPC prefix.
pub(crate) fn frame(flag: u8, message: &[u8]) -> Bytes {
    announced(flag, message.len(), message)
}

fn announced(flag: u8, length: usize, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flag);
    frame.put_u32(u32::try_from(length).expect("the message is below 4 GiB"));
    frame.put_slice(message);
    frame.freeze()
}

fn publication() -> Vec<u8> {
    PublishRequest::new("news", "1").encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing to memory succeeds")
}

#[tokio::test]
async fn broken_messages_are_refused() -> Outcome {
    let server = start();
    for (body, code) in [
        (Bytes::new(), 2),
        (Bytes::from_static(&[0, 0]), 13),
        (announced(0, 100, &publication()), 13),
        (frame(0, &[0xff; 20]), 13),
        (frame(0, b"\x0a\x05ab"), 13),
        (frame(0, b"\x0a\x02\xff\xff"), 13),
        (frame(1, &publication()), 13),
        (frame(7, &publication()), 13),
    ] {
        let (actual, message) = Call::publish(body.clone()).status(&server).await?;
        assert_eq!(actual, code, "{body:?}: {message}");
    }
    assert_eq!(published(&server.client(), "news").await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn huge_message_is_refused_as_soon_as_it_is_announced() -> Outcome {
    let server = start();
    for length in [(4 << 20) + 1, u32::MAX as usize] {
        let call = Call {
            ends: false,
            ..Call::publish(announced(0, length, b"\x0a"))
        };
        let (code, message) = call.status(&server).await?;
        assert_eq!(code, 8, "{message}");
        assert!(
            message.contains(&format!("({length} vs. 4194304)")),
            "{message}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn message_is_answered_before_the_request_ends() -> Outcome {
    let server = start();
    let call = Call {
        ends: false,
        ..Call::publish(frame(0, &publication()))
    };
    assert_eq!(call.status(&server).await?.0, 0);
    assert_eq!(published(&server.client(), "news").await?, ["1"]);
    Ok(())
}

#[tokio::test]
async fn gzip_is_read() -> Outcome {
    let server = start();
    let body = frame(1, &gzip(&publication()));
    let call = Call {
        encoding: Some("gzip"),
        ..Call::publish(body)
    };
    assert_eq!(call.status(&server).await?, (0, String::new()));
    let plain = Call {
        encoding: Some("gzip"),
        ..Call::publish(frame(0, &publication()))
    };
    assert_eq!(plain.status(&server).await?, (0, String::new()));
    assert_eq!(published(&server.client(), "news").await?, ["1", "1"]);
    Ok(())
}

#[tokio::test]
async fn invalid_gzip_is_refused() -> Outcome {
    let server = start();
    let whole = gzip(&publication());
    for compressed in [&publication(), &whole[..whole.len() - 4], b"", b"\x1f\x8b"] {
        let call = Call {
            encoding: Some("gzip"),
            ..Call::publish(frame(1, compressed))
        };
        let (code, message) = call.status(&server).await?;
        assert_eq!(code, 13, "{compressed:?}: {message}");
    }
    Ok(())
}

#[tokio::test]
async fn gzip_bomb_is_refused_before_it_fills_the_memory() -> Outcome {
    let server = start();
    let bomb = gzip(&vec![0; 1 << 20]).repeat(256);
    assert!(bomb.len() < 1 << 20);
    let call = Call {
        encoding: Some("gzip"),
        ..Call::publish(frame(1, &bomb))
    };
    let (code, message) = call.status(&server).await?;
    assert_eq!((code, message.contains("4194304")), (8, true), "{message}");
    Ok(())
}

#[tokio::test]
async fn other_compressions_are_named() -> Outcome {
    let server = start();
    for encoding in ["deflate", "snappy"] {
        let call = Call {
            encoding: Some(encoding),
            ..Call::publish(frame(1, &publication()))
        };
        let (code, message) = call.status(&server).await?;
        assert_eq!((code, message.contains(encoding)), (12, true), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn unknown_paths_are_unimplemented() -> Outcome {
    let server = start();
    let service = "/centrifugal.centrifugo.api.CentrifugoApi";
    for (path, part) in [
        (format!("{service}/Publich"), "unknown method Publich"),
        (format!("{service}/publish"), "unknown method publish"),
        (format!("{service}/"), "unknown method"),
        (format!("{service}/Publish/"), "unknown service"),
        (service.to_owned(), "malformed method name"),
        (
            "/other.Service/Publish".to_owned(),
            "unknown service other.Service",
        ),
        ("/".to_owned(), "malformed method name"),
        (format!("{service}/BlockUser"), "not implemented"),
    ] {
        let (code, message) = Call::new(&path, frame(0, &[])).status(&server).await?;
        assert_eq!(
            (code, message.contains(part)),
            (12, true),
            "{path}: {message}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn dropped_calls_disturb_no_others() -> Outcome {
    let server = start();
    let mut client = connect(&server).await?;
    for offset in 1..=100 {
        let request = http::Request::post(format!("http://embedded{}", HistoryRequest::GRPC_PATH))
            .header("content-type", "application/grpc");
        std::future::poll_fn(|context| client.poll_ready(context)).await?;
        let (response, mut body) = client.send_request(request.body(())?, false)?;
        body.send_data(Bytes::from_static(&[0, 0, 0]), false)?;
        body.send_reset(h2::Reason::CANCEL);
        drop(response);
        let call = Call::publish(frame(0, &publication()));
        assert_eq!(soon("a status", call.send(&mut client)).await?.0, 0);
        assert_eq!(history(&server.client(), "news").await?.offset, offset);
    }
    Ok(())
}
