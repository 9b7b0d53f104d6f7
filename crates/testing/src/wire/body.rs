use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

/// Go answers longer bodies in chunks, without a `Content-Length`.
const CHUNKED_ABOVE: usize = 2048;

/// An answer's body: bytes, trailers, or half of it and a broken connection.
#[derive(Debug, Default)]
pub(crate) struct ResponseBody {
    data: Bytes,
    trailers: Option<HeaderMap>,
    cut: Option<Cut>,
}

#[derive(Debug)]
struct Cut {
    connection: Arc<Notify>,
    /// Whether the half has had time to be sent.
    flushed: bool,
    announced: usize,
}

impl ResponseBody {
    pub(crate) fn whole(data: Bytes) -> Self {
        Self {
            data,
            ..Self::default()
        }
    }

    pub(crate) fn with_trailers(data: Bytes, trailers: HeaderMap) -> Self {
        Self {
            data,
            trailers: Some(trailers),
            cut: None,
        }
    }

    /// Sends half of it, and breaks the connection.
    pub(crate) fn cut(&mut self, connection: Arc<Notify>) {
        let announced = self.data.len();
        self.data.truncate(announced / 2);
        self.cut = Some(Cut {
            connection,
            flushed: false,
            announced,
        });
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.data.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.data)))));
        }
        if let Some(cut) = &mut self.cut {
            // Hyper writes out what it has as soon as a body has no more for the moment.
            match std::mem::replace(&mut cut.flushed, true) {
                false => context.waker().wake_by_ref(),
                true => cut.connection.notify_one(),
            }
            return Poll::Pending;
        }
        Poll::Ready(
            self.trailers
                .take()
                .map(|trailers| Ok(Frame::trailers(trailers))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none() && self.cut.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self
            .cut
            .as_ref()
            .map_or(self.data.len(), |cut| cut.announced);
        match self.trailers.is_none() && length <= CHUNKED_ABOVE {
            true => SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX)),
            false => SizeHint::default(),
        }
    }
}
