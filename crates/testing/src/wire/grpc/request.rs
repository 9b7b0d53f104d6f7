//! Reading the message of a gRPC call.

use std::io::Read as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::wire::grpc::code;
use crate::wire::grpc::status::Refusal;

/// The length of a message's prefix: a byte with the compressed flag, and the message's length.
pub(super) const PREFIX: usize = 5;

/// The time to wait for the end of a request after its message has been read.
const END_OF_REQUEST_TIMEOUT: Duration = Duration::from_millis(100);

/// Reads the only message of a call, up to the limit for its length.
pub(super) async fn read_message(
    headers: &HeaderMap,
    body: Incoming,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let encoding = message_encoding(headers)?;
    let mut reader = BodyReader::new(body);
    let (compressed, length) = reader.prefix().await?;
    if length > limit {
        return Err(too_large(length, limit));
    }
    let message = reader.message(length).await?;
    reader.finish().await;
    match (compressed, encoding) {
        (0, _) => Ok(message),
        (1, Encoding::Gzip) => gunzip(&message, limit),
        (1, Encoding::Identity) => Err(Refusal::new(
            code::INTERNAL,
            "grpc: compressed flag set with identity or empty encoding",
        )),
        (format, _) => Err(Refusal::new(
            code::INTERNAL,
            format!("grpc: received unexpected payload format {format}"),
        )),
    }
}

/// The encoding of compressed messages, by the header `grpc-encoding`.
enum Encoding {
    Identity,
    Gzip,
}

fn message_encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let name = headers
        .get("grpc-encoding")
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    match name {
        b"" | b"identity" => Ok(Encoding::Identity),
        b"gzip" => Ok(Encoding::Gzip),
        _ => {
            let name = String::from_utf8_lossy(name);
            Err(Refusal::new(
                code::UNIMPLEMENTED,
                format!("grpc: Decompressor is not installed for grpc-encoding {name:?}"),
            ))
        }
    }
}

/// A reader of a request's body, which reads no more frames than it needs.
struct BodyReader {
    body: Incoming,
    /// The bytes that have been read and not been returned.
    buffer: Bytes,
}

impl BodyReader {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            buffer: Bytes::new(),
        }
    }

    /// Reads the prefix of a message: the compressed flag and the message's length.
    async fn prefix(&mut self) -> Result<(u8, usize), Refusal> {
        self.fill(PREFIX).await?;
        let Some([flag, length @ ..]) = self.buffer.first_chunk::<PREFIX>().copied() else {
            return if self.buffer.is_empty() {
                Err(Refusal::new(code::UNKNOWN, "EOF"))
            } else {
                Err(Refusal::new(code::INTERNAL, "unexpected EOF"))
            };
        };
        self.buffer = self.buffer.slice(PREFIX..);
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Ok((flag, length))
    }

    /// Reads a message of this length.
    async fn message(&mut self, length: usize) -> Result<Bytes, Refusal> {
        self.fill(length).await?;
        if self.buffer.len() < length {
            return Err(Refusal::new(code::INTERNAL, "unexpected EOF"));
        }
        Ok(self.buffer.split_to(length))
    }

    /// Reads until the buffer has this many bytes, or the body ends.
    async fn fill(&mut self, length: usize) -> Result<(), Refusal> {
        if self.buffer.is_empty() && length > 0 {
            self.buffer = self.next().await?.unwrap_or_default();
        }
        if self.buffer.len() >= length {
            return Ok(());
        }
        let mut gathered = BytesMut::with_capacity(length);
        gathered.put_slice(&self.buffer);
        while gathered.len() < length {
            let Some(data) = self.next().await? else {
                break;
            };
            gathered.put_slice(&data);
        }
        self.buffer = gathered.freeze();
        Ok(())
    }

    /// Reads the next data frame; `None` at the end of the body.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Refusal::new(code::INTERNAL, error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Waits a short time for the end of the request.
    ///
    /// If the response is complete before the request, the stream is reset, and HTTP/2 limits the
    /// number of resets per connection.
    async fn finish(mut self) {
        if self.body.is_end_stream() {
            return;
        }
        let end = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = tokio::time::timeout(END_OF_REQUEST_TIMEOUT, end).await;
    }
}

fn too_large(length: usize, limit: usize) -> Refusal {
    Refusal::new(
        code::RESOURCE_EXHAUSTED,
        format!("grpc: received message larger than max ({length} vs. {limit})"),
    )
}

/// Decompresses a message, up to the limit.
fn gunzip(compressed: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut message = Vec::new();
    // One byte more than the limit shows that the message exceeds it.
    let max_read = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut reader = MultiGzDecoder::new(compressed).take(max_read);
    match reader.read_to_end(&mut message) {
        Ok(length) if length > limit => Err(too_large(length, limit)),
        Ok(_) => Ok(message.into()),
        Err(error) => Err(Refusal::new(
            code::INTERNAL,
            format!("grpc: failed to decompress the received message: {error}"),
        )),
    }
}
