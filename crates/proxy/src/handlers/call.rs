//! The way of an event to its answer: who calls, the timeout, the handler, observers.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::sleep;

use super::panic::{Caught, catch_panic};
use super::{Answer, Handlers};
use crate::event::{DetailsSlot, Event, EventKind, EventMessage, Head};
use crate::failure::Failure;
use crate::messages::{SubscribeRequest, SubscribeResponse};
use crate::observe::{
    EventSpan, EventStart, ObservedEvent, Outcome, StreamObservers, Summary, Transport,
};
use crate::reply::Format;
use crate::stream::{ClientPublications, PublicationStream};

/// The work on an event: what it results in, and how it is to be counted.
pub(crate) type Work<T> = Result<(T, Summary), Failure>;

/// An event of a caller who may ask, which observers see.
pub(crate) struct Begun<'a> {
    handlers: &'a Handlers,
    observed: ObservedEvent,
    span: EventSpan,
    details: DetailsSlot,
}

/// Begins an event, of whose request only the head is there yet.
pub(crate) fn begin<'a>(
    handlers: &'a Handlers,
    start: &EventStart<'_>,
) -> Result<Begun<'a>, Failure> {
    let mut observed = ObservedEvent::start(&handlers.parts().observers, start);
    let checked = check(handlers, start);
    let span = EventSpan::start(start, checked.is_ok());
    let details = DetailsSlot::new(observed.is_watched() || span.is_watched());
    observed.set_details(details.clone());
    let begun = Begun {
        handlers,
        observed,
        span,
        details,
    };
    match checked {
        Ok(()) => Ok(begun),
        Err(failure) => {
            begun.end(Outcome::Failed(&failure));
            Err(failure)
        }
    }
}

impl Begun<'_> {
    /// Returns where the work on the event puts its details.
    pub(crate) fn details(&self) -> DetailsSlot {
        self.details.clone()
    }

    /// Does the work on the event within the timeout. The work is pinned by the caller: it is large, and would be copied.
    pub(crate) async fn run<T>(
        self,
        work: Pin<&mut impl Future<Output = Work<T>>>,
    ) -> Result<T, Failure> {
        let outcome = within(self.handlers.parts().timeout, self.span.run(work)).await;
        self.end(match &outcome {
            Ok((_, summary)) => Outcome::from(*summary),
            Err(failure) => Outcome::Failed(failure),
        });
        outcome.map(|(result, _)| result)
    }

    fn end(self, outcome: Outcome<'_>) {
        self.span.end(outcome, self.details.get());
        self.observed.end(outcome);
    }
}

/// Does work within a timeout, whose timer starts only if the work has to wait: usually it does not.
async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = pin!(work);
    let mut timer = pin!(None);
    poll_fn(|context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if timer.is_none() {
            timer.set(Some(sleep(timeout)));
        }
        let timer = timer.as_mut().as_pin_mut();
        let expired = timer.map_or(Poll::Pending, |timer| timer.poll(context));
        expired.map(|()| Err(Failure::Timeout(timeout)))
    })
    .await
}

/// Checks the caller. A call within the process needs to show nothing.
fn check(handlers: &Handlers, start: &EventStart<'_>) -> Result<(), Failure> {
    if start.transport == Transport::InProcess {
        return Ok(());
    }
    let caller = &handlers.parts().caller;
    // The function of `Caller::verified_by` may panic.
    let checked = catch_panic(|| caller.check(start.headers, start.extensions));
    checked.unwrap_or_else(|panic| Err(Failure::Panic(panic)))
}

