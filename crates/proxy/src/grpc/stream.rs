//! Subscriptions with a stream.

use std::convert::Infallible;
use std::error::Error as _;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic::{Status, Streaming};
use tower_service::Service;

use super::event::{Told, check_head, details, respond, unread};
use super::{GrpcService, status};
use crate::event::{DetailsSlot, EventKind, Head};
use crate::failure::{BoxError, Failure};
use crate::handlers::Handlers;
use crate::messages::{
    StreamSubscribeRequest, StreamSubscribeResponse, SubscribeRequest, SubscribeResponse,
};
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
        let kind = EventKind::SubscribeUnidirectional;
        let begun = self.begin(Some(kind), &request);
        let details = details(&begun);
        let work = pin!(async {
            check_head(&request)?;
            let told = Told::default();
            let opening = self.opening(kind, &told, &details);
            let mut codec =
                self.codec::<SubscribeRequest, StreamSubscribeResponse>(request.headers());
            let response = codec.server_streaming(opening, request).await;
            told.outcome(response, self.handlers.parts().body_limit)
        });
        respond(begun, work).await
    }

    pub(super) async fn bidirectional<B>(
        self,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let kind = EventKind::SubscribeBidirectional;
        let begun = self.begin(Some(kind), &request);
        let details = details(&begun);
        let work = pin!(async {
            check_head(&request)?;
            let told = Told::default();
            let opening = self.opening(kind, &told, &details);
            let mut codec =
                self.codec::<StreamSubscribeRequest, StreamSubscribeResponse>(request.headers());
            let response = codec.streaming(opening, request).await;
            told.outcome(response, self.handlers.parts().body_limit)
        });
        respond(begun, work).await
    }

    fn opening<'a>(
        &self,
        kind: EventKind,
        told: &'a Told,
        details: &'a DetailsSlot,
    ) -> Opening<'a> {
        Opening {
            handlers: self.handlers.clone(),
            kind,
            told,
            details,
            unreadable: Unreadable::default(),
        }
    }
}

/// A handler of streams as tonic calls it, once per request.
#[derive(Clone)]
struct Opening<'a> {
    handlers: Handlers,
    kind: EventKind,
    told: &'a Told,
    details: &'a DetailsSlot,
    unreadable: Unreadable,
}

/// The failure of a client's publication that could not be read, after which there are no more.
type Unreadable = Arc<Mutex<Option<Failure>>>;

impl Opening<'_> {
    async fn open(
        self,
        message: SubscribeRequest,
        head: Head,
        publications: ClientPublications,
    ) -> Result<tonic::Response<Responses>, Status> {
        let details = self.details.clone();
        let opened = self
            .handlers
            .open(self.kind, message, head, details, publications);
        let (answer, publications) = opened.await.map_err(|failure| self.told.failed(failure))?;
        self.told.tell(Ok(answer.summary));
        Ok(tonic::Response::new(Responses {
            first: Some(answer.response),
            publications,
            unreadable: self.unreadable,
        }))
    }
}

type Opened<'a> =
    Pin<Box<dyn Future<Output = Result<tonic::Response<Responses>, Status>> + Send + 'a>>;

impl<'a> Service<tonic::Request<SubscribeRequest>> for Opening<'a> {
    type Response = tonic::Response<Responses>;
    type Error = Status;
    type Future = Opened<'a>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<SubscribeRequest>) -> Opened<'a> {
        let (metadata, extensions, message) = request.into_parts();
        let head = Head::new(metadata.into_headers(), extensions);
        Box::pin(self.clone().open(message, head, ClientPublications::none()))
    }
}

impl<'a> Service<tonic::Request<Streaming<StreamSubscribeRequest>>> for Opening<'a> {
    type Response = tonic::Response<Responses>;
    type Error = Status;
    type Future = Opened<'a>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Streaming<StreamSubscribeRequest>>) -> Opened<'a> {
        let opening = self.clone();
        Box::pin(async move {
            let (metadata, extensions, mut requests) = request.into_parts();
            let head = Head::new(metadata.into_headers(), extensions);
            let first = requests.message().await;
            let limit = opening.handlers.parts().body_limit;
            let first = first.map_err(|error| opening.told.failed(unread(&error, limit)))?;
            let message = first
                .and_then(|first| first.subscribe_request)
                .ok_or_else(|| {
                    let problem = "the first message of the stream has no `subscribe_request`";
                    opening.told.failed(Failure::request(problem))
                })?;
            let publications = ClientPublications::new(Payloads {
                requests,
                limit,
                unreadable: Arc::clone(&opening.unreadable),
            });
            opening.open(message, head, publications).await
        })
    }
}

/// The payloads of the client's publications.
struct Payloads {
    requests: Streaming<StreamSubscribeRequest>,
    limit: usize,
    unreadable: Unreadable,
}

impl Stream for Payloads {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let request = match Pin::new(&mut self.requests).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(request) => request,
            };
            match request {
                Some(Ok(request)) => {
                    if let Some(publication) = request.publication {
                        return Poll::Ready(Some(publication.data));
                    }
                }
                Some(Err(error)) => {
                    // After an error of the connection, which has a source, nobody is there to be told.
                    if error.source().is_none() {
                        tell_unreadable(&self.unreadable, unread(&error, self.limit));
                    }
                    return Poll::Ready(None);
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

fn tell_unreadable(unreadable: &Unreadable, failure: Failure) {
    *unreadable.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
}

/// The messages of a stream: the answer, then publications.
struct Responses {
    first: Option<SubscribeResponse>,
    publications: PublicationStream,
    unreadable: Unreadable,
}

impl Responses {
    /// Returns the failure of a publication that could not be read, once: tonic may poll further.
    fn unread(&self) -> Option<Failure> {
        let unreadable = self.unreadable.lock();
        unreadable.unwrap_or_else(PoisonError::into_inner).take()
    }
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
        Poll::Ready(match publication {
            Some(Ok(publication)) => {
                let publication = StreamSubscribeResponse::default().publication(publication);
                Some(Ok(publication))
            }
            Some(Err(failure)) => Some(Err(status(&failure))),
            // The handler may have ended because of it: the client then subscribes again, rather than never.
            None => self.unread().map(|failure| {
                self.publications.observers().failed(&failure);
                Err(status(&failure))
            }),
        })
    }
}
