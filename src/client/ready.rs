//! The start of a service: waits until the server is ready, and asks for its versions.

use std::time::Duration;

use super::Client;
use super::info::InfoCall;
use crate::call::{Deadline, Retry, ServerVersions};
use crate::error::{Cause, Error};
use crate::platform;
use crate::transport::tls;

/// The wait before the second question. It doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The time for the first answer. It doubles with each answer that does not come in time.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);

/// # Start-up
impl Client {
    /// Waits until the server answers, at most `timeout`: for a service that may start before Centrifugo.
    ///
    /// One node is enough, since calls then go to that node; the others may still be down. It asks by the method
    /// `info`, again and again, with up to 1 s in between, as long as no node can be reached, nodes are
    /// unavailable (HTTP 502, 503, 504, 429, gRPC `Unavailable`), or do not answer, or as long as a provider of the key
    /// fails. For all else it does not wait.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use centrifugo_api::Client;
    ///
    /// # async fn run() -> Result<(), centrifugo_api::Error> {
    /// let client = Client::new("http://localhost:8000/api", "secret")?;
    /// client.wait_until_ready(Duration::from_secs(30)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::NotReady`] after `timeout`, or the deadline of the client: with what was wrong last.
    /// - At once, the error that waiting does not mend: a refused key, a wrong path (HTTP 404), a certificate that is
    ///   not valid, a port without TLS, a reply that is not Centrifugo's, [`Error::Config`], and [`Error::Closed`] once
    ///   the client is closed.
    pub async fn wait_until_ready(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Deadline::new(timeout, self.options.latest, None);
        let mut client = self.with_retry(Retry::none());
        client.options.attempt_timeout = None;
        let mut wait = FIRST_WAIT;
        let mut patience = FIRST_PATIENCE;
        let mut failure = None;
        let mut attempts = 0;
        loop {
            let left = deadline.left();
            client.options.timeout = patience.min(left);
            // After `close`, the next question is refused.
            let asking = self.inner.in_flight.unless_closed(client.server_versions());
            let Some(outcome) = Box::pin(asking).await else {
                continue;
            };
            attempts += 1;
            let error = match outcome {
                Ok(_) => return Ok(()),
                Err(error) if !may_pass(&error) => return Err(error),
                Err(error) => error,
            };
            if error.is_timeout() {
                patience *= 2;
            }
            // A question that was cut short by the deadline says less than the one before.
            if left >= FIRST_PATIENCE || !error.is_timeout() || failure.is_none() {
                failure = Some(error);
            }
            let pause = platform::sleep(random_part(wait).min(deadline.left()));
            self.inner.in_flight.unless_closed(pause).await;
            wait = LONGEST_WAIT.min(wait * 2);
            if deadline.left().is_zero()
                && let Some(error) = failure
            {
                return Err(not_ready(error, attempts, deadline.given));
            }
        }
    }

    /// Returns the versions of Centrifugo that the nodes of the cluster run, by the method `info`.
    ///
    /// The client remembers them: later errors of methods that the server does not have tell them.
    ///
    /// # Errors
    ///
    /// Those of every call.
    pub async fn server_versions(&self) -> Result<ServerVersions, Error> {
        let versions = self.call(InfoCall::default()).await?;
        self.inner.missing_methods.learn(versions.clone());
        Ok(versions)
    }
}

/// Returns whether waiting may help: the server may be starting.
fn may_pass(error: &Error) -> bool {
    let is_lasting = match error {
        Error::Network { source, .. } => tls::is_lasting(&**source),
        _ => false,
    };
    error.is_retryable() && !is_lasting
}

/// Returns a random time from a half of the given one to all of it, so that services that start together do not ask at
/// the same moment.
fn random_part(time: Duration) -> Duration {
    let half = time / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
    half + Duration::from_nanos(platform::random_number() % nanos.max(1))
}

/// Returns the error of a server that was not ready in time.
fn not_ready(last: Error, attempts: u32, after: Duration) -> Error {
    let source: Option<Cause> = match &last {
        Error::Network { source, .. } => Some(source.clone()),
        _ => None,
    };
    Error::NotReady {
        after,
        attempts,
        last: Box::new(last),
        source,
    }
}
