//! The bodies of responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

/// The length above which Go sends a body in chunks, without a `Content-Length`.
const CHUNKED_ABOVE: usize = 2048;

/// The body of a response: bytes and trailers, or half of the bytes and a closed connection.
#[derive(Debug, Default)]
pub(crate) struct ResponseBody {
    data: Bytes,
    trailers: Option<HeaderMap>,
    cut: Option<Cut>,
}

/// The state of a body that ends in the middle.
#[derive(Debug)]
struct Cut {
    close: Arc<Notify>,
    /// True if hyper has had the opportunity to send the first half.
    flushed: bool,
    /// The length of the whole body, which the response announces.
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

    /// Cuts the body in half. After the first half has been sent, the connection is closed.
    pub(crate) fn cut(&mut self, close: Arc<Notify>) {
        let announced = self.data.len();
        self.data.truncate(announced / 2);
        self.cut = Some(Cut {
            close,
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
            let data = std::mem::take(&mut self.data);
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(cut) = &mut self.cut {
            // Hyper flushes what it has when a body is pending. The second poll comes after that.
            if cut.flushed {
                cut.close.notify_one();
            } else {
                cut.flushed = true;
                context.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        let trailers = self.trailers.take();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none() && self.cut.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = match &self.cut {
            Some(cut) => cut.announced,
            None => self.data.len(),
        };
        if self.trailers.is_none() && length <= CHUNKED_ABOVE {
            SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
        } else {
            SizeHint::default()
        }
    }
}
