//! The outcomes of a broadcast.

use std::collections::HashSet;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::api;
use crate::api::messages::{BroadcastRequest, PublishResponse, PublishResult};
use crate::api::method::{Parts, Resend, key_of};
use crate::error::{ApiError, Attempts, Effect, Error};

/// The result of a broadcast: an outcome per channel, in the order of the request.
///
/// A broadcast succeeds even if some of its channels fail. [`all_ok`](Self::all_ok) turns failures into one error,
/// [`failed`](Self::failed) lists them, and [`outcomes`](Self::outcomes) has all outcomes. A channel that was named
/// twice has two outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a broadcast succeeds although channels of it fail: see `all_ok`, `failed` and `outcomes`"]
pub struct BroadcastResult {
    channels: Vec<String>,
    outcomes: Vec<Result<PublishResult, ApiError>>,
    idempotency_key: Option<String>,
    /// The position of the first response with neither an error nor a result, until [`verify`] refuses it.
    incomplete: Option<usize>,
}

impl BroadcastResult {
    /// Returns the channels, as the request named them.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// Returns the outcomes, one per channel, in the order of the request.
    pub fn outcomes(&self) -> impl ExactSizeIterator<Item = Result<&PublishResult, &ApiError>> {
        self.outcomes.iter().map(Result::as_ref)
    }

    /// Returns the outcomes by value.
    #[must_use]
    pub fn into_outcomes(self) -> Vec<Result<PublishResult, ApiError>> {
        self.outcomes
    }

    /// Returns the channels that failed, with their errors.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &ApiError)> {
        let outcomes = self.channels.iter().zip(&self.outcomes);
        outcomes.filter_map(|(channel, outcome)| Some((channel.as_str(), outcome.as_ref().err()?)))
    }

    /// Returns the idempotency key of the broadcast: its own, or the one that
    /// [`Retry::idempotency_keys`](crate::Retry::idempotency_keys) generated. With it, the channels that failed can be
    /// sent again without publishing twice.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// Returns the results, if every channel succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::Partial`], which lists the channels that failed. The data was published in the other channels.
    pub fn all_ok(self) -> Result<Vec<PublishResult>, Error> {
        let failed: Vec<_> = self
            .failed()
            .map(|(channel, error)| (channel.to_owned(), error.clone()))
            .collect();
        if failed.is_empty() {
            return Ok(self.outcomes.into_iter().flatten().collect());
        }
        Err(Error::Partial {
            method: "broadcast",
            failed,
            of: self.outcomes.len(),
        })
    }
}

impl BroadcastResult {
    /// Returns the outcomes of a reply with the channels that they are for and the idempotency key, also in its errors.
    pub(crate) fn of_request(mut self, channels: Vec<String>, key: Option<String>) -> Self {
        self.channels = channels;
        for (channel, outcome) in self.channels.iter().zip(&mut self.outcomes) {
            if let Err(error) = outcome {
                let error_of_channel = error.clone().of("broadcast").about(Some(channel));
                *error = error_of_channel.with_key(key.as_deref());
            }
        }
        self.idempotency_key = key;
        self
    }
}

/// Creates a result from channels and their outcomes, for test doubles.
impl FromIterator<(String, Result<PublishResult, ApiError>)> for BroadcastResult {
    fn from_iter<I>(outcomes: I) -> Self
    where
        I: IntoIterator<Item = (String, Result<PublishResult, ApiError>)>,
    {
        let (channels, outcomes) = outcomes.into_iter().unzip();
        Self {
            channels,
            outcomes,
            ..Self::default()
        }
    }
}

/// Serializes as `{"channels": [...], "outcomes": [{"Ok": ...}, {"Err": ...}]}`.
impl Serialize for BroadcastResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut result = serializer.serialize_struct("BroadcastResult", 2)?;
        result.serialize_field("channels", &self.channels)?;
        result.serialize_field("outcomes", &self.outcomes)?;
        result.end()
    }
}

/// The outcomes of a reply, without the channels, which only the request has.
impl From<api::BroadcastResult> for BroadcastResult {
    fn from(result: api::BroadcastResult) -> Self {
        let incomplete = incomplete(&result.responses);
        let responses = result.responses.into_iter();
        let outcomes = responses.map(|response| match (response.error, response.result) {
            (Some(error), _) => Err(ApiError::from(error)),
            (None, result) => Ok(result.unwrap_or_default()),
        });
        Self {
            outcomes: outcomes.collect(),
            incomplete,
            ..Self::default()
        }
    }
}

