//! Providers: functions of the user's that fetch credentials, and may fail, hang or panic.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::credential::Credential;

type BoxError = Box<dyn StdError + Send + Sync>;
type Fetching = Pin<Box<dyn Future<Output = Result<Credential, BoxError>> + Send>>;

/// A function that fetches a credential.
#[derive(Clone)]
pub(crate) struct Provider(Arc<dyn Fn() -> Fetching + Send + Sync>);

impl Provider {
    pub(crate) fn new<P, F, C, E>(provider: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        C: Into<Credential>,
        E: Into<BoxError>,
    {
        Self(Arc::new(move || {
            let fetching = provider();
            Box::pin(async move { fetching.await.map(Into::into).map_err(Into::into) })
        }))
    }

    /// Returns a new credential, or a text that says why there is none.
    pub(super) async fn fetch(&self) -> Result<Credential, String> {
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

impl fmt::Debug for Provider {
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
