//! How a call's bytes reach the server and the reply's come back. A transport knows nothing of single methods.

#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "http")]
mod http;
mod per_runtime;

use std::time::Duration;

use bytes::Bytes;

use crate::target::Target;
use crate::{Error, Method};

/// What all transports are built from: options that have been checked.
pub(crate) struct Settings {
    pub(crate) target: Target,
    /// The key and the error mode among them.
    pub(crate) headers: ::http::HeaderMap,
    pub(crate) user_agent: ::http::HeaderValue,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) max_response_size: usize,
    #[cfg(feature = "tls")]
    pub(crate) tls: rustls::ClientConfig,
}

/// The method that is called.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) grpc_path: &'static str,
}

impl Call {
    pub(crate) fn of<M: Method>() -> Self {
        Self { method: M::NAME, grpc_path: M::GRPC_PATH }
    }
}

pub(crate) enum Transport {
    #[cfg(feature = "http")]
    Http(http::Http),
    #[cfg(feature = "grpc")]
    Grpc(grpc::Grpc),
}

impl Transport {
    #[cfg(feature = "http")]
    pub(crate) fn http(settings: Settings, client: Option<reqwest::Client>) -> Result<Self, Error> {
        http::Http::new(settings, client).map(Self::Http)
    }

    #[cfg(feature = "grpc")]
    pub(crate) fn grpc(
        settings: Settings,
        channel: Option<tonic::transport::Channel>,
    ) -> Result<Self, Error> {
        grpc::Grpc::new(settings, channel).map(Self::Grpc)
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.url(),
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.url(),
        }
    }

    /// Writes the request's body.
    pub(crate) fn encode<M: Method>(&self, request: &M) -> Result<Bytes, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(_) => http::encode(request),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => Ok(request.encode_to_vec().into()),
        }
    }

    /// Sends a body and answers that of the reply.
    pub(crate) async fn send(&self, call: Call, body: Bytes) -> Result<Bytes, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.send(call, body).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.send(call, body).await,
        }
    }

    /// Reads the reply's body.
    pub(crate) fn decode<M: Method>(&self, body: &Bytes) -> Result<M::Response, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(_) => http::decode::<M>(body),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => grpc::decode::<M>(body.clone()),
        }
    }
}

/// The error for a reply above the limit, whichever transport found it.
fn too_large(method: &'static str, limit: usize) -> Error {
    Error::Decode {
        method: Some(method),
        message: format!(
            "the reply is larger than max_response_size, {limit} bytes: ask for less at once, or raise it"
        ),
        source: None,
    }
}
