//! Subscriptions with a stream.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic::{Status, Streaming};
use tower_service::Service;

use super::event::{Told, tell, unread};
use super::{GrpcService, status};
use crate::event::{EventKind, Head};
use crate::failure::{BoxError, Failure};
use crate::handlers::Handlers;
use crate::messages::{
    StreamSubscribeRequest, StreamSubscribeResponse, SubscribeRequest, SubscribeResponse,
};
use crate::observe::caught;
use crate::stream::{ClientPublications, PublicationStream};

impl GrpcService {
    pub(super) async fn unidirectional<B>(
        self,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let told = Told::default();
        let opening = self.opening(EventKind::SubscribeUnidirectional, &told);
        let mut codec = self.codec::<SubscribeRequest, StreamSubscribeResponse>();
        self.observe(request, told, async move |request| {
            codec.server_streaming(opening, request).await
        })
        .await
    }

    pub(super) async fn bidirectional<B>(
        self,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let told = Told::default();
        let opening = self.opening(EventKind::SubscribeBidirectional, &told);
        let mut codec = self.stream_codec();
        self.observe(request, told, async move |request| {
            codec.streaming(opening, request).await
        })
        .await
    }

    fn opening(&self, kind: EventKind, told: &Told) -> Opening {
        Opening {
            handlers: self.handlers.clone(),
            kind,
            told: Arc::clone(told),
        }
    }
}

/// A handler of streams as tonic calls it, once per request.
#[derive(Clone)]
struct Opening {
    handlers: Handlers,
    kind: EventKind,
    told: Told,
}

impl Opening {
    async fn open(
        self,
        message: SubscribeRequest,
        head: Head,
        publications: ClientPublications,
    ) -> Result<tonic::Response<Responses>, Status> {
        match self
            .handlers
            .open(self.kind, message, head, publications)
            .await
        {
            Ok((answer, publications)) => {
                tell(&self.told, Ok(answer.summary));
                Ok(tonic::Response::new(Responses {
                    first: Some(answer.response),
                    publications,
                    handlers: self.handlers,
                    kind: self.kind,
                }))
            }
            Err(failure) => Err(self.failed(failure)),
        }
    }

    fn failed(&self, failure: Failure) -> Status {
        let status = status(&failure);
        tell(&self.told, Err(failure));
        status
    }
}

type Opened = Pin<Box<dyn Future<Output = Result<tonic::Response<Responses>, Status>> + Send>>;

impl Service<tonic::Request<SubscribeRequest>> for Opening {
    type Response = tonic::Response<Responses>;
    type Error = Status;
    type Future = Opened;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<SubscribeRequest>) -> Opened {
        let (metadata, extensions, message) = request.into_parts();
        let head = Head::new(metadata.into_headers(), extensions);
        Box::pin(self.clone().open(message, head, ClientPublications::none()))
    }
}

impl Service<tonic::Request<Streaming<StreamSubscribeRequest>>> for Opening {
    type Response = tonic::Response<Responses>;
    type Error = Status;
    type Future = Opened;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Streaming<StreamSubscribeRequest>>) -> Opened {
        let opening = self.clone();
        Box::pin(async move {
            let (metadata, extensions, mut requests) = request.into_parts();
            let head = Head::new(metadata.into_headers(), extensions);
            let first = requests.message().await;
            let limit = opening.handlers.parts().body_limit;
            let first = first.map_err(|error| opening.failed(unread(&error, limit)))?;
            let message = first
                .and_then(|first| first.subscribe_request)
                .ok_or_else(|| {
                    let problem = "the first message of the stream has no `subscribe_request`";
                    opening.failed(Failure::request(problem))
                })?;
            let publications = ClientPublications::new(Payloads(requests));
            opening.open(message, head, publications).await
        })
    }
}

/// The payloads of the client's publications.
struct Payloads(Streaming<StreamSubscribeRequest>);

impl Stream for Payloads {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let request = match Pin::new(&mut self.0).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(request) => request,
            };
            match request {
                Some(Ok(request)) => {
                    if let Some(publication) = request.publication {
                        return Poll::Ready(Some(publication.data));
                    }
                }
                // After an error of the connection there are no more publications.
                Some(Err(_)) | None => return Poll::Ready(None),
            }
        }
    }
}

/// The messages of a stream: the answer, then publications.
struct Responses {
    first: Option<SubscribeResponse>,
    publications: PublicationStream,
    handlers: Handlers,
    kind: EventKind,
}

impl Stream for Responses {
    type Item = Result<StreamSubscribeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            let first = StreamSubscribeResponse::default().subscribe_response(first);
            return Poll::Ready(Some(Ok(first)));
        }
        let publication = match Pin::new(&mut self.publications).poll_next(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(publication) => publication,
        };
        Poll::Ready(publication.map(|publication| match publication {
            Ok(publication) => Ok(StreamSubscribeResponse::default().publication(publication)),
            Err(failure) => {
                for observer in &self.handlers.parts().observers {
                    caught(|| observer.stream_failed(self.kind, &failure));
                }
                Err(status(&failure))
            }
        }))
    }
}
