//! An attempt of a call: on one node after another, until it was sent.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::credentials::{CredentialHeaders, secrets_in};
use super::nodes::{Candidate, TriedNodes, Turn};
use super::{Deadline, Inner, random, timeout};
use crate::codec::EncodedBody;
use crate::error::{Effect, Error};
use crate::observe::{ObservedAttempt, ObservedCall};
use crate::platform;
use crate::transport::{Gate, OutgoingRequest, Reply, Route, SendState, Transport};

/// The header of a request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An attempt that is due.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) deadline: Deadline,
    pub(crate) candidate: Candidate,
    pub(crate) call: &'a ObservedCall,
    /// The headers of the call, in addition to those of all calls.
    pub(crate) headers: Option<&'a HeaderMap>,
    /// The gate of a request that several calls share.
    pub(crate) gate: Option<&'a Gate>,
}

/// An attempt of a request, with the credentials for it.
struct Sending<'a> {
    route: &'a Route<'a>,
    body: &'a EncodedBody,
    attempt: Attempt<'a>,
    credentials: CredentialHeaders,
}

/// Returns the id of a request with these headers.
pub(crate) fn request_id(headers: Option<&HeaderMap>) -> Option<&str> {
    let id = headers?.get(REQUEST_ID)?.to_str().ok()?;
    Some(id).filter(|id| !id.is_empty())
}

/// A function that decodes a reply, and keeps the result.
pub(crate) type Read<'a> = dyn FnMut(Bytes) -> Result<(), Error> + Send + 'a;

impl Inner {
    /// Makes an attempt, and reads its reply: the one place through which each attempt of each call passes. An attempt
    /// that was certainly not sent moves on to the next node at once.
    ///
    /// Boxed, so that the transports' state is not a part of every method's future, which would be moved with it. In three
    /// boxes of at most 1 KiB, which `malloc` has at hand: for a larger one it searches.
    pub(crate) fn attempt<'a>(
        &'a self,
        route: &'a Route<'_>,
        body: &'a EncodedBody,
        attempt: Attempt<'a>,
        read: &'a mut Read<'_>,
    ) -> Pin<Box<impl Future<Output = Result<(), Error>>>> {
        let mut sending = Sending {
            route,
            body,
            attempt,
            credentials: CredentialHeaders::default(),
        };
        // A block in place of an `async fn`, which would keep its arguments twice.
        Box::pin(async move { self.attempt_authorized(&mut sending, read).await })
    }

    /// Sends a request with the credentials at hand, and once more if the server refused them and there are others: it
    /// has certainly not run.
    async fn attempt_authorized(
        &self,
        sending: &mut Sending<'_>,
        read: &mut Read<'_>,
    ) -> Result<(), Error> {
        let method = sending.route.method;
        let Attempt {
            deadline, headers, ..
        } = sending.attempt;
        self.nodes.refresh(deadline).await;
        let credentials = self.credentials.headers(method, deadline).await;
        sending.credentials = credentials.map_err(|error| self.hide_secrets(error, headers))?;
        let error = match self.attempt_nodes(sending, read).await {
            Err(error) if error.is_unauthorized() => error,
            outcome => return outcome,
        };
        let refused = &sending.credentials;
        let others = self.credentials.instead_of(refused, method, deadline).await;
        let Some(others) = others else {
            return Err(error);
        };
        sending.credentials = others;
        self.attempt_nodes(sending, read).await
    }

    /// Sends a request to one node after another, until it was sent, every node was tried, or the time is over.
    async fn attempt_nodes(&self, sending: &Sending<'_>, read: &mut Read<'_>) -> Result<(), Error> {
        let attempt = &sending.attempt;
        let deadline = &attempt.deadline;
        let nodes = self.nodes.current();
        let mut tried = TriedNodes::default();
        // The first node to which connecting took too long while another was up.
        let mut slow = None;
        let mut failure = None;
        while let Some(turn) = nodes.pick(&mut tried, attempt.candidate) {
            let index = turn.index;
            let patience = nodes.has_other(&tried).then(|| patience(*deadline));
            let outcome = Box::pin(self.take_turn(turn, sending, patience, &mut *read)).await;
            let error = match outcome {
                Err(error) if error.is_unsent() && error.is_retryable() => error,
                outcome => return outcome,
            };
            if patience.is_some() && error.is_timeout() {
                slow.get_or_insert(index);
            }
            failure = Some(error);
            if deadline.left().is_zero() || attempt.gate.is_some_and(Gate::is_closed) {
                break;
            }
        }
        match slow {
            // No node was any faster: all the time that is left is for connecting.
            Some(index) if !deadline.left().is_zero() => {
                let turn = nodes.again(index);
                Box::pin(self.take_turn(turn, sending, None, read)).await
            }
            _ => Err(failure.unwrap_or_else(|| unreachable!("a client has a node"))),
        }
    }

    /// Sends a request to a node, and reads the reply. It is not sent to the node any more if it was not after
    /// `patience`.
    async fn take_turn(
        &self,
        mut turn: Turn<'_>,
        sending: &Sending<'_>,
        patience: Option<Duration>,
        read: &mut Read<'_>,
    ) -> Result<(), Error> {
        let attempt = &sending.attempt;
        let transport = &turn.node.transport;
        let (request, observed) = sending.request_to(transport);
        let reply = within(
            transport.send(sending.route, &request),
            sending.route.method,
            &request.state,
            attempt.deadline,
            patience,
        );
        let reply = reply.await;
        let is_withdrawn = attempt.gate.is_some_and(Gate::is_closed);
        // The transport fails a request that was withdrawn, which is not the node's fault.
        if !is_withdrawn || !reply.as_ref().is_err_and(Error::is_network) {
            turn.record(&reply, attempt.deadline.given);
        }
        let size = reply.as_ref().ok().map(Bytes::len);
        let outcome = reply.and_then(read);
        let outcome = outcome.map_err(|error| {
            let error = error.through(transport.proxy());
            let error = error.without(&secrets_in(&sending.credentials));
            self.hide_secrets(error, attempt.headers)
        });
        if let Some(observed) = observed {
            observed.ends(&outcome, size, request.state.peer());
        }
        outcome
    }

    /// Returns the headers of a request, given those of its call, with an id if each request gets one.
    pub(crate) fn headers(
        &self,
        own: Option<&Arc<HeaderMap>>,
    ) -> Result<Option<Arc<HeaderMap>>, Error> {
        let has_id = own.is_some_and(|own| own.contains_key(REQUEST_ID));
        if has_id || !self.request_ids {
            return Ok(own.cloned());
        }
        let mut headers = own.map(|own| HeaderMap::clone(own)).unwrap_or_default();
        let id = HeaderValue::try_from(random::uuid()?);
        headers.extend(id.ok().map(|id| (REQUEST_ID, id)));
        Ok(Some(Arc::new(headers)))
    }
}

