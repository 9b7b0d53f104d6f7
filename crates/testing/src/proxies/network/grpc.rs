//! Backends over gRPC.

use std::pin::Pin;
use std::task::{Context, Poll};

use centrifugo_proxy::messages::{
    Publication, StreamSubscribeRequest, StreamSubscribeResponse, SubscribeRequest,
};
use centrifugo_proxy::{EventKind, EventMessage};
use futures_core::Stream;
use http::HeaderMap;
use http::uri::PathAndQuery;
use tokio::runtime::Handle;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Extensions, Request, Streaming};
use tonic_prost::ProstCodec;

use crate::proxies::proxy::Unanswered;
use crate::proxies::stream::{Opened, Received};

/// A backend over gRPC.
#[derive(Clone)]
pub(crate) struct GrpcBackend {
    channel: Channel,
}

impl GrpcBackend {
    /// Returns the backend at an address such as `grpc://127.0.0.1:9000`, where `grpc://` may be missing.
    pub(crate) fn at(url: &str, runtime: &Handle) -> Result<Self, String> {
        let endpoint = endpoint(url)?;
        let _guard = runtime.enter();
        Ok(Self {
            channel: endpoint.connect_lazy(),
        })
    }

    /// Checks an address.
    pub(crate) fn check(url: &str) -> Result<(), String> {
        endpoint(url).map(drop)
    }

    pub(crate) async fn ask<M: EventMessage>(
        self,
        message: M,
        headers: HeaderMap,
    ) -> Result<M::Response, Unanswered> {
        let mut client = self.ready().await?;
        let codec = ProstCodec::<M, M::Response>::default();
        let request = request(message, headers);
        let response = client.unary(request, path(M::KIND), codec).await;
        response.map(tonic::Response::into_inner).map_err(failed)
    }

    /// Opens a stream, and waits for its first message.
    pub(crate) async fn open(
        self,
        kind: EventKind,
        message: SubscribeRequest,
        headers: HeaderMap,
        received: Received,
    ) -> Result<Opened, Unanswered> {
        let mut client = self.ready().await?;
        let response = if kind == EventKind::SubscribeBidirectional {
            let first = StreamSubscribeRequest::default().subscribe_request(message);
            let requests = Requests {
                first: Some(first),
                received,
            };
            let request = request(requests, headers);
            client.streaming(request, path(kind), codec()).await
        } else {
            let request = request(message, headers);
            let codec = ProstCodec::<SubscribeRequest, StreamSubscribeResponse>::default();
            client.server_streaming(request, path(kind), codec).await
        };
        let mut responses = response.map_err(failed)?.into_inner();
        let first = responses.message().await.map_err(failed)?;
        let response = first.and_then(|first| first.subscribe_response);
        let response = response.ok_or(Unanswered::Failed)?;
        Ok((response, Box::pin(Responses(responses))))
    }

    async fn ready(self) -> Result<Grpc<Channel>, Unanswered> {
        let mut client = Grpc::new(self.channel);
        client.ready().await.map_err(failed)?;
        Ok(client)
    }
}

fn endpoint(url: &str) -> Result<Endpoint, String> {
    let address = url.strip_prefix("grpc://").unwrap_or(url);
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let endpoint = endpoint.map_err(|error| format!("`{url}` is not an address: {error}"))?;
    if endpoint.uri().port_u16().is_none() || address.contains(['/', '?']) {
        return Err(format!(
            "`{url}` is not an address: give a host and a port, as in grpc://127.0.0.1:4000"
        ));
    }
    Ok(endpoint)
}

fn codec() -> ProstCodec<StreamSubscribeRequest, StreamSubscribeResponse> {
    ProstCodec::default()
}

/// The messages to a backend: the subscription, then what the client publishes.
struct Requests {
    first: Option<StreamSubscribeRequest>,
    received: Received,
}

impl Stream for Requests {
    type Item = StreamSubscribeRequest;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        let polled = Pin::new(&mut self.received).poll_next(context);
        polled.map(|data| {
            let publication = Publication::default().data(data?);
            Some(StreamSubscribeRequest::default().publication(publication))
        })
    }
}

/// The messages of a backend after the first one.
struct Responses(Streaming<StreamSubscribeResponse>);

impl Stream for Responses {
    type Item = Result<Publication, Unanswered>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return match Pin::new(&mut self.0).poll_next(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Unanswered::Failed))),
                Poll::Ready(Some(Ok(response))) => match response.publication {
                    Some(publication) => Poll::Ready(Some(Ok(publication))),
                    None => continue,
                },
            };
        }
    }
}

fn request<T>(message: T, headers: HeaderMap) -> Request<T> {
    let metadata = MetadataMap::from_headers(headers);
    Request::from_parts(metadata, Extensions::default(), message)
}

fn path(kind: EventKind) -> PathAndQuery {
    let path = format!(
        "/centrifugal.centrifugo.proxy.CentrifugoProxy/{}",
        kind.rpc()
    );
    PathAndQuery::try_from(path).unwrap_or_else(|error| unreachable!("names are valid: {error}"))
}

/// Hides why a backend did not answer, as Centrifugo does from the client.
fn failed<E>(_: E) -> Unanswered {
    Unanswered::Failed
}
