//! Backends over gRPC.

use bytes::Bytes;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::EventMessage;
use centrifugo_proxy::messages::{
    Publication, StreamSubscribeRequest, StreamSubscribeResponse, SubscribeRequest,
    SubscribeResponse,
};
use http::HeaderMap;
use http::uri::PathAndQuery;
use tokio::runtime::Handle;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Extensions, Request, Streaming};
use tonic_prost::ProstCodec;

use crate::proxies::proxy::Unanswered;

/// A backend over gRPC.
#[derive(Clone)]
pub(crate) struct GrpcBackend {
    channel: Channel,
}

impl GrpcBackend {
    /// Returns the backend at an address such as `grpc://127.0.0.1:9000`, where `grpc://` may be missing.
    pub(crate) fn at(url: &str, runtime: &Handle) -> Result<Self, String> {
        let address = url.strip_prefix("grpc://").unwrap_or(url);
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let endpoint = endpoint.map_err(|error| format!("`{url}` is not an address: {error}"))?;
        let _guard = runtime.enter();
        Ok(Self {
            channel: endpoint.connect_lazy(),
        })
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

    async fn ready(self) -> Result<Grpc<Channel>, Unanswered> {
        let mut client = Grpc::new(self.channel);
        client.ready().await.map_err(failed)?;
        Ok(client)
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
