mod exchange;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::Batch;
use crate::builder::ClientBuilder;
use crate::call::{Shared, Time};
use crate::coalescing::{Coalescer, Coalescing};
use crate::{BroadcastRequest, BroadcastResult, Error, Method, Paged, Pages, Retry, api};

/// A client of Centrifugo's server API, over HTTP or gRPC.
///
/// Cheap to clone and to share: clones use the same connections. It connects when it is first called, and can
/// be used from any tokio runtime, several too.
///
/// A call that is dropped or times out may still run on the server.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    timeout: Duration,
    deadline: Option<Instant>,
    retry: Retry,
    coalescer: Option<Arc<Coalescer>>,
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

    pub(crate) fn from_parts(shared: Shared, timeout: Duration, retry: Retry) -> Self {
        Self {
            shared: Arc::new(shared),
            timeout,
            deadline: None,
            retry,
            coalescer: None,
        }
    }

    /// The same client with another [`timeout`](ClientBuilder::timeout), for one call or many.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// The same client, whose calls end at `deadline` at the latest, besides their timeout: for what several calls may
    /// take together.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..self.clone()
        }
    }

    /// The same client with another [`Retry`], for one call or many.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self {
            retry,
            ..self.clone()
        }
    }

    /// A client with the same methods, whose concurrent calls share batches: the fastest for many small calls at once.
    ///
    /// It has the same connections and the same limits; [`Coalescing`] says what is shared and what is not. Clones of the
    /// answered client coalesce with one another.
    #[must_use]
    pub fn coalescing(&self, coalescing: Coalescing) -> Self {
        let coalescing = coalescing.within(self.shared.max_request_size);
        let coalescer =
            (!self.shared.nodes.first().is_legacy()).then(|| Arc::new(Coalescer::new(coalescing)));
        Self {
            coalescer,
            ..self.clone()
        }
    }

    /// Replaces the API key, of all clones, from the next try of a call on.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], when no header can carry it; the former key stays.
    pub fn set_api_key(&self, key: impl Into<String>) -> Result<(), Error> {
        self.shared.set_key(key.into())
    }

    /// Refuses new calls, of all clones, with [`Error::Closed`], and waits until those that are under way are through.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] when some are still under way after `timeout`; they go on.
    pub async fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.shared.close(timeout).await
    }

    /// Calls the method that the request is for. Every other method of the client is a line over this one.
    ///
    /// # Errors
    ///
    /// [`Error`] says what each one means, and whether the call may have run.
    pub async fn call<M: Method>(&self, mut request: M) -> Result<M::Result, Error> {
        let key = self.give_key(&mut request);
        let body = self.write(&mut request)?;
        self.exchange(&request, &body, key.as_deref()).await
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
        crate::raw::call(self, method, params)
            .await
            .map_err(|error| self.shared.hide_secrets(error))
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
        batch.call(self, false).await
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
    pub async fn broadcast(&self, mut request: BroadcastRequest) -> Result<BroadcastResult, Error> {
        let key = self.give_key(&mut request);
        // One deadline for all of it.
        let client = self.with_deadline(self.time().ends);
        let mut result = client
            .exchange_in_parts(&mut request, key.as_deref())
            .await?;
        if request.is_repeatable() {
            client.repeat_failed(&request, &mut result).await;
        }
        Ok(BroadcastResult::new(request.channels, result))
    }

    /// Sends the channels of a broadcast again that failed for a while, and puts what becomes of them in its place.
    async fn repeat_failed(&self, request: &BroadcastRequest, result: &mut api::BroadcastResult) {
        let is_failed = |response: &api::PublishResponse| {
            response
                .error
                .as_ref()
                .is_some_and(api::Error::is_temporary)
        };
        let mut attempts = 1;
        while result.responses.iter().any(is_failed)
            && self.shared.pause(&self.retry, attempts, self.time()).await
        {
            attempts += 1;
            let failed = result.responses.iter_mut().zip(&request.channels);
            let failed: Vec<_> = failed.filter(|(response, _)| is_failed(response)).collect();
            let channels = failed
                .iter()
                .map(|(_, channel)| (*channel).clone())
                .collect();
            let mut again = BroadcastRequest {
                channels,
                ..request.clone()
            };
            let Ok(body) = self.write(&mut again) else {
                return;
            };
            let sent = self
                .with_retry(Retry::none())
                .exchange(&again, &body, None)
                .await;
            let Ok(answered) = sent else { continue };
            for ((response, _), answer) in failed.into_iter().zip(answered.responses) {
                *response = answer;
            }
        }
    }

    /// Gives a request a key of its own, where the policy says so and it has none.
    pub(crate) fn give_key<M: Method>(&self, request: &mut M) -> Option<String> {
        self.retry.new_key().filter(|key| request.give_key(key))
    }

    fn pages<R: Paged + 'static>(&self, request: R) -> Pages<R> {
        Pages::new(self.clone(), request)
    }

    pub(crate) fn retry(&self) -> &Retry {
        &self.retry
    }

    /// The time of a call that starts now.
    pub(crate) fn time(&self) -> Time {
        Time::new(self.timeout, self.deadline)
    }
}

include!(concat!(env!("OUT_DIR"), "/client.rs"));

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("urls", &self.shared.urls())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
