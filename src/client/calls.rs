//! The calls: of any method, in detail, by name, of batches and broadcasts.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Pages, raw};
use crate::api::messages::BroadcastRequest;
use crate::api::method::Method;
use crate::call::Made;
use crate::error::Error;
use crate::observe::{CallStart, ObservedCall};
use crate::request::{Batch, BroadcastResult, Paged};

/// The result of a call, and what was done for it: the value of [`Client::call_detailed`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Detailed<T> {
    /// The result.
    pub result: T,
    /// The number of attempts, as [`Retry::max_attempts`](crate::Retry::max_attempts) counts them. Of a call that was split into several requests, these are the attempts
    /// of the last one.
    pub attempts: u32,
    /// The idempotency key that the call was made with: its own, or the one that
    /// [`Retry::idempotency_keys`](crate::Retry::idempotency_keys) generated. `None` for a batch, whose commands have keys of their own.
    pub idempotency_key: Option<String>,
    /// The id that the request was sent with in the header `X-Request-Id`, if it had one: see
    /// [`ClientBuilder::request_ids`](crate::ClientBuilder::request_ids). `None` for a call that shared a batch.
    pub request_id: Option<String>,
}

/// A call that succeeded.
pub(super) struct Ran<M: Method> {
    pub(super) request: M,
    pub(super) result: M::Result,
    made: Made,
}

/// # Any method
impl Client {
    /// Calls the method of the request. All other methods are thin wrappers around this one.
    ///
    /// # Errors
    ///
    /// [`Error`], which says whether the call may have run.
    pub async fn call<M: Method>(&self, request: M) -> Result<M::Result, Error> {
        Ok(self.run(request).await?.result)
    }

    /// Calls the method of the request, and returns the result with what was done for it: the number of attempts, the
    /// idempotency key and the request's id. An error tells the same: [`Error::attempts`],
    /// [`Error::idempotency_key`], [`Error::request_id`].
    ///
    /// ```no_run
    /// use centrifugo_api::{BroadcastRequest, Client};
    ///
    /// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
    /// let detailed = client.call_detailed(BroadcastRequest::new(["news", "sports"], "{}")).await?;
    /// println!("{} attempts, key {:?}", detailed.attempts, detailed.idempotency_key);
    /// detailed.result.all_ok()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    pub async fn call_detailed<M: Method>(&self, request: M) -> Result<Detailed<M::Result>, Error> {
        let ran = self.run(request).await?;
        Ok(Detailed {
            idempotency_key: key_of(&ran.request),
            attempts: ran.made.attempts,
            request_id: ran.made.request_id().map(str::to_owned),
            result: ran.result,
        })
    }

    /// Calls a method by its name with any JSON, over HTTP: for methods and fields that the schema does not have.
    ///
    /// The JSON is sent as it is; the result is the JSON in `result`.
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
    /// Those of every call, and [`Error::InvalidRequest`] over gRPC: there, implement [`Method`] for your own
    /// message.
    pub async fn call_raw<P, T>(&self, method: &str, params: &P) -> Result<T, Error>
    where
        P: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        raw::call(self, method, params).await
    }

    /// Sends several requests as one, and returns an outcome for each, in the order of the requests.
    ///
    /// They run one after another on the server, or concurrently in [`Parallel`](crate::Parallel); a failure does not
    /// stop the others. An empty batch sends nothing. See [`Batch`] for what can be batched and what is returned.
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
    ///         Ok(history) => println!("{channel}: offset {}", history.offset),
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
        let request = batch.into_request(false);
        if is_empty(&request) {
            return Ok(B::output(request, Default::default()));
        }
        let ran = self.run(request).await?;
        Ok(B::output(ran.request, ran.result))
    }

    /// Publishes the same data into many channels, and returns an outcome for each.
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
        Ok(self.run(request).await?.result)
    }

    /// Runs a call, and returns its request too. Not an `async fn`, whose future would have the request twice.
    #[allow(clippy::manual_async_fn)]
    pub(super) fn run<M: Method>(
        &self,
        mut request: M,
    ) -> impl Future<Output = Result<Ran<M>, Error>> + Send {
        async move {
            let key = self.set_key(&mut request)?;
            let observed = self.observe(&request);
            let deadline = self.options.deadline();
            let outcome = match (M::GENERATED.parts, self.inner.split_above) {
                (Some(parts), Some(limit)) => {
                    // The future of a rare path is boxed, so that it is not a part of this one.
                    let split =
                        self.exchange_split(&mut request, parts, limit, &deadline, &observed);
                    Box::pin(split).await
                }
                _ => {
                    self.exchange_whole(&mut request, &deadline, &observed)
                        .await
                }
            };
            observed.ends(&outcome, |(result, _)| count_failed::<M>(result));
            match outcome {
                Ok((mut result, made)) => {
                    if let Some(key) = key {
                        (M::GENERATED.settle)(&request, &mut result, &key);
                    }
                    Ok(Ran {
                        request,
                        result,
                        made,
                    })
                }
                Err(error) => {
                    let error = error.with_keys((M::GENERATED.keys)(&request));
                    Err(self.inner.missing_methods.explain(M::NAME, error))
                }
            }
        }
    }

    /// Runs a call that is not split, and leaves its request in place.
    pub(super) async fn run_whole<M: Method>(&self, request: &mut M) -> Result<M::Result, Error> {
        let observed = self.observe(request);
        let deadline = self.options.deadline();
        let outcome = self.exchange_whole(request, &deadline, &observed).await;
        observed.ends(&outcome, |(result, _)| count_failed::<M>(result));
        outcome.map(|(result, _)| result)
    }

    /// Starts the observation of a call.
    fn observe<M: Method>(&self, request: &M) -> ObservedCall {
        let observers = &self.inner.observers;
        if observers.are_idle() {
            return ObservedCall::of_nobody();
        }
        let nodes = self.inner.nodes.current();
        observers.call(|| CallStart::new(request, nodes.first().url()))
    }

    /// Gives a request a new idempotency key if [`Retry`] asks for keys and the request takes one and has none.
    /// Returns the key. Servers that ignore keys get none: telling a key would promise too much.
    fn set_key<M: Method>(&self, request: &mut M) -> Result<Option<String>, Error> {
        if !self.inner.honours_keys {
            return Ok(None);
        }
        let key = self.options.retry.new_key()?;
        if let Some(key) = &key {
            (M::GENERATED.set_key)(request, key);
        }
        Ok(key)
    }

    pub(super) fn pages<R: Paged + 'static>(&self, request: R) -> Pages<R> {
        Pages::new(self.clone(), request)
    }

    /// Returns an error without the secrets that the server may have sent back.
    pub(super) fn hide_secrets(&self, error: Error) -> Error {
        let headers = self.options.headers.as_deref();
        self.inner.hide_secrets(error, headers)
    }
}

/// Returns the idempotency key of a request; `None` for a batch of several commands.
fn key_of<M: Method>(request: &M) -> Option<String> {
    let keys = (M::GENERATED.keys)(request);
    if keys.len() == 1 {
        keys.into_iter().next().flatten()
    } else {
        None
    }
}

/// Returns the number of parts of a result that failed.
pub(super) fn count_failed<M: Method>(result: &M::Result) -> usize {
    M::GENERATED
        .parts
        .map_or(0, |parts| (parts.count_failed)(result))
}

/// Returns whether a batch has no commands.
fn is_empty<M: Method>(batch: &M) -> bool {
    M::GENERATED
        .parts
        .is_some_and(|parts| (parts.len)(batch) == 0)
}