impl Sending<'_> {
    /// Returns the request to a node, with the headers that observers have added, and what observes it.
    fn request_to<'b>(
        &'b self,
        transport: &'b Transport,
    ) -> (OutgoingRequest<'b>, Option<ObservedAttempt<'b>>) {
        let attempt = &self.attempt;
        let mut headers = attempt.headers.cloned().unwrap_or_default();
        let observed = attempt.call.attempt(
            self.route.method,
            transport.url(),
            self.body.len(),
            request_id(attempt.headers),
            &mut headers,
        );
        let request = OutgoingRequest {
            body: self.body,
            credentials: &self.credentials,
            headers: transport.allowed(headers),
            state: SendState::behind(attempt.gate),
            ends: attempt.deadline.ends(),
        };
        (request, observed)
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
    mut sending: Reply<'_>,
    method: &'static str,
    state: &SendState,
    deadline: Deadline,
    patience: Option<Duration>,
) -> Result<Bytes, Error> {
    if let Some(patience) = patience {
        match platform::timeout(patience, &mut sending).await {
            Ok(outcome) => return outcome,
            Err(_) if state.abandon().is_unsent() => {
                return Err(timeout(method, Effect::Unsent, patience));
            }
            Err(_) => {}
        }
    }
    // The request is dropped only after it was abandoned.
    match deadline.timeout(&mut sending).await {
        // The transport knows the deadline too, and may notice it first.
        Ok(Err(Error::Timeout { effect, .. })) if deadline.left().is_zero() => {
            Err(timeout(method, effect, deadline.given))
        }
        Ok(outcome) => outcome,
        Err(_) => Err(timeout(method, state.abandon(), deadline.given)),
    }
}