impl From<BroadcastResult> for api::BroadcastResult {
    fn from(result: BroadcastResult) -> Self {
        let responses = result.outcomes.into_iter().map(|outcome| match outcome {
            Ok(result) => api::PublishResponse::new().result(result),
            Err(error) => api::PublishResponse::new().error(error),
        });
        Self::new().responses(responses)
    }
}

/// Returns whether a channel is named twice. With an idempotency key, only its first publication would take place.
pub(crate) fn names_twice(channels: &[String]) -> bool {
    let mut seen = HashSet::with_capacity(channels.len());
    !channels.iter().all(|channel| seen.insert(channel))
}

/// Checks that the result has an outcome per channel, each with an error or a result.
pub(crate) fn verify(request: &BroadcastRequest, result: &BroadcastResult) -> Result<(), String> {
    verify_count(&request.channels, result.outcomes.len(), result.incomplete)
}

/// Checks that the reply to a broadcast in a batch has a response per channel, each with an error or a result.
pub(super) fn verify_responses(
    channels: &[String],
    responses: &[PublishResponse],
) -> Result<(), String> {
    verify_count(channels, responses.len(), incomplete(responses))
}

fn verify_count(
    channels: &[String],
    returned: usize,
    incomplete: Option<usize>,
) -> Result<(), String> {
    let asked = channels.len();
    if asked != returned {
        return Err(format!("{returned} responses for {asked} channels"));
    }
    match incomplete {
        Some(position) => Err(format!(
            "responses[{position}] has neither an error nor a result"
        )),
        None => Ok(()),
    }
}

/// Returns the position of the first response with neither an error nor a result.
fn incomplete(responses: &[PublishResponse]) -> Option<usize> {
    responses
        .iter()
        .position(|response| response.error.is_none() && response.result.is_none())
}

/// The functions that split a broadcast, and retry its failed channels.
pub(crate) const PARTS: Parts<BroadcastRequest> = Parts {
    len: |request| request.channels.len(),
    take,
    give_back: |request, part| request.channels.extend(part.channels),
    finish,
    join,
    count_failed: |result| result.failed().count(),
    each_message,
    resend: Some(Resend {
        failed,
        request: request_for,
        replace,
        note,
    }),
};

/// Moves the last channels into a broadcast of their own.
fn take(request: &mut BroadcastRequest, count: usize) -> BroadcastRequest {
    let first = request.channels.len() - count;
    let channels = request.channels.split_off(first);
    let others = std::mem::take(&mut request.channels);
    let part = BroadcastRequest {
        channels,
        ..request.clone()
    };
    request.channels = others;
    part
}

/// Moves the channels into the result.
fn finish(request: &mut BroadcastRequest, result: &mut BroadcastResult) {
    let channels = std::mem::take(&mut request.channels);
    *result = std::mem::take(result).of_request(channels, key_of(request));
}

/// Appends the outcomes of the channels that follow.
fn join(result: &mut BroadcastResult, next: BroadcastResult) {
    result.channels.extend(next.channels);
    result.outcomes.extend(next.outcomes);
}

/// Calls a function with the message of each channel's error.
fn each_message(result: &mut BroadcastResult, call: &mut dyn FnMut(&mut String)) {
    for error in result
        .outcomes
        .iter_mut()
        .filter_map(|one| one.as_mut().err())
    {
        call(&mut error.message);
    }
}

/// Returns the positions of the channels that failed temporarily.
fn failed(result: &BroadcastResult) -> Vec<usize> {
    let outcomes = result.outcomes.iter().enumerate();
    outcomes
        .filter(|(_, outcome)| outcome.as_ref().is_err_and(ApiError::is_temporary))
        .map(|(position, _)| position)
        .collect()
}

/// Returns a broadcast to the channels at these positions of the result.
fn request_for(
    request: &BroadcastRequest,
    result: &BroadcastResult,
    positions: &[usize],
) -> BroadcastRequest {
    let channels = positions
        .iter()
        .map(|position| result.channels[*position].clone());
    BroadcastRequest {
        channels: channels.collect(),
        ..request.clone()
    }
}

/// Replaces the outcomes at these positions.
fn replace(result: &mut BroadcastResult, positions: &[usize], again: BroadcastResult) {
    for (position, outcome) in positions.iter().zip(again.outcomes) {
        result.outcomes[*position] = outcome;
    }
}

/// Adds the number of attempts to the errors at these positions, and whether one of the attempts may have run.
fn note(result: &mut BroadcastResult, positions: &[usize], attempts: u32, may_have_run: bool) {
    let effect = if may_have_run {
        Effect::MayHaveRun
    } else {
        Effect::Unsent
    };
    for position in positions {
        if let Err(error) = &mut result.outcomes[*position] {
            error.set_attempts(Attempts::new(attempts, effect, 0, 1));
        }
    }
}
