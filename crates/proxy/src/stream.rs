//! Streams: the publications of the backend to one subscription, and those of its client.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use centrifugo_api::{IntoPayload, Payload};
use futures_core::Stream;

use crate::failure::Failure;
use crate::handlers::{BoxStream, catch_panic, drop_caught};
use crate::messages::Publication;
use crate::observe::StreamObservers;
use crate::reject::Failed;
use crate::reply::Format;

/// A publication that a stream of the backend yields: one subscription's client gets it.
#[derive(Clone, Debug)]
#[must_use]
pub struct StreamPublication {
    data: Payload,
    publication: Publication,
}

impl StreamPublication {
    /// Creates a publication.
    pub fn new(data: impl IntoPayload) -> Self {
        Self {
            data: data.into_payload(),
            publication: Publication::default(),
        }
    }

    /// Sets the tags.
    pub fn tags<K: Into<String>, V: Into<String>>(
        mut self,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let tags = tags.into_iter();
        self.publication.tags = tags
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self
    }

    fn message(mut self, format: &Format) -> Result<Publication, Failure> {
        self.publication.data = format.bytes("data", self.data)?;
        Ok(self.publication)
    }
}

/// The publications of a stream that a handler has opened, as messages. After a failure it ends.
pub struct PublicationStream {
    publications: BoxStream<Result<Publication, Failure>>,
    /// Told of a failure.
    observers: StreamObservers,
}

impl PublicationStream {
    /// Creates the stream of an event, whose failure observers see.
    pub(crate) fn new(
        publications: BoxStream<Result<Publication, Failure>>,
        observers: StreamObservers,
    ) -> Self {
        Self {
            publications,
            observers,
        }
    }

    #[cfg(feature = "grpc")]
    pub(crate) fn observers(&self) -> &StreamObservers {
        &self.observers
    }
}

/// Returns the publications of a handler's stream as messages, with their data checked and panics caught.
pub(crate) fn checked<S>(stream: S, format: Format) -> BoxStream<Result<Publication, Failure>>
where
    S: Stream<Item = Result<StreamPublication, Failed>> + Send + 'static,
{
    Box::pin(Checked {
        stream: Some(Box::pin(stream)),
        format,
    })
}

/// Returns the publications of a refused subscription: none.
pub(crate) fn empty() -> BoxStream<Result<Publication, Failure>> {
    Box::pin(Empty::new())
}

impl Stream for PublicationStream {
    type Item = Result<Publication, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.publications.as_mut().poll_next(context);
        if let Poll::Ready(Some(Err(failure))) = &polled
            && !failure.is_subscribe_again()
        {
            self.observers.failed(failure);
        }
        polled
    }
}

impl std::fmt::Debug for PublicationStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PublicationStream")
    }
}

struct Checked<S> {
    /// `None` after the end.
    stream: Option<Pin<Box<S>>>,
    format: Format,
}

impl<S: Stream<Item = Result<StreamPublication, Failed>>> Stream for Checked<S> {
    type Item = Result<Publication, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let format = self.format;
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(None);
        };
        let polled = match catch_panic(|| stream.as_mut().poll_next(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(item)) => {
                item.map(|item| item.map_err(|failed| Failure::Handler(failed.0)))
            }
            Err(panic) => Some(Err(Failure::Panic(panic))),
        };
        let item = polled.map(|item| item?.message(&format));
        if !matches!(item, Some(Ok(_))) {
            drop_caught(self.stream.take());
        }
        Poll::Ready(item)
    }
}

impl<S> Drop for Checked<S> {
    fn drop(&mut self) {
        drop_caught(self.stream.take());
    }
}

/// Returns a handler's stream that ends when something happens, such as the shutdown of the server: its client then subscribes
/// again, as after [`Failed::subscribe_again`].
///
/// It does so at once. End streams only where the next subscription finds a stream that goes on, such as that of another node.
///
/// ```
/// use centrifugo_proxy::{Caller, Handlers, StreamPublication, StreamSubscribeReply, stream_until};
/// use futures_util::stream;
/// use tokio::sync::watch;
///
/// // `sender.send(true)` begins the shutdown.
/// let (sender, receiver) = watch::channel(false);
/// let handlers = Handlers::new(Caller::anyone()).subscribe_unidirectional(move |_| {
///     let mut receiver = receiver.clone();
///     let shutdown = async move { drop(receiver.wait_for(|has_begun| *has_begun).await) };
///     let publications = stream::repeat_with(|| Ok(StreamPublication::new("1")));
///     async move { Ok((StreamSubscribeReply::allow(), stream_until(shutdown, publications))) }
/// });
/// # let _ = (sender, handlers);
/// ```
pub fn stream_until<S>(
    end: impl Future<Output = ()> + Send + 'static,
    publications: S,
) -> impl Stream<Item = Result<StreamPublication, Failed>> + Send + 'static
where
    S: Stream<Item = Result<StreamPublication, Failed>> + Send + 'static,
{
    Until {
        running: Some((Box::pin(end), Box::pin(publications))),
    }
}

/// A future without a type of its own and a stream, the first of which ends the second.
type Running<S> = (Pin<Box<dyn Future<Output = ()> + Send>>, Pin<Box<S>>);

struct Until<S> {
    /// `None` after the end.
    running: Option<Running<S>>,
}

impl<S: Stream<Item = Result<StreamPublication, Failed>>> Stream for Until<S> {
    type Item = Result<StreamPublication, Failed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((end, publications)) = &mut self.running else {
            return Poll::Ready(None);
        };
        if end.as_mut().poll(context).is_ready() {
            self.running = None;
            return Poll::Ready(Some(Err(Failed::subscribe_again())));
        }
        publications.as_mut().poll_next(context)
    }
}

/// The publications of the client of a bidirectional stream: the payloads, in order. It ends when the client unsubscribes or
/// disconnects.
///
/// It is a [`Stream`]; [`next`](Self::next) needs no import.
pub struct ClientPublications(BoxStream<Bytes>);

impl ClientPublications {
    pub(crate) fn new(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// Returns the stream of a subscription whose client cannot publish into it.
    pub(crate) fn none() -> Self {
        Self::new(Empty::new())
    }

    /// Waits for the next publication; `None` if there is none any more.
    pub async fn next(&mut self) -> Option<Bytes> {
        std::future::poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }
}

impl Stream for ClientPublications {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.as_mut().poll_next(context)
    }
}

impl std::fmt::Debug for ClientPublications {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClientPublications")
    }
}

/// A stream that has ended.
struct Empty<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Empty<T> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T> Stream for Empty<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(None)
    }
}
