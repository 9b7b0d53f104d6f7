//! Raw gRPC calls on one HTTP/2 connection.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use centrifugo_api::bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is opened on demand.
pub(crate) struct Grpc {
    address: String,
    connection: Option<SendRequest<Bytes>>,
}

#[derive(Debug, Default)]
pub(crate) struct GrpcReply {
    pub(crate) code: String,
    pub(crate) message: String,
    /// `google.rpc.Status`
    pub(crate) details: Vec<u8>,
    /// Frames as received.
    pub(crate) body: Vec<u8>,
}

impl Grpc {
    pub(crate) fn new(address: String) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    pub(crate) async fn call(
        &mut self,
        path: &str,
        metadata: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<GrpcReply, Failure> {
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let request = request.body(())?;
        let (response, mut stream) = self.ready().await?.send_request(request, false)?;
        // The server may have replied before the whole body was sent.
        let _ = stream.send_data(body.into(), true);
        let (head, mut incoming) = response.await?.into_parts();
        let mut reply = GrpcReply::default();
        reply.take(&head.headers);
        while let Some(chunk) = incoming.data().await {
            let chunk = chunk?;
            incoming.flow_control().release_capacity(chunk.len())?;
            reply.body.extend_from_slice(&chunk);
        }
        if let Some(trailers) = incoming.trailers().await? {
            reply.take(&trailers);
        }
        Ok(reply)
    }

    async fn ready(&mut self) -> Result<SendRequest<Bytes>, Failure> {
        if let Some(connection) = self.connection.take()
            && let Ok(connection) = connection.ready().await
        {
            return Ok(self.connection.insert(connection).clone());
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = h2::client::handshake(stream).await?;
        tokio::spawn(driver);
        Ok(self.connection.insert(connection.ready().await?).clone())
    }
}

impl GrpcReply {
    fn take(&mut self, headers: &HeaderMap) {
        let text = |name| {
            headers
                .get(name)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        if let Some(code) = text("grpc-status") {
            self.code = code;
        }
        if let Some(message) = text("grpc-message") {
            self.message = percent_decoded(&message);
        }
        if let Some(details) = text("grpc-status-details-bin") {
            // Some write padding and others do not.
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            self.details = GeneralPurpose::new(&STANDARD, config)
                .decode(details)
                .unwrap_or_default();
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| {
                tail.get(..2).and_then(|digits| {
                    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
                })
            })
            .flatten();
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
