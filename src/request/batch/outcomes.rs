//! The outcomes of a batch of requests of one type.

use std::ops::Deref;
use std::vec;

use serde::ser::{Serialize, Serializer};

use crate::error::{ApiError, Error};

/// The outcomes of a batch, one per command, in their order.
///
/// A batch succeeds even if some of its commands fail. [`all_ok`](Self::all_ok) turns failures into one error;
/// otherwise this is a list of `Result`s.
///
/// ```no_run
/// use centrifugo_api::{Client, PublishRequest};
///
/// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
/// let batch = vec![PublishRequest::new("news", "1"), PublishRequest::new("sports", "2")];
/// for outcome in client.batch(batch).await? {
///     match outcome {
///         Ok(result) => println!("offset {}", result.offset),
///         Err(error) => println!("failed: {error}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a batch succeeds although commands of it fail: see `all_ok`, or look at each outcome"]
pub struct Outcomes<T> {
    outcomes: Vec<Result<T, ApiError>>,
    /// The idempotency key of each command; empty if no command has one.
    keys: Vec<Option<String>>,
}

impl<T> Outcomes<T> {
    pub(crate) fn new(outcomes: Vec<Result<T, ApiError>>) -> Self {
        Self {
            outcomes,
            keys: Vec::new(),
        }
    }

    /// Sets the idempotency key of each command.
    pub(crate) fn set_keys(&mut self, keys: Vec<Option<String>>) {
        if keys.iter().any(Option::is_some) {
            self.keys = keys;
        }
    }

    /// Appends the outcomes of the commands that follow.
    pub(super) fn join(&mut self, next: Self) {
        let count = self.outcomes.len();
        self.outcomes.extend(next.outcomes);
        if !self.keys.is_empty() || !next.keys.is_empty() {
            self.keys.resize(count, None);
            self.keys.extend(next.keys);
            self.keys.resize(self.outcomes.len(), None);
        }
    }

    /// Returns the outcomes, to be changed.
    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Result<T, ApiError>> {
        self.outcomes.iter_mut()
    }

    /// Returns the outcomes as a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<Result<T, ApiError>> {
        self.outcomes
    }

    /// Returns the positions of the commands that failed, with their errors.
    pub fn failed(&self) -> impl Iterator<Item = (usize, &ApiError)> {
        let outcomes = self.outcomes.iter().enumerate();
        outcomes.filter_map(|(position, outcome)| Some((position, outcome.as_ref().err()?)))
    }

    /// Returns the idempotency key of each command, in the order of the commands; `None` for a command without a key.
    /// Empty if no command has one. To send the batch again, give each command its key.
    #[must_use]
    pub fn idempotency_keys(&self) -> Vec<Option<&str>> {
        self.keys.iter().map(Option::as_deref).collect()
    }

    /// Returns the results, if every command succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::Partial`], which lists the positions of the commands that failed. The other commands ran. A broadcast
    /// succeeds as a command although channels of it fail: its result has an outcome for each.
    pub fn all_ok(self) -> Result<Vec<T>, Error> {
        let failed: Vec<_> = self
            .failed()
            .map(|(position, error)| (format!("commands[{position}]"), error.clone()))
            .collect();
        if failed.is_empty() {
            return Ok(self.outcomes.into_iter().flatten().collect());
        }
        Err(Error::Partial {
            method: "batch",
            failed,
            of: self.outcomes.len(),
        })
    }
}

impl<T> Deref for Outcomes<T> {
    type Target = [Result<T, ApiError>];

    fn deref(&self) -> &Self::Target {
        &self.outcomes
    }
}

impl<T> IntoIterator for Outcomes<T> {
    type Item = Result<T, ApiError>;
    type IntoIter = vec::IntoIter<Result<T, ApiError>>;

    fn into_iter(self) -> Self::IntoIter {
        self.outcomes.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Outcomes<T> {
    type Item = &'a Result<T, ApiError>;
    type IntoIter = std::slice::Iter<'a, Result<T, ApiError>>;

    fn into_iter(self) -> Self::IntoIter {
        self.outcomes.iter()
    }
}

/// Serializes as a list of `{"Ok": …}` and `{"Err": …}`.
impl<T: Serialize> Serialize for Outcomes<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.outcomes)
    }
}

/// Creates outcomes, for test doubles.
impl<T> FromIterator<Result<T, ApiError>> for Outcomes<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, ApiError>>>(outcomes: I) -> Self {
        Self::new(outcomes.into_iter().collect())
    }
}
