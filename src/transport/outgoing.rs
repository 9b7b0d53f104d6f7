use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
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
pub(crate) struct Sent(Arc<AtomicU8>);

const WAITING: u8 = 0;
const SENT: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Sent {
    /// Whether the request may have left. One that has not never will: a connection that still holds it, in another
    /// thread, gets no body.
    pub(crate) fn give_up(&self) -> bool {
        self.replace_waiting(GIVEN_UP) == SENT
    }

    /// Says what it was.
    fn replace_waiting(&self, state: u8) -> u8 {
        let replaced = self.0.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire);
        replaced.unwrap_or_else(|state| state)
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

/// Why a body is not given: nobody waits for the reply any more.
#[derive(Debug, thiserror::Error)]
#[error("the call was given up before it was sent")]
pub(super) struct GivenUp;

impl Body for Tracked {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        if self.sent.replace_waiting(SENT) == GIVEN_UP {
            return Poll::Ready(Some(Err(GivenUp)));
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::task::Waker;
    use std::thread;

    use super::*;

    fn is_given(mut body: Tracked) -> bool {
        let polled = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Some(Ok(_))))
    }

    #[test]
    fn body_that_was_asked_for_is_sent() {
        let sent = Sent::default();
        assert!(is_given(Tracked::new(Bytes::from("{}"), sent.clone())));
        assert!(sent.give_up() && sent.give_up());
    }

    #[test]
    fn what_is_told_as_unsent_is_never_sent() {
        for _ in 0..20 {
            let (sent, start) = (Sent::default(), Barrier::new(2));
            let body = Tracked::new(Bytes::from("{}"), sent.clone());
            let (told_sent, given) = thread::scope(|scope| {
                let connection = scope.spawn(|| {
                    start.wait();
                    is_given(body)
                });
                start.wait();
                (sent.give_up(), connection.join().unwrap())
            });
            assert_eq!(told_sent, given);
            assert_eq!(sent.give_up(), given);
        }
    }
}
