//! How a call is made: through the gate, to a node, again where that is safe, and within its time.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Timeout;

use crate::error::Attempts;
use crate::gate::{Gate, Pass};
use crate::key::Key;
use crate::nodes::{Nodes, Tried};
use crate::retry::Budget;
use crate::transport::{self, Outgoing, Readable, Sent, Written};
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
        Self {
            method: M::NAME,
            name: M::NAME.into(),
            grpc_path: M::GRPC_PATH,
            repeatable,
            key,
        }
    }

    /// A batch of calls each of which is tried again by itself.
    pub(crate) fn batch() -> Self {
        let (method, grpc_path) = (BatchRequest::NAME, BatchRequest::GRPC_PATH);
        Self {
            method,
            name: method.into(),
            grpc_path,
            repeatable: false,
            key: None,
        }
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// A call by name, which only HTTP knows. Errors name a method that is in no schema by the function.
    pub(crate) fn raw(name: &'a str) -> Self {
        let known = METHODS.iter().find(|method| **method == name);
        let method = known.copied().unwrap_or("call_raw");
        Self {
            method,
            name: name.into(),
            grpc_path: "",
            repeatable: false,
            key: None,
        }
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
        Self {
            given,
            ends: now + given.min(NEVER),
        }
    }

    pub(crate) fn until(ends: Instant) -> Self {
        Self {
            given: ends.saturating_duration_since(Instant::now()),
            ends,
        }
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
    /// Lets in a call of a body of that size.
    pub(crate) async fn enter<'a>(
        &'a self,
        call: &'a Call<'a>,
        size: usize,
        retry: &'a Retry,
        time: Time,
    ) -> Result<Tries<'a>, Error> {
        // tokio's timer panics without one.
        transport::in_runtime()?;
        if size > self.max_request_size {
            return Err(too_large(call.method, size, self.max_request_size));
        }
        let late = || timeout(call.method, true, time.given);
        if time.given.is_zero() {
            return Err(late());
        }
        let pass = match self.gate.try_enter(call.method) {
            Some(entered) => entered?,
            None => match within(time, self.gate.enter(call.method)).await {
                // A place that was found too late is of no use.
                Ok(entered) if !time.left().is_zero() => entered?,
                _ => return Err(late()),
            },
        };
        Ok(Tries {
            shared: self,
            call,
            retry,
            time,
            made: 0,
            all_unsent: true,
            _pass: pass,
        })
    }

    /// The one place through which each attempt of each call passes. One that was certainly not sent goes to the next
    /// node at once.
    ///
    /// Boxed: what the transports need would be a part of each future of each method, and moved with it.
    pub(crate) fn attempt<'a>(
        &'a self,
        call: &'a Call<'_>,
        body: &'a Written,
        time: Time,
    ) -> Pin<Box<impl Future<Output = Result<Bytes, Error>>>> {
        Box::pin(self.attempt_nodes(call, body, time))
    }

    async fn attempt_nodes(
        &self,
        call: &Call<'_>,
        body: &Written,
        time: Time,
    ) -> Result<Bytes, Error> {
        let (members, mut tried) = (self.nodes.members(), Tried::default());
        let mut failure = None;
        while let Some(node) = self.nodes.pick(&members, &mut tried) {
            let (sent, began) = (Sent::default(), Instant::now());
            let (key, ends) = (self.key.header()?, time.ends);
            let outgoing = Outgoing {
                body: body.clone(),
                key,
                sent: sent.clone(),
                ends,
            };
            let outcome = match within(time, node.transport.send(call, outgoing)).await {
                // The transport was told of the deadline too, and may notice it first.
                Ok(Err(Error::Timeout { unsent, .. })) if time.left().is_zero() => {
                    Err(timeout(call.method, unsent, time.given))
                }
                Ok(outcome) => outcome,
                Err(_) => Err(timeout(call.method, !sent.give_up(), time.given)),
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
        transport::in_runtime()?;
        tokio::time::timeout(after, self.gate.close())
            .await
            .map_err(|_| timeout("close", false, after))
    }

    pub(crate) fn set_key(&self, key: String) -> Result<(), Error> {
        self.key.set(key)
    }

    pub(crate) fn encode<M: Method>(&self, request: &mut M) -> Result<Written, Error> {
        self.nodes.first().encode(request)
    }

    pub(crate) fn encode_raw<P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<Written, Error> {
        self.nodes.first().encode_raw(method, params)
    }

    pub(crate) fn decode<M: Method>(
        &self,
        request: &Written,
        reply: &Bytes,
    ) -> Result<M::Response, Error> {
        self.nodes.first().decode(M::NAME, request, reply)
    }

    /// The parts of the reply to a batch, as they are.
    pub(crate) fn split(&self, reply: &Bytes) -> Result<Vec<Bytes>, Error> {
        self.nodes.first().split(reply)
    }

    /// Reads one of them.
    pub(crate) fn decode_part<T: Readable>(
        &self,
        method: &'static str,
        part: &Bytes,
    ) -> Result<T, Error> {
        self.nodes.first().decode_part(method, part)
    }

    pub(crate) fn hide_secrets(&self, error: Error) -> Error {
        error
            .without(self.nodes.first().secrets())
            .without(&self.key.secrets())
    }

    pub(crate) fn urls(&self) -> Vec<&str> {
        self.nodes.urls().collect()
    }
}

/// A call that is in, and its tries.
pub(crate) struct Tries<'a> {
    shared: &'a Shared,
    call: &'a Call<'a>,
    retry: &'a Retry,
    time: Time,
    made: u32,
    all_unsent: bool,
    _pass: Pass<'a>,
}

impl Tries<'_> {
    /// What the call answers after such a try, unless there is to be another: then it has waited for that.
    pub(crate) async fn settle<T>(
        &mut self,
        outcome: Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let (shared, call) = (self.shared, self.call);
        let error = match outcome {
            Ok(result) => {
                shared.budget.deposit();
                return Some(Ok(result));
            }
            Err(error) => error,
        };
        self.made += 1;
        self.all_unsent &= error.is_unsent();
        // A node that is down is not flooded by what goes to another.
        let budget = (!shared.nodes.have_better(&error)).then_some(&shared.budget);
        let Some(wait) =
            self.retry
                .wait(self.made, &error, call.repeatable, self.time.left(), budget)
        else {
            return Some(Err(
                error.after(Attempts::new(self.made, call.key), self.all_unsent)
            ));
        };
        tokio::time::sleep(wait).await;
        None
    }
}

/// What the future answers, unless it takes too long. An answer that is there beats the clock.
pub(crate) fn within<F: Future>(time: Time, future: F) -> Timeout<F> {
    tokio::time::timeout_at(time.ends.into(), future)
}

pub(crate) fn timeout(method: &'static str, unsent: bool, after: Duration) -> Error {
    Error::Timeout {
        method,
        unsent,
        after,
        attempts: Attempts::default(),
    }
}

fn too_large(method: &'static str, size: usize, limit: usize) -> Error {
    Error::InvalidRequest(format!(
        "{method}: the request has {size} bytes, above max_request_size, {limit}: send less at once, or raise it; \
         nothing was sent"
    ))
}
