//! How an event is answered: who calls, the deadline, the handler, observers.

use bytes::Bytes;
use futures_core::Stream;
use http::{Extensions, HeaderMap};

use super::panic::Caught;
use super::table::Opened;
use super::{Answer, Handlers};
use crate::event::{Event, EventKind, EventMessage, Head};
use crate::failure::Failure;
use crate::messages::{SubscribeRequest, SubscribeResponse};
use crate::observe::{EventSpan, EventStart, ObservedEvent, Outcome, Summary, Transport};
use crate::reply::Format;
use crate::stream::{ClientPublications, PublicationStream};

/// The work on an event: what it results in, and how it is to be counted.
pub(crate) type Work<T> = Result<(T, Summary), Failure>;

/// Does the work on an event within the timeout, if the caller may ask, and lets observers see it.
pub(crate) async fn observed<T>(
    handlers: &Handlers,
    start: &EventStart<'_>,
    work: impl Future<Output = Work<T>>,
) -> Result<T, Failure> {
    let parts = handlers.parts();
    let observed = ObservedEvent::start(&parts.observers, start);
    let span = EventSpan::start(start);
    let outcome = match check(handlers, start) {
        Ok(()) => {
            let outcome = tokio::time::timeout(parts.timeout, span.run(work)).await;
            outcome.unwrap_or(Err(Failure::Timeout))
        }
        Err(failure) => Err(failure),
    };
    let told = match &outcome {
        Ok((_, summary)) => Outcome::from(*summary),
        Err(failure) => Outcome::Failed(failure),
    };
    span.end(told);
    observed.end(told);
    outcome.map(|(result, _)| result)
}

/// Checks the caller. A call within the process needs to show nothing.
fn check(handlers: &Handlers, start: &EventStart<'_>) -> Result<(), Failure> {
    match start.transport {
        Transport::InProcess => Ok(()),
        _ => handlers
            .parts()
            .caller
            .check(start.headers, start.extensions),
    }
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
        let headers = head.headers().clone();
        let extensions = head.extensions().clone();
        let start = in_process(M::KIND, &headers, &extensions);
        let work = async {
            let answer = self.answer(message, head, |format| format).await?;
            Ok((answer.response, answer.summary))
        };
        observed(self, &start, work).await
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
        let headers = head.headers().clone();
        let extensions = head.extensions().clone();
        let start = in_process(kind, &headers, &extensions);
        let work = async {
            let (answer, stream) = self.open(kind, message, head, publications).await?;
            Ok(((answer.response, stream), answer.summary))
        };
        observed(self, &start, work).await
    }

    /// Answers an event by its handler.
    pub(crate) async fn answer<M: EventMessage>(
        &self,
        message: M,
        head: Head,
        format: impl FnOnce(Format) -> Format,
    ) -> Result<Answer<M::Response>, Failure> {
        let handler = M::handler(&self.parts().table);
        let handler = handler.ok_or_else(|| Failure::no_handler(M::KIND))?;
        let (event, own_format) = Event::new(message, head)?;
        Caught(handler(event, format(own_format))).await
    }

    /// Opens a stream by its handler.
    pub(crate) async fn open(
        &self,
        kind: EventKind,
        message: SubscribeRequest,
        head: Head,
        publications: ClientPublications,
    ) -> Result<Opened, Failure> {
        let table = &self.parts().table;
        let handler = match kind {
            EventKind::SubscribeBidirectional => table.subscribe_bidirectional.as_ref(),
            _ => table.subscribe_unidirectional.as_ref(),
        };
        let handler = handler.ok_or_else(|| Failure::no_handler(kind))?;
        let (event, format) = Event::new(message, head)?;
        Caught(handler(event, publications, format)).await
    }
}

fn in_process<'a>(
    kind: EventKind,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
) -> EventStart<'a> {
    EventStart {
        kind: Some(kind),
        transport: Transport::InProcess,
        headers,
        extensions,
    }
}
