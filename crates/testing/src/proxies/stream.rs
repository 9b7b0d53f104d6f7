//! Subscriptions that get their publications from a stream of the backend.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use centrifugo_proxy::messages::{Publication, SubscribeRequest, SubscribeResponse};
use centrifugo_proxy::{EventKind, PublicationStream};
use futures_core::Stream;
use http::HeaderMap;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::asker::{Asker, unless_ended};
use super::client::{ProxiedConnection, SubscribeOptions, Subscribed};
use super::proxy::{Backend, Context, Proxy, Unanswered, check_handler};
use super::refusal::{Refusal, accepted};
use super::subscribe::{offer, subscribe_request, without_positions};
use super::unread::Unread;
use crate::engine::Engine;
use crate::errors::not_available;
use crate::namespace::ChannelOptions;
use crate::state::connections::CloseReason;
use crate::state::connections::session::{StreamHandle, StreamParts};

/// The end of a stream, after which the client does not subscribe again.
const ENDED: CloseReason<'static> = CloseReason::new(2000, "server unsubscribe");

/// The failure of a stream, after which the client subscribes again.
const FAILED: CloseReason<'static> = CloseReason::new(2500, "insufficient state");

/// The publications of a backend to one subscription.
pub(crate) type Publications = Pin<Box<dyn Stream<Item = Result<Publication, Unanswered>> + Send>>;

/// An opened stream.
pub(crate) type Opened = (SubscribeResponse, Publications);

impl ProxiedConnection {
    /// Subscribes with a stream of the backend.
    pub(super) async fn subscribe_stream(
        &self,
        asker: &Asker,
        channel: &str,
        name: &str,
        options: SubscribeOptions,
    ) -> Result<Subscribed, Refusal> {
        let engine = self.connection.engine();
        let is_bidirectional = engine.channel_options(channel)?.clients.is_bidirectional;
        let kind = if is_bidirectional {
            EventKind::SubscribeBidirectional
        } else {
            EventKind::SubscribeUnidirectional
        };
        let proxy = engine.proxies.named(kind, name)?;
        let request = subscribe_request(&proxy, asker, channel, options);
        let (sender, receiver) = unbounded_channel();
        let context = engine.context();
        let headers = proxy.headers(&asker.headers);
        let opening = proxy.open(kind, request, headers, Received(receiver), &context);
        let (answer, publications) = match unless_ended(asker, opening).await {
            Ok((response, publications)) => (Ok(response), Some(publications)),
            // A stream has no status of HTTP.
            Err(Unanswered::Status(_)) => (Err(Unanswered::Failed), None),
            Err(unanswered) => (Err(unanswered), None),
        };
        let response = accepted::<SubscribeRequest>(answer, &proxy.options);
        let response = response.map_err(Refusal::without_temporary)?;
        let mut offer = offer(response.result.unwrap_or_default())?;
        without_positions(&mut offer);
        let Some(publications) = publications else {
            return Err(not_available().into());
        };
        let sender = is_bidirectional.then_some(sender);
        let (stream, is_ready) = self.forward(channel, publications, sender);
        let subscribed = self.finish_subscribe(asker, channel, offer, Some(stream))?;
        let _ = is_ready.send(());
        Ok(subscribed)
    }

    /// Starts a task that forwards the publications of a stream to the client, once it is told that the client is subscribed.
    fn forward(
        &self,
        channel: &str,
        publications: Publications,
        sender: Option<UnboundedSender<Bytes>>,
    ) -> (StreamHandle, oneshot::Sender<()>) {
        let engine = self.connection.engine();
        let (is_ready, ready) = oneshot::channel();
        let forward = Forward {
            engine: Arc::clone(engine),
            id: self.id().to_owned(),
            channel: channel.to_owned(),
            unread: Arc::clone(self.unread()),
        };
        let task = engine
            .proxies
            .runtime
            .spawn(forward.run(publications, ready));
        let stream = StreamHandle(Arc::new(StreamParts {
            publications: sender,
            task: task.abort_handle(),
        }));
        (stream, is_ready)
    }

