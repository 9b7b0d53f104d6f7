use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::Method;
use crate::key::Header;

/// A request as it was written, in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// All of it, or what comes before a long payload.
    pub(super) head: Bytes,
    /// A long payload, where the caller has it.
    pub(super) payload: Bytes,
    /// What comes after it.
    pub(super) tail: Bytes,
}

impl Written {
    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.payload.len() + self.tail.len()
    }

    /// It in one piece.
    pub(super) fn joined(&self) -> Bytes {
        match self.payload.is_empty() {
            true => self.head.clone(),
            false => [&self.head[..], &self.payload, &self.tail].concat().into(),
        }
    }
}

impl From<Bytes> for Written {
    fn from(head: Bytes) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }
}

/// A payload of so many bytes is sent from where the caller has it; it costs less to copy a shorter one.
pub(super) const LONG: usize = 64 * 1024;

/// The number of a request's field with a long payload.
pub(super) fn long_payload<M: Method>(request: &mut M) -> Option<u32> {
    let mut payloads = M::PAYLOADS.iter().copied();
    payloads.find(|tag| {
        request
            .payload_at(*tag)
            .is_some_and(|payload| payload.len() >= LONG)
    })
}

/// What a transport sends.
pub(crate) struct Outgoing {
    pub(crate) body: Written,
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
        let replaced = self
            .0
            .compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire);
        replaced.unwrap_or_else(|state| state)
    }
}

/// A body that tells when it is asked for.
pub(super) struct Tracked {
    rest: Written,
    sent: Sent,
}

impl Tracked {
    pub(super) fn new(body: Written, sent: Sent) -> Self {
        Self { rest: body, sent }
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
        let Written {
            head,
            payload,
            tail,
        } = &mut self.rest;
        let next = [head, payload, tail]
            .into_iter()
            .find(|piece| !piece.is_empty())
            .map(mem::take);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
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
        assert!(is_given(Tracked::new(
            Bytes::from("{}").into(),
            sent.clone()
        )));
        assert!(sent.give_up() && sent.give_up());
    }

    #[test]
    fn what_is_told_as_unsent_is_never_sent() {
        for _ in 0..20 {
            let (sent, start) = (Sent::default(), Barrier::new(2));
            let body = Tracked::new(Bytes::from("{}").into(), sent.clone());
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
