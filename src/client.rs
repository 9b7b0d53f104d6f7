use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::ClientBuilder;
use crate::error::excerpt;
use crate::transport::{Call, Transport};
use crate::{Error, Method};

/// A client of Centrifugo's server API, over HTTP or gRPC.
///
/// Cheap to clone and to share: clones use the same connections. It connects when it is first called, and can
/// be used from any tokio runtime, several too.
///
/// A call that is dropped or times out may still run on the server.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    timeout: Duration,
}

impl Client {
    /// Builds a client from the URL of the server and its API key; [`builder`](Self::builder) has more options.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names what is wrong and the fix.
    pub fn new(url: impl Into<String>, api_key: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).api_key(api_key).build()
    }

    /// Starts the configuration of a client. The URL's scheme picks the transport:
    ///
    /// | URL | transport |
    /// |---|---|
    /// | `http://localhost:8000/api` | HTTP; the path is Centrifugo's `http_api.handler_prefix` |
    /// | `https://example.com/api` | HTTP over TLS |
    /// | `grpc://localhost:10000` | gRPC |
    /// | `grpcs://example.com:10000` | gRPC over TLS |
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    pub(crate) fn from_parts(transport: Transport, timeout: Duration) -> Self {
        Self { transport: Arc::new(transport), timeout }
    }

    /// The same client with another [`timeout`](ClientBuilder::timeout), for one call or many.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Calls the method that the request is for. Every other method of the client is a line over this one.
    ///
    /// # Errors
    ///
    /// [`Error`] says what each one means, and whether the call may have run.
    pub async fn call<M: Method>(&self, request: M) -> Result<M::Result, Error> {
        let call = Call::of::<M>();
        let body = self.transport.encode(&request)?;
        let reply = self.attempt(call, body).await?;
        let response = self.transport.decode::<M>(&reply)?;
        let broken = |problem: String| Error::Decode {
            method: Some(call.method),
            message: format!("{problem}, in the reply {}", excerpt(&reply)),
            source: None,
        };
        let result = M::outcome(response).ok_or_else(|| broken("neither an error nor a result".into()))??;
        request.verify(&result).map_err(broken)?;
        Ok(result)
    }

    /// The one place through which each attempt of each call passes.
    async fn attempt(&self, call: Call, body: bytes::Bytes) -> Result<bytes::Bytes, Error> {
        match tokio::time::timeout(self.timeout, self.transport.send(call, body)).await {
            Ok(reply) => reply,
            Err(_) => Err(Error::Timeout { method: call.method, unsent: false, after: self.timeout }),
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/client.rs"));

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("url", &self.transport.url())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