    /// Publishes into the stream of the client's subscription.
    pub(super) fn publish_into_stream(
        &self,
        channel: &str,
        options: &ChannelOptions,
        data: Bytes,
    ) -> Result<(), Refusal> {
        if !options.clients.is_bidirectional {
            return Err(not_available().into());
        }
        let publications = self.publications_of(channel).ok_or_else(not_available)?;
        // A handler that does not read them is none that fails.
        let _ = publications.send(data);
        Ok(())
    }

    fn publications_of(&self, channel: &str) -> Option<UnboundedSender<Bytes>> {
        let mut data = self.connection.engine().state.lock();
        let client = data.connections.get_mut(self.id())?;
        let stream = client.subscription_mut(channel)?.stream.as_ref()?;
        stream.0.publications.clone()
    }
}

impl Proxy {
    /// Opens a stream, and waits for its first message until the timeout.
    async fn open(
        &self,
        kind: EventKind,
        message: SubscribeRequest,
        headers: HeaderMap,
        received: Received,
        context: &Context<'_>,
    ) -> Result<Opened, Unanswered> {
        let timeout = self.options.timeout;
        match &self.backend {
            Backend::Handlers(handlers) => {
                check_handler(handlers, kind)?;
                let head = context.head(headers);
                let handlers = handlers.clone();
                let opening = async move {
                    let opened = match kind {
                        EventKind::SubscribeBidirectional => {
                            handlers.open_bidirectional(message, head, received).await
                        }
                        _ => handlers.open_unidirectional(message, head).await,
                    };
                    let (response, stream) = opened?;
                    Ok((response, Box::pin(InProcess(stream)) as Publications))
                };
                context.call(timeout, opening).await
            }
            #[cfg(feature = "grpc")]
            Backend::Grpc(backend) => {
                let opening = backend.clone().open(kind, message, headers, received);
                context.spawn(timeout, opening).await
            }
            Backend::Http(_) => Err(Unanswered::Misconfigured(
                "streams need gRPC, or handlers in process".to_owned(),
            )),
            Backend::Unusable(reason) => Err(Unanswered::Misconfigured(reason.clone())),
        }
    }
}

/// The publications of a client into a stream.
pub(crate) struct Received(UnboundedReceiver<Bytes>);

impl Stream for Received {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        self.0.poll_recv(context)
    }
}

/// The publications of handlers in process.
struct InProcess(PublicationStream);

impl Stream for InProcess {
    type Item = Result<Publication, Unanswered>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.0).poll_next(context);
        polled.map(|item| item.map(|item| item.map_err(|_| Unanswered::Failed)))
    }
}

/// The task that sends the publications of a stream to the client.
struct Forward {
    engine: Arc<Engine>,
    id: String,
    channel: String,
    unread: Arc<Unread>,
}

impl Forward {
    async fn run(self, mut publications: Publications, ready: oneshot::Receiver<()>) {
        if ready.await.is_err() {
            return;
        }
        let end = loop {
            self.unread.wait().await;
            let next = std::future::poll_fn(|context| publications.as_mut().poll_next(context));
            match next.await {
                Some(Ok(publication)) => self.send(publication),
                Some(Err(_)) => break FAILED,
                None => break ENDED,
            }
        };
        let mut data = self.engine.state.lock();
        if data
            .connections
            .has_stream(&self.id, &self.channel, tokio::task::id())
        {
            let reason = Some(end);
            data.connections
                .unsubscribe(&self.id, &self.channel, reason);
        }
    }

    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn send(&self, publication: Publication) {
        let mut sent = centrifugo_api::Publication::default();
        sent.data = publication.data;
        sent.tags = publication.tags;
        self.unread.add();
        let mut data = self.engine.state.lock();
        if data
            .connections
            .has_stream(&self.id, &self.channel, tokio::task::id())
        {
            data.connections.send_to(&self.id, &self.channel, sent);
        }
    }
}
