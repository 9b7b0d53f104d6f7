//! Reads the response of a call: its message, and its final status.

use ::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use super::{Failure, status};
use crate::codec::framing;

/// The bounds of a reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// In bytes.
    pub(super) max_size: usize,
    /// True if the reply may be compressed.
    pub(super) gzip: bool,
}

/// Reads the message of a response. `lost` wraps the error of a stream that ended.
pub(super) async fn read<B: Body<Data = Bytes> + Unpin>(
    response: Response<B>,
    expected: Expected,
    lost: impl Fn(B::Error) -> Failure,
) -> Result<Bytes, Failure> {
    let (head, mut body) = response.into_parts();
    if head.status != StatusCode::OK || head.headers.contains_key(status::GRPC_STATUS) {
        return Err(status::of_headers(head.status, head.headers, &mut body).await);
    }
    let mut received = Received::default();
    while let Some(frame) = body.frame().await {
        match frame.map_err(&lost)?.into_data() {
            Ok(data) => {
                received.push(data);
                framing::check_start(received.bytes(), expected.max_size, expected.gzip)?;
            }
            Err(frame) => {
                status::of_trailers(frame.into_trailers().unwrap_or_default())?;
                return Ok(framing::message(received.into_bytes(), expected.max_size)?);
            }
        }
    }
    Err(Failure::Unfinished)
}

/// The bytes of a message that have been received. Usually the first frame is the whole message: it is not copied.
#[derive(Default)]
struct Received {
    first: Bytes,
    /// All bytes, once there is a second frame.
    all: BytesMut,
}

impl Received {
    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
            framing::reserve(&mut self.all);
        }
        self.all.extend_from_slice(&data);
    }

    fn bytes(&self) -> &[u8] {
        if self.all.is_empty() {
            &self.first
        } else {
            &self.all
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}
