//! Makes a call: with a permit, on a node, with retries where they are safe, within its deadline.

pub(crate) mod api_key;
mod budget;
mod deadline;
mod in_flight;
pub(crate) mod nodes;
pub(crate) mod random;
mod retry;
mod retry_loop;

use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::codec::{Codec, EncodedBody};
use crate::error::{Attempts, Effect, Error, InvalidRequest};
use crate::transport::{Gate, OutgoingRequest, Route, SendState, in_runtime};
use api_key::ApiKey;
pub(crate) use budget::{Budget, Failed};
pub(crate) use deadline::Deadline;
pub(crate) use in_flight::{InFlight, Permit};
pub(crate) use nodes::Candidate;
use nodes::{Nodes, TriedNodes, Turn};
pub use retry::Retry;
pub(crate) use retry_loop::RetryLoop;

/// The facts about a request of a call that the retry loop needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallInfo {
    pub(crate) method: &'static str,
    /// The size of the encoded request, in bytes.
    pub(crate) size: usize,
    /// True if the request may be sent again when its outcome is unknown.
    pub(crate) repeatable: bool,
    /// True if the request consists of parts, such as commands or channels.
    pub(crate) has_parts: bool,
}

/// The state that clones of a client share.
pub(crate) struct Inner {
    pub(crate) nodes: Nodes,
    pub(crate) api_key: ApiKey,
    pub(crate) in_flight: InFlight,
    pub(crate) budget: Budget,
    /// In bytes.
    pub(crate) max_request_size: usize,
    /// The size in bytes above which batches and broadcasts are split.
    pub(crate) split_above: Option<usize>,
    /// True if the server honours idempotency keys.
    pub(crate) honours_keys: bool,
}

impl Inner {
    /// Admits a call: checks its size, and waits for a permit. Returns the loop of its attempts.
    pub(crate) async fn start<'a>(
        &'a self,
        info: CallInfo,
        retry: &'a Retry,
        deadline: &'a Deadline,
    ) -> Result<RetryLoop<'a>, Error> {
        // tokio's timer panics outside a runtime.
        in_runtime()?;
        self.check_size(info.method, info.size)?;
        if deadline.given.is_zero() {
            return Err(timeout(info.method, Effect::Unsent, deadline.given));
        }
        let permit = self.permit(info.method, *deadline).await?;
        Ok(RetryLoop::new(self, info, retry, deadline, permit))
    }

    /// Checks that a request of that size may be sent.
    pub(crate) fn check_size(&self, method: &'static str, size: usize) -> Result<(), Error> {
        if size > self.max_request_size {
            return Err(too_large(method, size, self.max_request_size));
        }
        Ok(())
    }

    /// Returns a permit, or waits for one within the deadline.
    async fn permit(&self, method: &'static str, deadline: Deadline) -> Result<Permit<'_>, Error> {
        if let Some(permit) = self.in_flight.try_acquire(method) {
            return permit;
        }
        match deadline.timeout(self.in_flight.acquire(method)).await {
            Ok(permit) if !deadline.left().is_zero() => permit,
            // At the deadline a permit is of no use.
            _ => Err(timeout(method, Effect::Unsent, deadline.given)),
        }
    }

    /// Makes an attempt: the one place through which each attempt of each call passes. An attempt that was certainly
    /// not sent moves on to the next node at once.
    ///
    /// `gate` is that of a request which several calls share.
    ///
    /// Boxed, so that the transports' state is not a part of every method's future, which would be moved with it.
    pub(crate) fn attempt<'a>(
        &'a self,
        route: &'a Route<'_>,
        body: &'a EncodedBody,
        deadline: Deadline,
        candidate: Candidate,
        gate: Option<&'a Gate>,
    ) -> Pin<Box<impl Future<Output = Result<Bytes, Error>>>> {
        Box::pin(self.attempt_nodes(route, body, deadline, candidate, gate))
    }

    /// Sends a request to one node after another, until it was sent, every node was tried, or the time is over.
    async fn attempt_nodes(
        &self,
        route: &Route<'_>,
        body: &EncodedBody,
        deadline: Deadline,
        candidate: Candidate,
        gate: Option<&Gate>,
    ) -> Result<Bytes, Error> {
        let mut tried = TriedNodes::default();
        // The first node to which connecting took too long while another was up.
        let mut slow = None;
        let mut failure = None;
        while let Some(turn) = self.nodes.pick(&mut tried, candidate) {
            let index = turn.index;
            let patience = self.nodes.has_other(&tried).then(|| patience(deadline));
            let outcome = self
                .take_turn(turn, route, body, deadline, patience, gate)
                .await;
            let error = match outcome {
                Err(error) if error.is_unsent() && error.is_retryable() => error,
                outcome => return outcome,
            };
            if patience.is_some() && error.is_timeout() {
                slow.get_or_insert(index);
            }
            failure = Some(error);
            if deadline.left().is_zero() || gate.is_some_and(Gate::is_closed) {
                break;
            }
        }
        match slow {
            // No node was any faster: all the time that is left is for connecting.
            Some(index) if !deadline.left().is_zero() => {
                let turn = self.nodes.again(index);
                self.take_turn(turn, route, body, deadline, None, gate)
                    .await
            }
            _ => Err(failure.unwrap_or_else(|| unreachable!("a client has a node"))),
        }
    }

    /// Sends a request to a node. It is not sent to the node any more if it was not after `patience`.
    async fn take_turn(
        &self,
        mut turn: Turn<'_>,
        route: &Route<'_>,
        body: &EncodedBody,
        deadline: Deadline,
        patience: Option<Duration>,
        gate: Option<&Gate>,
    ) -> Result<Bytes, Error> {
        let state = SendState::behind(gate);
        let request = OutgoingRequest {
            body: body.clone(),
            key: self.api_key.header()?,
            state: state.clone(),
            ends: deadline.ends(),
        };
        let sending = turn.node.transport.send(route, request);
        let outcome = within(sending, route.method, &state, deadline, patience).await;
        let is_withdrawn = gate.is_some_and(Gate::is_closed);
        // The transport fails a request that was withdrawn, which is not the node's fault.
        if !is_withdrawn || !outcome.as_ref().is_err_and(Error::is_network) {
            turn.record(&outcome, deadline.given);
        }
        outcome.map_err(|error| error.through(turn.node.transport.proxy()))
    }

    /// Waits before parts of a call are retried. Returns false, without waiting, if they may not be.
    pub(crate) async fn pause(&self, retry: &Retry, attempts: u32, deadline: Deadline) -> bool {
        let wait = retry.backoff(attempts);
        let failed = Failed {
            started: Instant::now(),
            is_first: false,
        };
        if !retry.allows(attempts) || wait >= deadline.left() || !self.budget.withdraw(failed) {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    /// Refuses new calls, and waits at most `timeout` until those in flight have ended.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<(), Error> {
        in_runtime()?;
        tokio::time::timeout(timeout, self.in_flight.close())
            .await
            .map_err(|_| self::timeout("close", Effect::MayHaveRun, timeout))
    }

    /// Returns the encoding that all nodes use.
    pub(crate) fn codec(&self) -> Codec {
        self.nodes.first().codec()
    }

    /// Returns an error without the API keys and the values of headers that the server may have sent back.
    pub(crate) fn hide_secrets(&self, error: Error) -> Error {
        error
            .without(self.nodes.first().secrets())
            .without(&self.api_key.secrets())
    }

    pub(crate) fn urls(&self) -> Vec<&str> {
        self.nodes.urls().collect()
    }
}

