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
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a batch succeeds although commands of it fail: see `all_ok`, or look at each outcome"]
pub struct Outcomes<T>(Vec<Result<T, ApiError>>);

impl<T> Outcomes<T> {
    pub(crate) fn new(outcomes: Vec<Result<T, ApiError>>) -> Self {
        Self(outcomes)
    }

    /// Returns the outcomes as a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<Result<T, ApiError>> {
        self.0
    }

    /// Returns the positions of the commands that failed, with their errors.
    pub fn failed(&self) -> impl Iterator<Item = (usize, &ApiError)> {
        let outcomes = self.0.iter().enumerate();
        outcomes.filter_map(|(position, outcome)| Some((position, outcome.as_ref().err()?)))
    }

    /// Returns the results, if every command succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::Partial`], which lists the positions of the commands that failed. The other commands ran.
    pub fn all_ok(self) -> Result<Vec<T>, Error> {
        let failed: Vec<_> = self
            .failed()
            .map(|(position, error)| (format!("commands[{position}]"), error.clone()))
            .collect();
        if failed.is_empty() {
            return Ok(self.0.into_iter().flatten().collect());
        }
        Err(Error::Partial {
            method: "batch",
            failed,
            of: self.0.len(),
        })
    }
}

impl<T> Deref for Outcomes<T> {
    type Target = [Result<T, ApiError>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> IntoIterator for Outcomes<T> {
    type Item = Result<T, ApiError>;
    type IntoIter = vec::IntoIter<Result<T, ApiError>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Outcomes<T> {
    type Item = &'a Result<T, ApiError>;
    type IntoIter = std::slice::Iter<'a, Result<T, ApiError>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Serializes as a list of `{"Ok": …}` and `{"Err": …}`.
impl<T: Serialize> Serialize for Outcomes<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

/// Creates outcomes, for test doubles.
impl<T> FromIterator<Result<T, ApiError>> for Outcomes<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, ApiError>>>(outcomes: I) -> Self {
        Self(outcomes.into_iter().collect())
    }
}
