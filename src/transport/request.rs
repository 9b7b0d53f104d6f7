//! Requests that are being sent, and whether they may have left.

use std::borrow::Cow;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::dial::Dials;
use super::gate::Gate;
use crate::api::messages::METHODS;
use crate::api::method::Method;
use crate::codec::EncodedBody;
use crate::error::Effect;
use crate::platform::Instant;

/// The address of a method on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Route<'a> {
    /// The method's name in errors.
    pub(crate) method: &'static str,
    /// The method's name over HTTP.
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    pub(crate) name: Cow<'a, str>,
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) grpc_path: &'static str,
}

impl<'a> Route<'a> {
    /// Returns the route of requests of type `M`.
    pub(crate) fn of<M: Method>() -> Self {
        Self {
            method: M::NAME,
            name: M::NAME.into(),
            grpc_path: M::GRPC_PATH,
        }
    }

    /// Returns the route of a method by name, which only HTTP has. Errors call an unknown method `call_raw`.
    pub(crate) fn raw(name: &'a str) -> Self {
        let known = METHODS.iter().find(|method| **method == name);
        Self {
            method: known.copied().unwrap_or("call_raw"),
            name: name.into(),
            grpc_path: "",
        }
    }
}

/// A request as a transport sends it.
pub(crate) struct OutgoingRequest<'a> {
    pub(crate) body: &'a EncodedBody,
    /// The headers that carry the API key and the bearer token.
    pub(crate) credentials: &'a [Option<(HeaderName, HeaderValue)>; 2],
    /// The headers of the call, which replace those of all calls.
    pub(crate) headers: HeaderMap,
    /// The state, which changes as soon as a connection asks for the body.
    pub(crate) state: SendState,
    /// The deadline of the call, for `grpc-timeout`.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) ends: Instant,
}

impl OutgoingRequest<'_> {
    /// Adds the headers of the call and the credentials to those of all calls.
    #[cfg(any(feature = "grpc", feature = "http", feature = "service"))]
    pub(super) fn add_headers(&self, all: &mut HeaderMap) {
        if !self.headers.is_empty() {
            all.extend(self.headers.clone());
        }
        for (name, value) in self.credentials.iter().flatten() {
            all.insert(name, value.clone());
        }
    }
}

/// The state of a request: whether it may have left, and the dials for it. Nothing has left as long as no connection has
/// asked for the body.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendState(Arc<Sending>);

#[derive(Debug, Default)]
struct Sending {
    /// `WAITING`, `ABANDONED`, or `SENT` plus the number of the copy that was sent.
    stage: AtomicU8,
    /// The number of copies of the body.
    copies: AtomicU8,
    sent_at: Mutex<Option<Instant>>,
    /// The other end of the connection that the request is sent on, if it is known.
    peer: Mutex<Option<SocketAddr>>,
    /// The gate that the request passes when it is sent, if other calls share it.
    gate: Option<Gate>,
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    dials: Dials,
}

const WAITING: u8 = 0;
const ABANDONED: u8 = 1;
const SENT: u8 = 2;

impl SendState {
    /// Returns the state of a request that is sent only through this gate.
    pub(crate) fn behind(gate: Option<&Gate>) -> Self {
        Self(Arc::new(Sending {
            gate: gate.cloned(),
            ..Sending::default()
        }))
    }

    /// Abandons the request, and returns its effect: unsent if no connection has asked for the body.
    ///
    /// Once abandoned, the body is never handed out, even if a connection in another thread still holds the request.
    pub(crate) fn abandon(&self) -> Effect {
        if self.replace_waiting(ABANDONED) >= SENT {
            Effect::MayHaveRun
        } else {
            Effect::Unsent
        }
    }

    /// Sets the other end of the connection that the request is sent on.
    #[cfg(any(feature = "grpc", feature = "_http"))]
    pub(super) fn set_peer(&self, peer: Option<SocketAddr>) {
        *self.0.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer;
    }

