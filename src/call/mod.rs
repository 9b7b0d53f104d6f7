//! Makes a call: with a permit, on a node, with retries where they are safe, within its deadline.

mod attempt;
mod budget;
pub(crate) mod credentials;
mod deadline;
mod in_flight;
mod missing_methods;
pub(crate) mod nodes;
mod options;
mod provider;
pub(crate) mod random;
mod retry;
mod retry_loop;
mod server_versions;
mod waiting;

use std::time::Duration;

use http::HeaderMap;

use crate::codec::Codec;
use crate::error::{Attempts, Effect, Error, InvalidRequest};
use crate::observe::{DropReason, ObservedCall, Observers};
use crate::platform::{self, in_runtime};
use crate::transport::secrets;
pub(crate) use attempt::{Attempt, request_id};
pub(crate) use budget::{Budget, DEFAULT_BUDGET, Failed};
pub use credentials::Credential;
use credentials::Credentials;
pub(crate) use deadline::Deadline;
pub(crate) use in_flight::{InFlight, Permit};
pub(crate) use missing_methods::MissingMethods;
pub(crate) use nodes::Candidate;
use nodes::Nodes;
pub(crate) use options::CallOptions;
pub(crate) use provider::Provider;
pub use retry::Retry;
pub(crate) use retry_loop::{Made, RetryLoop};
pub(crate) use server_versions::version_numbers;
pub use server_versions::{NodeVersion, ServerVersions};
pub(crate) use waiting::{Queues, Waiting};

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
    pub(crate) credentials: Credentials,
    pub(crate) in_flight: InFlight,
    /// The calls that nobody waits for.
    pub(crate) queues: Queues,
    pub(crate) budget: Budget,
    /// In bytes.
    pub(crate) max_request_size: usize,
    /// The size in bytes above which batches and broadcasts are split.
    pub(crate) split_above: Option<usize>,
    /// True if the server honours idempotency keys.
    pub(crate) honours_keys: bool,
    pub(crate) observers: Observers,
    /// True if each request gets an `X-Request-Id`.
    pub(crate) request_ids: bool,
    pub(crate) missing_methods: MissingMethods,
}

impl Inner {
    /// Admits a call: checks its size, and waits for a permit. Returns the loop of its attempts.
    pub(crate) async fn start<'a>(
        &'a self,
        info: CallInfo,
        options: &'a CallOptions,
        deadline: &'a Deadline,
        observed: &'a ObservedCall,
    ) -> Result<RetryLoop<'a>, Error> {
        // tokio's timer panics outside a runtime.
        in_runtime()?;
        self.check_size(info.method, info.size)?;
        if deadline.given.is_zero() {
            return Err(timeout(info.method, Effect::Unsent, deadline.given));
        }
        let permit = self
            .permit(info.method, options.are_queued, *deadline, observed)
            .await?;
        Ok(RetryLoop::new(
            self, info, options, deadline, observed, permit,
        ))
    }

    /// Checks that a request of that size may be sent.
    pub(crate) fn check_size(&self, method: &'static str, size: usize) -> Result<(), Error> {
        if size > self.max_request_size {
            return Err(too_large(method, size, self.max_request_size));
        }
        Ok(())
    }

    /// Returns a permit, or waits for one within the deadline.
    async fn permit(
        &self,
        method: &'static str,
        is_queued: bool,
        deadline: Deadline,
        observed: &ObservedCall,
    ) -> Result<Permit<'_>, Error> {
        if let Some(permit) = self.in_flight.try_acquire(method, is_queued) {
            return permit;
        }
        let _wait = observed.waits();
        let acquiring = self.in_flight.acquire(method, is_queued);
        match deadline.timeout(acquiring).await {
            Ok(permit) if !deadline.left().is_zero() => permit,
            // At the deadline a permit is of no use.
            _ => Err(timeout(method, Effect::Unsent, deadline.given)),
        }
    }

    /// Refuses new calls, sends those that wait in queues, and waits at most `timeout` until those in flight have
    /// ended.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<(), Error> {
        in_runtime()?;
        let ends = Deadline::new(timeout, None, None).ends();
        self.in_flight.drain();
        let dropped = self.queues.close(ends).await;
        for channel in &dropped {
            self.observers.dropped(channel, DropReason::Closed);
        }
        let closed = platform::timeout_at(ends, self.in_flight.close()).await;
        if closed.is_err() || !dropped.is_empty() {
            return Err(self::timeout("close", Effect::MayHaveRun, timeout));
        }
        Ok(())
    }

    /// Returns the encoding that all nodes use.
    pub(crate) fn codec(&self) -> Codec {
        self.nodes.common().codec
    }

    /// Returns an error without the keys, tokens and the values of headers that the server may have sent back, those of the
    /// call included.
    pub(crate) fn hide_secrets(&self, error: Error, headers: Option<&HeaderMap>) -> Error {
        error.without(&self.secrets(headers))
    }

    /// Returns the texts that no error may show, given the headers of a call.
    pub(crate) fn secrets(&self, headers: Option<&HeaderMap>) -> Vec<String> {
        let mut texts = self.nodes.common().secrets.clone();
        texts.extend(self.credentials.secrets());
        texts.extend(headers.map(secrets).unwrap_or_default());
        texts
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
