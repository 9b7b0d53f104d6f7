use crate::{ApiError, BroadcastRequest, Error, PublishResult, api};

/// What a broadcast answers: an outcome for each channel, in the order of the request.
///
/// A broadcast succeeds though channels of it fail. [`all_ok`](Self::all_ok) makes one error of them,
/// [`failed`](Self::failed) lists them, [`outcomes`](Self::outcomes) has all. A channel that was named twice has
/// two outcomes.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a broadcast succeeds though channels of it fail: see `all_ok`, `failed` and `outcomes`"]
pub struct BroadcastResult {
    channels: Vec<String>,
    outcomes: Vec<Result<PublishResult, ApiError>>,
}

impl BroadcastResult {
    /// Joins the channels of a request to what was answered; [`verify`] has compared their numbers.
    pub(crate) fn new(channels: Vec<String>, result: api::BroadcastResult) -> Self {
        let outcomes = result
            .responses
            .into_iter()
            .map(|response| match response.error {
                Some(error) => Err(error),
                None => Ok(response.result.unwrap_or_default()),
            });
        Self {
            channels,
            outcomes: outcomes.collect(),
        }
    }

    /// The channels, as the request named them.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// The outcomes, one a channel, in the order of the request.
    pub fn outcomes(&self) -> impl ExactSizeIterator<Item = Result<&PublishResult, &ApiError>> {
        self.outcomes.iter().map(Result::as_ref)
    }

    /// The outcomes, taken.
    #[must_use]
    pub fn into_outcomes(self) -> Vec<Result<PublishResult, ApiError>> {
        self.outcomes
    }

    /// The channels that failed, with their errors.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &ApiError)> {
        let outcomes = self.channels.iter().zip(&self.outcomes);
        outcomes.filter_map(|(channel, outcome)| Some((channel.as_str(), outcome.as_ref().err()?)))
    }

    /// The results, when every channel succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::Parts`], which lists the channels that failed. In the others the data was published.
    pub fn all_ok(self) -> Result<Vec<PublishResult>, Error> {
        let failed: Vec<_> = self
            .failed()
            .map(|(channel, error)| (channel.to_owned(), error.clone()))
            .collect();
        match failed.is_empty() {
            true => Ok(self.outcomes.into_iter().flatten().collect()),
            false => Err(Error::Parts {
                method: "broadcast",
                failed,
                of: self.outcomes.len(),
            }),
        }
    }
}

/// For doubles in tests: a result of channels and their outcomes.
impl FromIterator<(String, Result<PublishResult, ApiError>)> for BroadcastResult {
    fn from_iter<I: IntoIterator<Item = (String, Result<PublishResult, ApiError>)>>(
        outcomes: I,
    ) -> Self {
        let (channels, outcomes) = outcomes.into_iter().unzip();
        Self { channels, outcomes }
    }
}

/// Checks that a broadcast's reply has a part for each channel, and that each part says how it went.
pub(crate) fn verify(
    request: &BroadcastRequest,
    result: &api::BroadcastResult,
) -> Result<(), String> {
    let (asked, answered) = (request.channels.len(), result.responses.len());
    if asked != answered {
        return Err(format!("{answered} responses for {asked} channels"));
    }
    match result
        .responses
        .iter()
        .position(|response| response.error.is_none() && response.result.is_none())
    {
        Some(index) => Err(format!(
            "responses[{index}] has neither an error nor a result"
        )),
        None => Ok(()),
    }
}