    /// Returns the other end of the connection that the request was sent on, if it is known.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        *self.0.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of a new copy of the body.
    pub(crate) fn new_copy(&self) -> u8 {
        self.0.copies.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number of the copy that was sent. No other copy will be.
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    pub(crate) fn sent_copy(&self) -> Option<u8> {
        self.0.stage.load(Ordering::Acquire).checked_sub(SENT)
    }

    /// Returns for how long the request has been out.
    #[cfg_attr(not(feature = "_http"), allow(dead_code))]
    pub(crate) fn time_since_sent(&self) -> Option<Duration> {
        self.sent_at().map(|sent_at| sent_at.elapsed())
    }

    /// Records that the request was answered, so that it was sent, even if nothing has asked for the body.
    pub(super) fn answered(&self) {
        self.replace_waiting(SENT);
    }

    /// Takes a request back that was sent: the server has certainly not processed it.
    #[cfg_attr(not(any(feature = "grpc", feature = "http")), allow(dead_code))]
    pub(super) fn take_back(&self) {
        let is_sent = |stage| (stage >= SENT).then_some(WAITING);
        let stage = &self.0.stage;
        let _ = stage.fetch_update(Ordering::AcqRel, Ordering::Acquire, is_sent);
        *self.sent_at() = None;
        if let Some(gate) = &self.0.gate {
            gate.take_back();
        }
    }

    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    pub(crate) fn dials(&self) -> &Dials {
        &self.0.dials
    }

    /// Returns whether the request has certainly not been processed, and may be sent.
    pub(super) fn is_unsent(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == WAITING
    }

    /// Returns whether this copy of the body may be handed out: no other one was.
    pub(super) fn send(&self, copy: u8) -> bool {
        let is_stopped = || self.0.gate.as_ref().is_some_and(|gate| !gate.pass());
        if self.is_unsent() && is_stopped() {
            return false;
        }
        let stage = self.replace_waiting(SENT + copy);
        if stage == WAITING {
            *self.sent_at() = Some(Instant::now());
        }
        stage == WAITING || stage == SENT + copy
    }

    /// Sets the stage if it is `WAITING`, and returns the previous one.
    fn replace_waiting(&self, stage: u8) -> u8 {
        let replaced =
            self.0
                .stage
                .compare_exchange(WAITING, stage, Ordering::AcqRel, Ordering::Acquire);
        replaced.unwrap_or_else(|stage| stage)
    }

    fn sent_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0
            .sent_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that records when a connection asks for it. Of several copies only one is ever handed out.
pub(super) struct TrackedBody {
    /// The pieces that were not handed out yet.
    rest: EncodedBody,
    state: SendState,
    copy: u8,
}

impl TrackedBody {
    pub(super) fn new(body: EncodedBody, state: SendState) -> Self {
        let copy = state.new_copy();
        Self::copy(body, state, copy)
    }

    /// Returns the copy of the body with that number.
    pub(super) fn copy(body: EncodedBody, state: SendState, copy: u8) -> Self {
        Self {
            rest: body,
            state,
            copy,
        }
    }

    #[cfg_attr(not(any(feature = "grpc", feature = "http")), allow(dead_code))]
    pub(super) fn state(&self) -> &SendState {
        &self.state
    }

    /// Returns the bytes that were not handed out yet.
    pub(super) fn rest(&self) -> &EncodedBody {
        &self.rest
    }

    /// Returns the body of the same request with these bytes.
    pub(super) fn with_rest(mut self, rest: EncodedBody) -> Self {
        self.rest = rest;
        self
    }
}

/// The error of a body that is not handed out, because the call has ended or another connection has sent it.
#[derive(Debug, thiserror::Error)]
#[error("the call was abandoned before it was sent")]
pub(super) struct Abandoned;

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        if !self.state.send(self.copy) {
            return Poll::Ready(Some(Err(Abandoned)));
        }
        let EncodedBody {
            head,
            payload,
            tail,
        } = &mut self.rest;
        let mut pieces = [head, payload, tail].into_iter();
        let next = pieces.find(|piece| !piece.is_empty()).map(mem::take);
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

    fn is_handed_out(mut body: TrackedBody) -> bool {
        let polled = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Some(Ok(_))))
    }

    #[test]
    fn body_that_was_handed_out_counts_as_sent() {
        let state = SendState::default();
        let body = TrackedBody::new(Bytes::from("{}").into(), state.clone());
        assert!(is_handed_out(body));
        assert_eq!(state.abandon(), Effect::MayHaveRun);
        assert_eq!(state.abandon(), Effect::MayHaveRun);
    }

    #[test]
    fn one_copy_of_a_body_is_handed_out() {
        let state = SendState::default();
        let [first, second] =
            [(); 2].map(|()| TrackedBody::new(Bytes::from("{}").into(), state.clone()));
        assert!(state.sent_copy().is_none() && state.time_since_sent().is_none());
        assert!(is_handed_out(second) && !is_handed_out(first));
        assert!(state.sent_copy() == Some(1) && state.time_since_sent().is_some());
        assert_eq!(state.abandon(), Effect::MayHaveRun);
    }

    #[test]
    fn body_that_was_taken_back_may_be_sent_again() {
        let state = SendState::default();
        let body = || TrackedBody::new(Bytes::from("{}").into(), state.clone());
        assert!(is_handed_out(body()));
        state.take_back();
        assert!(state.time_since_sent().is_none() && is_handed_out(body()));
        state.take_back();
        assert!(state.abandon().is_unsent() && !is_handed_out(body()));
    }

    #[test]
    fn abandoned_body_is_never_sent() {
        for _ in 0..20 {
            let state = SendState::default();
            let start = Barrier::new(2);
            let body = TrackedBody::new(Bytes::from("{}").into(), state.clone());
            let (effect, handed_out) = thread::scope(|scope| {
                let connection = scope.spawn(|| {
                    start.wait();
                    is_handed_out(body)
                });
                start.wait();
                (state.abandon(), connection.join().unwrap())
            });
            assert_eq!(effect.is_unsent(), !handed_out);
            assert_eq!(state.abandon(), effect);
        }
    }
}
