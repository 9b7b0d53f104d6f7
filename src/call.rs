//! How a call is made: through the gate, to a node, again where that is safe, and within its time.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;

use crate::error::Attempts;
use crate::gate::Gate;
use crate::key::Key;
use crate::nodes::{Nodes, Tried};
use crate::retry::Budget;
use crate::transport::{self, Outgoing, Sent};
use crate::{BatchRequest, Error, METHODS, Method, Retry};

/// The method that is called.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    /// The method's name in errors.
    pub(crate) method: &'static str,
    /// The method's name over HTTP.
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    pub(crate) name: Cow<'a, str>,
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) grpc_path: &'static str,
    /// Whether it can be sent again when nobody knows whether it ran.
    repeatable: bool,
    /// The idempotency key that was made for it.
    key: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(crate) fn of<M: Method>(request: &M, key: Option<&'a str>) -> Self {
        let repeatable = request.is_repeatable();
        Self { method: M::NAME, name: M::NAME.into(), grpc_path: M::GRPC_PATH, repeatable, key }
    }

    /// A batch of calls each of which is tried again by itself.
    pub(crate) fn batch() -> Self {
        let (method, grpc_path) = (BatchRequest::NAME, BatchRequest::GRPC_PATH);
        Self { method, name: method.into(), grpc_path, repeatable: false, key: None }
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// A call by name, which only HTTP knows. Errors name a method that is in no schema by the function.
    pub(crate) fn raw(name: &'a str) -> Self {
        let known = METHODS.iter().find(|method| **method == name);
        let method = known.copied().unwrap_or("call_raw");
        Self { method, name: name.into(), grpc_path: "", repeatable: false, key: None }
    }
}

/// The time that a call has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) given: Duration,
    pub(crate) ends: Instant,
}

impl Time {
    /// The time of a call that starts now.
    pub(crate) fn new(timeout: Duration, deadline: Option<Instant>) -> Self {
        /// Beyond what anybody waits for, and within what clocks can tell.
        const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        let now = Instant::now();
        let given = match deadline {
            Some(deadline) => timeout.min(deadline.saturating_duration_since(now)),
            None => timeout,
        };
        Self { given, ends: now + given.min(NEVER) }
    }

    pub(crate) fn until(ends: Instant) -> Self {
        Self { given: ends.saturating_duration_since(Instant::now()), ends }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.given.saturating_sub(self.left())
    }

    fn left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// What all clones of a client share.
pub(crate) struct Shared {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) key: Key,
    pub(crate) gate: Gate,
    pub(crate) budget: Budget,
    /// In bytes.
    pub(crate) max_request_size: usize,
    /// Batches and broadcasts above so many bytes are sent in parts.
    pub(crate) split_above: Option<usize>,
}

impl Shared {
    /// Makes a call of a body of that size, by as many attempts as it may have.
    pub(crate) async fn call<T, F: Future<Output = Result<T, Error>>>(
        &self,
        call: &Call<'_>,
        size: usize,
        retry: &Retry,
        time: Time,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error> {
        // tokio's timer panics without one.
        transport::runtime()?;
        if size > self.max_request_size {
            return Err(too_large(call.method, size, self.max_request_size));
        }
        let _pass = match within(time, self.gate.enter(call.method)).await {
            // A place that was found too late is of no use.
            Some(entered) if !time.left().is_zero() => entered?,
            _ => return Err(timeout(call.method, true, time.given)),
        };
        let (mut attempts, mut all_unsent) = (1, true);
        loop {
            let error = match attempt().await {
                Ok(result) => {
                    self.budget.deposit();
                    return Ok(result);
                }
                Err(error) => error,
            };
            all_unsent &= error.is_unsent();
            // A node that is down is not flooded by what goes to another.
            let budget = (!self.nodes.have_better(&error)).then_some(&self.budget);
            match retry.wait(attempts, &error, call.repeatable, time.left(), budget) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error.after(Attempts::new(attempts, call.key), all_unsent)),
            }
            attempts += 1;
        }
    }

    /// The one place through which each attempt of each call passes. One that was certainly not sent goes to the next
    /// node at once.
    pub(crate) async fn attempt(&self, call: &Call<'_>, body: &Bytes, time: Time) -> Result<Bytes, Error> {
        let (members, mut tried) = (self.nodes.members(), Tried::default());
        let mut failure = None;
        while let Some(node) = self.nodes.pick(&members, &mut tried) {
            let (sent, began) = (Sent::default(), Instant::now());
            let (key, ends) = (self.key.header()?, time.ends);
            let outgoing = Outgoing { body: body.clone(), key, sent: sent.clone(), ends };
            let outcome = match within(time, node.transport.send(call, outgoing)).await {
                // The transport was told of the deadline too, and may notice it first.
                Some(Err(Error::Timeout { unsent, .. })) if time.left().is_zero() => {
                    Err(timeout(call.method, unsent, time.given))
                }
                Some(outcome) => outcome,
                None => Err(timeout(call.method, !sent.give_up(), time.given)),
            };
            self.nodes.learn(node, &outcome, began);
            match outcome {
                Err(error) if error.is_unsent() && error.is_retryable() && !tried.all(&members) => {
                    failure = Some(error);
                }
                outcome => return outcome,
            }
        }
        Err(failure.unwrap_or_else(|| unreachable!("there is a node")))
    }

    /// Waits before a part of a call is tried again, if it may be.
    pub(crate) async fn pause(&self, retry: &Retry, attempts: u32, time: Time) -> bool {
        let wait = retry.backoff(attempts);
        if !retry.allows(attempts) || wait >= time.left() || !self.budget.withdraw() {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    pub(crate) async fn close(&self, after: Duration) -> Result<(), Error> {
        transport::runtime()?;
        tokio::time::timeout(after, self.gate.close()).await.map_err(|_| timeout("close", false, after))
    }

    pub(crate) fn set_key(&self, key: String) -> Result<(), Error> {
        self.key.set(key)
    }

    pub(crate) fn encode<M: Method>(&self, request: &M) -> Result<Bytes, Error> {
        self.nodes.first().encode(request)
    }

    pub(crate) fn encode_raw<P: Serialize + ?Sized>(&self, method: &str, params: &P) -> Result<Bytes, Error> {
        self.nodes.first().encode_raw(method, params)
    }

    pub(crate) fn decode<M: Method>(&self, request: &Bytes, reply: &Bytes) -> Result<M::Response, Error> {
        self.nodes.first().decode::<M>(request, reply)
    }

    pub(crate) fn hide_secrets(&self, error: Error) -> Error {
        error.without(self.nodes.first().secrets()).without(&self.key.secrets())
    }

    pub(crate) fn urls(&self) -> Vec<&str> {
        self.nodes.urls().collect()
    }
}

/// What the future answers, unless it takes too long. An answer that is there beats the clock.
pub(crate) async fn within<T>(time: Time, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(time.ends.into(), future).await.ok()
}

pub(crate) fn timeout(method: &'static str, unsent: bool, after: Duration) -> Error {
    Error::Timeout { method, unsent, after, attempts: Attempts::default() }
}

fn too_large(method: &'static str, size: usize, limit: usize) -> Error {
    Error::InvalidRequest(format!(
        "{method}: the request has {size} bytes, above max_request_size, {limit}: send less at once, or raise it; \
         nothing was sent"
    ))
}
