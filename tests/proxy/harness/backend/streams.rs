//! The streams that the backend opens, each of which its case gets.

use std::pin::Pin;
use std::task::{Context, Poll};

use centrifugo_proxy::{
    ClientPublications, EventKind, Failed, Handlers, Reject, StreamPublication,
    StreamSubscribeReply, SubscribeEvent, stream_until,
};
use futures_util::Stream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use super::{Asker, Backend};
use crate::harness::answer::Answer;

/// A stream of the backend to one subscription. It ends when this is dropped.
pub(crate) struct OpenStream {
    pub(crate) channel: String,
    publications: Sender<Item>,
    shutdown: oneshot::Sender<()>,
    /// The publications of the client.
    pub(crate) received: Option<ClientPublications>,
}

type Item = Result<StreamPublication, Failed>;

impl OpenStream {
    pub(crate) async fn publish(&self, data: &'static str) {
        self.send(Ok(StreamPublication::new(data))).await;
    }

    /// Waits until the server has room for a publication.
    pub(crate) async fn send(&self, item: Item) {
        // The server may have closed the stream.
        let _ = self.publications.send(item).await;
    }

    /// Ends the stream as a backend that shuts down.
    pub(crate) fn shut_down(self) {
        // The server may have closed the stream.
        let _ = self.shutdown.send(());
    }

    /// Ends the stream with a failure.
    pub(crate) fn fail(self, failed: impl Into<Failed>) {
        let sent = self.publications.try_send(Err(failed.into()));
        sent.expect("the server has read the publication before");
    }

    /// Waits until the server has closed the stream.
    pub(crate) async fn closed(&self) {
        self.publications.closed().await;
    }
}

/// The publications that a case sends.
pub(super) struct Publications(Receiver<Item>);

impl Stream for Publications {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        self.0.poll_recv(context)
    }
}

impl Backend {
    pub(super) fn with_streams(&self, handlers: Handlers) -> Handlers {
        let [unidirectional, bidirectional] = [(); 2].map(|()| self.clone());
        handlers
            .subscribe_unidirectional(move |event| {
                let backend = unidirectional.clone();
                async move { backend.open(event, None).await }
            })
            .subscribe_bidirectional(move |event, received| {
                let backend = bidirectional.clone();
                async move { backend.open(event, Some(received)).await }
            })
    }

    /// Opens a stream, and gives its other end to the case.
    async fn open(
        &self,
        event: SubscribeEvent,
        received: Option<ClientPublications>,
    ) -> Result<(StreamSubscribeReply, impl Stream<Item = Item> + use<>), Reject> {
        let kind = match received {
            Some(_) => EventKind::SubscribeBidirectional,
            None => EventKind::SubscribeUnidirectional,
        };
        let asker = Asker {
            client: event.client(),
            ..Asker::default()
        };
        let reply = match self.planned(kind, asker).await? {
            Answer::Stream(reply) => reply,
            other => return Err(other.refuse().into()),
        };
        let (publications, stream) = channel(1);
        let (shutdown, begun) = oneshot::channel();
        let opened = OpenStream {
            channel: event.channel().to_owned(),
            publications,
            shutdown,
            received,
        };
        if let Some(script) = self.lock().script(kind, asker) {
            // The case may have ended.
            let _ = script.streams.send(opened);
        }
        let shutdown = async {
            // A stream that is dropped ends in another way.
            if begun.await.is_err() {
                std::future::pending().await
            }
        };
        Ok((reply, stream_until(shutdown, Publications(stream))))
    }
}