/// Returns the time that a node has to connect while another one is up: a part of what is left, so that the other one
/// has enough.
fn patience(deadline: Deadline) -> Duration {
    const LONGEST: Duration = Duration::from_secs(1);
    LONGEST.min(deadline.left() / 2)
}

/// Waits for the outcome of a request until its deadline, or until `patience` is over and it was not sent.
async fn within(
    sending: impl Future<Output = Result<Bytes, Error>>,
    method: &'static str,
    state: &SendState,
    deadline: Deadline,
    patience: Option<Duration>,
) -> Result<Bytes, Error> {
    let mut sending = std::pin::pin!(sending);
    if let Some(patience) = patience {
        match tokio::time::timeout(patience, &mut sending).await {
            Ok(outcome) => return outcome,
            Err(_) if state.abandon().is_unsent() => {
                return Err(timeout(method, Effect::Unsent, patience));
            }
            Err(_) => {}
        }
    }
    match deadline.timeout(sending).await {
        // The transport knows the deadline too, and may notice it first.
        Ok(Err(Error::Timeout { effect, .. })) if deadline.left().is_zero() => {
            Err(timeout(method, effect, deadline.given))
        }
        Ok(outcome) => outcome,
        Err(_) => Err(timeout(method, state.abandon(), deadline.given)),
    }
}

/// Returns the error of a call whose deadline has passed.
pub(crate) fn timeout(method: &'static str, effect: Effect, after: Duration) -> Error {
    Error::Timeout {
        method,
        effect,
        after,
        proxy: None,
        attempts: Attempts::default(),
    }
}

/// Returns the error of a request above `max_request_size`.
fn too_large(method: &'static str, size: usize, limit: usize) -> Error {
    let problem = format!(
        "the request has {size} bytes, above max_request_size, {limit}: send less at once, or raise it"
    );
    Error::InvalidRequest(InvalidRequest::from(problem).of(method))
}
