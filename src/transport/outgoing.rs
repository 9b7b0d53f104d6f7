use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::key::Header;

/// What a transport sends.
pub(crate) struct Outgoing {
    pub(crate) body: Bytes,
    pub(crate) key: Option<Header>,
    /// Told as soon as the body is on its way.
    pub(crate) sent: Sent,
    /// When nobody waits for the reply any more.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) ends: Instant,
}

/// Whether a request may have left: nothing of it has as long as its body was not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(crate) fn is_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that tells when it is asked for.
pub(super) struct Tracked {
    data: Option<Bytes>,
    sent: Sent,
}

impl Tracked {
    pub(super) fn new(data: Bytes, sent: Sent) -> Self {
        Self { data: Some(data), sent }
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.0.store(true, Ordering::Relaxed);
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.data.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