impl Handlers {
    /// Answers an event within the process, as a test does, or a transport of your own. The caller is not checked; the timeout
    /// and the observers are those of all events.
    ///
    /// ```
    /// use centrifugo_proxy::messages::RpcRequest;
    /// use centrifugo_proxy::{Caller, Handlers, Head, RpcReply};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let handlers = Handlers::new(Caller::anyone()).rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    /// let request = RpcRequest::default().method("echo").data("1");
    /// let response = handlers.call(request, Head::default()).await?;
    /// assert_eq!(response.result.unwrap_or_default().data, "1");
    /// # Ok::<(), centrifugo_proxy::Failure>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn call<M: EventMessage>(
        &self,
        message: M,
        head: Head,
    ) -> Result<M::Response, Failure> {
        let begun = begin(self, &in_process(M::KIND, &head))?;
        let details = begun.details();
        let work = pin!(async {
            let answer = self.start(message, head, &details, |format| format);
            let answer = answer.await?;
            Ok((answer.response, answer.summary))
        });
        begun.run(work).await
    }

    /// Opens a stream within the process, as [`call`](Self::call) answers an event: of
    /// [`SubscribeUnidirectional`](EventKind::SubscribeUnidirectional).
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn open_unidirectional(
        &self,
        message: SubscribeRequest,
        head: Head,
    ) -> Result<(SubscribeResponse, PublicationStream), Failure> {
        let kind = EventKind::SubscribeUnidirectional;
        self.open_in_process(kind, message, head, ClientPublications::none())
            .await
    }

    /// Opens a stream within the process, into which the client publishes: of
    /// [`SubscribeBidirectional`](EventKind::SubscribeBidirectional).
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer.
    pub async fn open_bidirectional(
        &self,
        message: SubscribeRequest,
        head: Head,
        publications: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<(SubscribeResponse, PublicationStream), Failure> {
        let publications = ClientPublications::new(publications);
        let kind = EventKind::SubscribeBidirectional;
        self.open_in_process(kind, message, head, publications)
            .await
    }

    async fn open_in_process(
        &self,
        kind: EventKind,
        message: SubscribeRequest,
        head: Head,
        publications: ClientPublications,
    ) -> Result<(SubscribeResponse, PublicationStream), Failure> {
        let begun = begin(self, &in_process(kind, &head))?;
        let details = begun.details();
        let work = pin!(async {
            let opened = self.open(kind, message, head, details, publications);
            let (answer, stream) = opened.await?;
            Ok(((answer.response, stream), answer.summary))
        });
        begun.run(work).await
    }

    /// Starts the handler of an event. Apart from what is returned and the details, nothing of the event is kept on the way.
    pub(crate) fn start<M: EventMessage>(
        &self,
        message: M,
        head: Head,
        details: &DetailsSlot,
        format: impl FnOnce(Format) -> Format,
    ) -> Caught<Answer<M::Response>> {
        details.fill(|| message.details());
        let Some(handler) = M::handler(&self.parts().table) else {
            return Caught::failed(Failure::no_handler(M::KIND));
        };
        match Event::new(message, head) {
            Ok((event, own_format)) => Caught::start(|| handler(event, format(own_format))),
            Err(failure) => Caught::failed(failure),
        }
    }

    /// Opens a stream by its handler.
    pub(crate) async fn open(
        &self,
        kind: EventKind,
        message: SubscribeRequest,
        head: Head,
        details: DetailsSlot,
        publications: ClientPublications,
    ) -> Result<(Answer<SubscribeResponse>, PublicationStream), Failure> {
        details.fill(|| message.details());
        let table = &self.parts().table;
        let handler = match kind {
            EventKind::SubscribeBidirectional => table.subscribe_bidirectional.as_ref(),
            _ => table.subscribe_unidirectional.as_ref(),
        };
        let handler = handler.ok_or_else(|| Failure::no_handler(kind))?;
        let (event, format) = Event::new(message, head)?;
        let opened = Caught::start(|| handler(event, publications, format));
        let (answer, publications) = opened.await?;
        let observers = StreamObservers {
            observers: self.parts().observers.clone(),
            kind,
            details,
        };
        Ok((answer, PublicationStream::new(publications, observers)))
    }
}

fn in_process(kind: EventKind, head: &Head) -> EventStart<'_> {
    EventStart {
        kind: Some(kind),
        transport: Transport::InProcess,
        headers: head.headers(),
        extensions: head.extensions(),
    }
}
