//! Encoded requests, whose long payloads are not copied.

use bytes::Bytes;

use crate::api::method::Method;

/// The length in bytes from which a payload is sent from the caller's buffer. Copying a shorter payload is cheaper.
pub(crate) const ZERO_COPY_FROM: usize = 64 * 1024;

/// An encoded request, in up to three pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct EncodedBody {
    /// The whole request, or the bytes in front of a long payload.
    pub(crate) head: Bytes,
    /// A long payload, in the caller's buffer.
    pub(crate) payload: Bytes,
    /// The bytes after the payload.
    pub(crate) tail: Bytes,
}

impl EncodedBody {
    /// Returns the length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.payload.len() + self.tail.len()
    }

    /// Returns the body as one buffer.
    pub(crate) fn to_bytes(&self) -> Bytes {
        if self.payload.is_empty() {
            self.head.clone()
        } else {
            [&self.head[..], &self.payload, &self.tail].concat().into()
        }
    }
}

impl From<Bytes> for EncodedBody {
    fn from(head: Bytes) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }
}

/// Returns the number of the request's first field with a long payload.
pub(super) fn long_payload<M: Method>(request: &mut M) -> Option<u32> {
    let fields = M::GENERATED.payloads.iter().copied();
    let mut long = fields.filter(|tag| {
        let payload = (M::GENERATED.payload)(request, *tag);
        payload.is_some_and(|payload| payload.len() >= ZERO_COPY_FROM)
    });
    long.next()
}
