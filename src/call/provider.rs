//! Providers: functions of the user's that fetch something, and may fail, hang or panic.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

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
