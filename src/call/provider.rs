//! Providers: functions of the user's that fetch something, and may fail, hang or panic.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::rounded;
use crate::platform::{self, RuntimeId, Spawner};

/// The time that a provider has, whatever the time of the calls that wait for it.
const LONGEST: Duration = Duration::from_secs(30);

type BoxError = Box<dyn StdError + Send + Sync>;
type Fetching<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A function that fetches a `T`.
pub(crate) struct Provider<T>(Arc<dyn Fn() -> Fetching<T> + Send + Sync>);

impl<T: 'static> Provider<T> {
    pub(crate) fn new<P, F, C, E>(provider: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        C: Into<T>,
        E: Into<BoxError>,
    {
        Self(Arc::new(move || {
            let fetching = provider();
            Box::pin(async move { fetching.await.map(Into::into).map_err(Into::into) })
        }))
    }

    /// Returns what the function fetches, or a text that says why there is nothing.
    pub(super) async fn fetch(&self) -> Result<T, String> {
        let fetched = platform::timeout(LONGEST, self.call()).await;
        fetched.unwrap_or_else(|_| Err(silence(LONGEST)))
    }

    async fn call(&self) -> Result<T, String> {
        let started = catch_unwind(AssertUnwindSafe(|| (self.0)()));
        let mut fetching = started.map_err(|_| panicked())?;
        poll_fn(move |context| {
            let polled = catch_unwind(AssertUnwindSafe(|| fetching.as_mut().poll(context)));
            match polled {
                Ok(polled) => polled.map_err(|error| chain(&*error)),
                Err(_) => Poll::Ready(Err(panicked())),
            }
        })
        .await
    }
}

impl<T> Clone for Provider<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Provider<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Provider")
    }
}

fn panicked() -> String {
    "it panicked".to_owned()
}

/// Returns the text of an error and its causes.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Returns the text about a provider that did not return in time.
pub(super) fn silence(given: Duration) -> String {
    format!("it returned nothing within {}", rounded(given))
}

/// The outcome of a fetch: a `T`, or a text that says why there is none.
type Outcome<T> = Result<T, String>;

/// The fetches that are running, one per runtime at most, in tasks of their own: none ends or stands still with the call
/// that started it.
pub(super) struct Fetches<T>(Mutex<Vec<Running<T>>>);

struct Running<T> {
    runtime: RuntimeId,
    /// Gone when the fetch has ended.
    outcome: Weak<watch::Sender<Option<Outcome<T>>>>,
}

/// A fetch that a call has joined.
pub(super) enum Joined<T> {
    /// Another one has just ended.
    Ready(T),
    Running(watch::Receiver<Option<Outcome<T>>>),
}

impl<T> Default for Fetches<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Fetches<T> {
    /// Joins the fetch of the caller's runtime, or starts one, unless `ready` returns what it would fetch.
    pub(super) fn join<F>(
        &self,
        ready: impl FnOnce() -> Option<T>,
        fetch: impl FnOnce() -> F,
    ) -> Option<Joined<T>>
    where
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let spawner = Spawner::current()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|running| running.outcome.strong_count() > 0);
        let mut of_runtime = all.iter().filter(|running| running.runtime == spawner.id());
        if let Some(outcome) = of_runtime.find_map(|running| running.outcome.upgrade()) {
            return Some(Joined::Running(outcome.subscribe()));
        }
        if let Some(ready) = ready() {
            return Some(Joined::Ready(ready));
        }
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        all.push(Running {
            runtime: spawner.id(),
            outcome: Arc::downgrade(&sender),
        });
        drop(all);
        let fetching = fetch();
        spawner.spawn(async move {
            let outcome = fetching.await;
            sender.send_if_modified(|ended| {
                let is_first = ended.is_none();
                ended.get_or_insert(outcome);
                is_first
            });
        });
        Some(Joined::Running(receiver))
    }

    /// Gives those that wait something else than what is being fetched.
    pub(super) fn end_with(&self, value: &T) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for outcome in all.iter().filter_map(|running| running.outcome.upgrade()) {
            outcome.send_replace(Some(Ok(value.clone())));
        }
    }
}

impl<T: Clone> Joined<T> {
    /// Waits for the outcome.
    pub(super) async fn outcome(self) -> Outcome<T> {
        let mut running = match self {
            Self::Ready(ready) => return Ok(ready),
            Self::Running(running) => running,
        };
        let ended = running.wait_for(Option::is_some).await;
        let outcome = ended.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err("the runtime in which it was called has ended".to_owned()))
    }
}
