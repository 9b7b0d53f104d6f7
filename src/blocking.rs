//! A client for code without async: the same methods, which block the calling thread.
//!
//! ```no_run
//! use centrifugo_api::blocking::Client;
//! use centrifugo_api::PublishRequest;
//!
//! # fn main() -> Result<(), centrifugo_api::Error> {
//! let client = Client::new("http://localhost:8000/api", "secret")?;
//! let result = client.publish(PublishRequest::new("news", r#"{"text":"hello"}"#))?;
//! println!("published at offset {}", result.offset);
//! # Ok(())
//! # }
//! ```

mod background;
mod channel;
mod own_runtime;
mod pages;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::messages::BroadcastRequest;
use crate::api::method::Method;
use crate::call::{Retry, ServerVersions};
use crate::client::{self, ClientBuilder, Coalescing, Detailed};
use crate::error::Error;
use crate::request::{Batch, BroadcastResult};
pub use background::BackgroundSender;
pub use channel::{Channel, ChannelHistory, TypedItems};
use own_runtime::OwnRuntime;
pub use pages::{Items, Pages};

/// A client of Centrifugo's server API whose calls block: [`crate::Client`] for code without async.
///
/// Cheap to clone and to share between threads: clones use the same connections. Calls run on the calling thread. It
/// works inside async code too, but blocks other tasks there: use [`crate::Client`] instead.
///
/// One thread at a time drives the connections of all: an observer, a layer or a provider of keys that blocks its thread holds
/// up the calls of the others beyond their timeouts, and none of them may call this client.
///
/// A process that is forked after a client's first call needs a client of its own: calls of the child with the parent's
/// client are [`Error::Config`].
#[derive(Clone)]
pub struct Client {
    client: client::Client,
    runtime: Arc<OwnRuntime>,
}

/// # Creating clients
impl Client {
    /// Creates a client from the URL of the server and its API key; [`builder`](Self::builder) has more options.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names what is wrong and the fix.
    pub fn new(url: impl Into<String>, api_key: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).api_key(api_key).build_blocking()
    }

    /// Starts the configuration of a client, which ends with [`ClientBuilder::build_blocking`].
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// Creates a client with a runtime of its own.
    pub(crate) fn from_async(client: client::Client) -> Self {
        Self {
            client: client.clone(),
            runtime: Arc::new(OwnRuntime::new(client)),
        }
    }

    /// Returns this client with another [`timeout`](ClientBuilder::timeout), for one call or many.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.with(self.client.with_timeout(timeout))
    }

    /// Returns this client with a deadline that bounds all its calls: [`crate::Client::with_deadline`].
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.with(self.client.with_deadline(deadline))
    }

    /// Returns this client with another [`attempt_timeout`](ClientBuilder::attempt_timeout), for one call or many.
    #[must_use]
    pub fn with_attempt_timeout(&self, timeout: Duration) -> Self {
        self.with(self.client.with_attempt_timeout(timeout))
    }

    /// Returns this client with another [`Retry`], for one call or many.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        self.with(self.client.with_retry(retry))
    }

    /// Returns this client with one more header, for one call or many: [`crate::Client::with_header`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::with_header`].
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self, Error> {
        Ok(self.with(self.client.with_header(name, value)?))
    }

    /// Returns a client with the same methods, whose concurrent calls share batches: [`crate::Client::coalescing`].
    #[must_use]
    pub fn coalescing(&self, coalescing: Coalescing) -> Self {
        self.with(self.client.coalescing(coalescing))
    }

    fn with(&self, client: client::Client) -> Self {
        Self {
            client,
            runtime: Arc::clone(&self.runtime),
        }
    }
}

/// # Key, nodes and shutdown
impl Client {
    /// Replaces the API key: [`crate::Client::set_api_key`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::set_api_key`].
    pub fn set_api_key(&self, key: impl Into<String>) -> Result<(), Error> {
        self.client.set_api_key(key)
    }

    /// Calls these nodes instead of the present ones: [`crate::Client::set_endpoints`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::set_endpoints`].
    pub fn set_endpoints<U: Into<String>>(
        &self,
        urls: impl IntoIterator<Item = U>,
    ) -> Result<(), Error> {
        self.client.set_endpoints(urls)
    }

    /// Refuses new calls, and waits until the calls in flight have ended: [`crate::Client::close`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::close`].
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.runtime.block_on(self.client.close(timeout))?
    }
}

/// # Start-up
impl Client {
    /// Waits until the server answers, at most `timeout`: [`crate::Client::wait_until_ready`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::wait_until_ready`].
    pub fn wait_until_ready(&self, timeout: Duration) -> Result<(), Error> {
        self.runtime
            .block_on(self.client.wait_until_ready(timeout))?
    }

    /// Returns the versions that the nodes of the cluster run: [`crate::Client::server_versions`].
    ///
    /// # Errors
    ///
    /// Those of every call.
    pub fn server_versions(&self) -> Result<ServerVersions, Error> {
        self.runtime.block_on(self.client.server_versions())?
    }
}

/// # Any method
impl Client {
    /// Calls the method of the request: [`crate::Client::call`].
    ///
    /// # Errors
    ///
    /// [`Error`], which says whether the call may have run.
    pub fn call<M: Method>(&self, request: M) -> Result<M::Result, Error> {
        self.runtime.block_on(self.client.call(request))?
    }

    /// Calls the method of the request, and returns the result with what was done for it:
    /// [`crate::Client::call_detailed`].
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    pub fn call_detailed<M: Method>(&self, request: M) -> Result<Detailed<M::Result>, Error> {
        self.runtime.block_on(self.client.call_detailed(request))?
    }

    /// Calls a method by its name with any JSON, over HTTP: [`crate::Client::call_raw`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::Client::call_raw`].
    pub fn call_raw<P, T>(&self, method: &str, params: &P) -> Result<T, Error>
    where
        P: Serialize + Sync + ?Sized,
        T: DeserializeOwned + Send,
    {
        self.runtime
            .block_on(self.client.call_raw(method, params))?
    }

    /// Sends several requests as one, and returns an outcome for each: [`crate::Client::batch`].
    ///
    /// # Errors
    ///
    /// [`Error`], for the batch as a whole.
    pub fn batch<B: Batch>(&self, batch: B) -> Result<B::Output, Error> {
        self.runtime.block_on(self.client.batch(batch))?
    }

    /// Publishes the same data into many channels, and returns an outcome for each: [`crate::Client::broadcast`].
    ///
    /// # Errors
    ///
    /// [`Error`], for the broadcast as a whole: the failure of a channel is in the result.
    pub fn broadcast(&self, request: BroadcastRequest) -> Result<BroadcastResult, Error> {
        self.runtime.block_on(self.client.broadcast(request))?
    }
}

impl ClientBuilder {
    /// Builds a client whose calls block; [`build`](Self::build) builds one for async code.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option and the fix.
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn build_blocking(self) -> Result<Client, Error> {
        Ok(Client::from_async(self.build()?))
    }
}

include!(concat!(env!("OUT_DIR"), "/blocking.rs"));

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("blocking::Client")
            .field(&self.client)
            .finish()
    }
}
