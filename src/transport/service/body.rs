//! The bodies of requests and responses, as services see them.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
#[cfg(any(feature = "grpc", feature = "_http"))]
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use crate::codec::EncodedBody;
use crate::platform::Instant;
use crate::transport::SendState;
use crate::transport::diagnosis::BoxError;
use crate::transport::request::TrackedBody;

/// The body of a request to a service, or of its response.
///
/// The body of a request knows whether anything has asked for its bytes. Until then the call was certainly not sent:
/// if the service fails, the call goes on to another node, or is attempted again, whatever its method.
pub struct Body(Kind);

enum Kind {
    /// The body of a call. In a box, since requests are moved, and hyper keeps room for dozens of them per connection.
    Call(Box<(TrackedBody, Call)>),
    Whole(Bytes),
    /// Bytes that are not known yet. The mutex, which nothing waits for, lets threads share references to the body.
    Stream(Mutex<Pin<Box<dyn AnyBody>>>),
}

/// A body of any type.
trait AnyBody: Send {
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<FrameResult>>;
    fn is_end(&self) -> bool;
    fn hint(&self) -> SizeHint;
}

type FrameResult = Result<Frame<Bytes>, BoxError>;

impl<B> AnyBody for B
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        self.poll_frame(context).map_err(Into::into)
    }

    fn is_end(&self) -> bool {
        self.is_end_stream()
    }

    fn hint(&self) -> SizeHint {
        self.size_hint()
    }
}

fn lock<T>(stream: &Mutex<T>) -> MutexGuard<'_, T> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The call of a request.
#[cfg_attr(not(any(feature = "grpc", feature = "_http")), allow(dead_code))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// The end of the attempt.
    pub(crate) ends: Instant,
}

/// The time of a request that is not that of a call, because a layer has made it.
#[cfg(any(feature = "grpc", feature = "_http"))]
const ANY_TIME: Duration = Duration::from_secs(3600);

/// The facts about an attempt that a built-in transport learns from the body of its request.
#[cfg(any(feature = "grpc", feature = "_http"))]
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) method: &'static str,
    pub(crate) state: SendState,
    pub(crate) started: Instant,
    pub(crate) ends: Instant,
}

#[cfg(any(feature = "grpc", feature = "_http"))]
impl Attempt {
    /// Returns the attempt that begins now with a request of that body.
    pub(crate) fn of(body: &Body) -> Self {
        let started = Instant::now();
        let call = body.call();
        Self {
            method: call.map_or("call", |call| call.method),
            state: body.state(),
            started,
            ends: call.map_or_else(|| started + ANY_TIME, |call| call.ends),
        }
    }
}

/// The parts of a body from which a built-in transport sends it.
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) enum Parts {
    /// Bytes, of which copies can be made. Only one of them is sent.
    Whole(EncodedBody),
    Stream(Body),
}

impl Body {
    /// Returns a body that another one becomes.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        // A layer that passes a response on does not box it again.
        let mut body = Some(body);
        if let Some(own) = (&mut body as &mut dyn Any).downcast_mut::<Option<Self>>()
            && let Some(own) = own.take()
        {
            return own;
        }
        match body {
            Some(body) => Self(Kind::Stream(Mutex::new(Box::pin(body)))),
            None => Self::default(),
        }
    }

    /// Returns the body of a call.
    pub(crate) fn of_call(body: EncodedBody, state: SendState, call: Call) -> Self {
        Self(Kind::Call(Box::new((TrackedBody::new(body, state), call))))
    }

    /// Returns a copy of the bytes, if they are in memory: those of a request of this client are. For signatures and
    /// logs.
    ///
    /// That does not count as sending, so send the request with this body, and not with the copy: the client would take
    /// a call that was lost for one that was never sent, and make it twice.
    #[must_use]
    pub fn peek(&self) -> Option<Bytes> {
        match &self.0 {
            Kind::Call(call) => Some(call.0.rest().to_bytes()),
            Kind::Whole(bytes) => Some(bytes.clone()),
            Kind::Stream(_) => None,
        }
    }

    /// Returns a body with other bytes, such as compressed ones, for the same call. The headers that describe the old
    /// ones, such as `content-length`, are the caller's to change.
    #[must_use]
    pub fn with_bytes(self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(match self.0 {
            Kind::Call(call) => {
                let (body, call) = *call;
                Kind::Call(Box::new((body.with_rest(bytes.into()), call)))
            }
            Kind::Whole(_) | Kind::Stream(_) => Kind::Whole(bytes),
        })
    }

    /// Returns all bytes of the body. From then on the call counts as sent.
    ///
    /// # Errors
    ///
    /// That of the body. The body of a request has one if its call has ended.
    pub async fn bytes(mut self) -> Result<Bytes, BoxError> {
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            if first.is_empty() {
                first = data;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    /// Returns the next frame.
    pub(crate) async fn frame(&mut self) -> Option<FrameResult> {
        poll_fn(|context| http_body::Body::poll_frame(Pin::new(&mut *self), context)).await
    }

    /// Returns the call whose request has this body.
    #[cfg(any(feature = "grpc", feature = "_http"))]
    fn call(&self) -> Option<Call> {
        match &self.0 {
            Kind::Call(call) => Some(call.1),
            Kind::Whole(_) | Kind::Stream(_) => None,
        }
    }

    /// Returns the state of the request that has this body: a new one, unless it is the body of a call.
    #[cfg(any(feature = "grpc", feature = "_http"))]
    pub(crate) fn state(&self) -> SendState {
        match &self.0 {
            Kind::Call(call) => call.0.state().clone(),
            Kind::Whole(_) | Kind::Stream(_) => SendState::default(),
        }
    }

    #[cfg(any(feature = "grpc", feature = "http"))]
    pub(crate) fn into_parts(self) -> Parts {
        match self.0 {
            Kind::Call(call) => Parts::Whole(call.0.rest().clone()),
            Kind::Whole(bytes) => Parts::Whole(bytes.into()),
            stream @ Kind::Stream(_) => Parts::Stream(Self(stream)),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from(text).into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Body").finish_non_exhaustive()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        match &mut self.get_mut().0 {
            Kind::Call(call) => Pin::new(&mut call.0)
                .poll_frame(context)
                .map_err(|error| error.into()),
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream(stream) => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                stream.as_mut().poll(context)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Call(call) => call.0.is_end_stream(),
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream(stream) => lock(stream).is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Call(call) => call.0.size_hint(),
            Kind::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Kind::Stream(stream) => lock(stream).hint(),
        }
    }
}
