use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::{Batch, Parts};
use crate::builder::ClientBuilder;
use crate::error::excerpt;
use crate::transport::{Call, Transport};
use crate::{BatchRequest, BatchResponse, BroadcastRequest, BroadcastResult, Error, Method, Paged, Pages};

/// A client of Centrifugo's server API, over HTTP or gRPC.
///
/// Cheap to clone and to share: clones use the same connections. It connects when it is first called, and can
/// be used from any tokio runtime, several too.
///
/// A call that is dropped or times out may still run on the server.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
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
        self.exchange(&request).await
    }

    /// Calls a method by its name with any JSON, over HTTP: for methods, and fields, that the schema lacks.
    ///
    /// The JSON is sent as it is; the answer is what `result` holds.
    ///
    /// ```no_run
    /// # async fn run(client: centrifugo_api::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let params = serde_json::json!({"channel": "news", "new_option": true});
    /// let result: serde_json::Value = client.call_raw("new_method", &params).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As any call's; [`Error::InvalidRequest`] over gRPC too, where a message of one's own that implements
    /// [`Method`] does it.
    pub async fn call_raw<P, T>(&self, method: &str, params: &P) -> Result<T, Error>
    where
        P: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        crate::raw::call(self, method, params).await.map_err(|error| error.without(self.transport.secrets()))
    }

    /// Sends several requests as one, and answers an outcome for each, in their order.
    ///
    /// They run one after another, or concurrently in [`Parallel`](crate::Parallel); a failure does not stop the
    /// others. An empty batch sends nothing. What can be a batch, and what it answers, says [`Batch`].
    ///
    /// ```no_run
    /// use centrifugo_api::{Client, HistoryRequest, PresenceRequest, PublishRequest};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let batch = (PublishRequest::new("news", "{}"), PresenceRequest::new("news"), HistoryRequest::new("news"));
    /// let (published, presence, history) = client.batch(batch).await?;
    /// println!("offset {}, {} clients", published?.offset, presence?.presence.len());
    ///
    /// let channels = ["news", "sports"];
    /// let batch: Vec<_> = channels.map(HistoryRequest::new).into();
    /// for (channel, history) in channels.iter().zip(client.batch(batch).await?) {
    ///     match history {
    ///         Ok(history) => println!("{channel}: {} publications", history.offset),
    ///         Err(error) => println!("{channel}: {error}"),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`], for the batch as a whole.
    pub async fn batch<B: Batch>(&self, batch: B) -> Result<B::Output, Error> {
        let request = batch.into_request();
        let response = self.exchange_batch(&request).await?;
        Ok(B::output(&mut Parts::new(request, response)))
    }

    /// Publishes the same data into many channels, and answers an outcome for each.
    ///
    /// ```no_run
    /// use centrifugo_api::{BroadcastRequest, Client};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let result = client.broadcast(BroadcastRequest::new(["news", "sports"], r#"{"text":"hello"}"#)).await?;
    /// for (channel, error) in result.failed() {
    ///     println!("{channel}: {error}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`], for the broadcast as a whole: the failure of a channel is in the result.
    pub async fn broadcast(&self, request: BroadcastRequest) -> Result<BroadcastResult, Error> {
        let result = self.exchange(&request).await?;
        Ok(BroadcastResult::new(request.channels, result))
    }

    fn pages<R: Paged + 'static>(&self, request: R) -> Pages<R> {
        Pages::new(self.clone(), request)
    }

    pub(crate) async fn exchange_batch(&self, request: &BatchRequest) -> Result<BatchResponse, Error> {
        match request.commands.is_empty() {
            true => Ok(BatchResponse::default()),
            false => self.exchange(request).await,
        }
    }

    pub(crate) async fn exchange<M: Method>(&self, request: &M) -> Result<M::Result, Error> {
        self.try_exchange(request).await.map_err(|error| error.without(self.transport.secrets()))
    }

    async fn try_exchange<M: Method>(&self, request: &M) -> Result<M::Result, Error> {
        crate::method::check(request)?;
        let body = self.transport.encode(request)?;
        let reply = self.attempt(Call::of::<M>(), body.clone()).await?;
        let response = self.transport.decode::<M>(&body, &reply)?;
        let broken = |problem: String| Error::Decode {
            method: Some(M::NAME),
            message: format!("{problem}, in the reply {}", excerpt(&reply)),
            source: None,
        };
        let result = M::outcome(response).ok_or_else(|| broken("neither an error nor a result".into()))??;
        request.verify(&result).map_err(broken)?;
        Ok(result)
    }

    /// The one place through which each attempt of each call passes.
    pub(crate) async fn attempt(&self, call: Call, body: bytes::Bytes) -> Result<bytes::Bytes, Error> {
        // tokio's timer panics without one.
        crate::transport::runtime()?;
        let method = call.method;
        match tokio::time::timeout(self.timeout, self.transport.send(call, body)).await {
            Ok(reply) => reply,
            Err(_) => Err(Error::Timeout { method, unsent: false, after: self.timeout }),
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
