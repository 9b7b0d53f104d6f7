//! Refusals: how the command of a client ends without success.

use centrifugo_api::{ApiError, Error};
use centrifugo_proxy::EventMessage;
use centrifugo_proxy::messages;
use centrifugo_proxy::messages::{
    ConnectResponse, MapPublishResponse, MapRemoveResponse, PublishResponse, RefreshResponse,
    RpcResponse, SubRefreshResponse, SubscribeResponse,
};

use super::options::{ProxyOptions, TransformedTo};
use super::proxy::Unanswered;
use crate::errors::internal;
use crate::state::connections::CloseReason;

/// The end of a client's command without success.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The client gets an error.
    Error(ApiError),
    /// The client's connection ends.
    Disconnect { code: u32, reason: String },
    /// The server cannot ask, because it is configured wrongly.
    Misconfigured(String),
    /// A refusal that the client has got already.
    Known(Error),
}

impl Refusal {
    /// Forgets that the client may try again: Centrifugo does, where a stream is refused.
    pub(crate) fn without_temporary(self) -> Self {
        match self {
            Self::Error(mut error) if error.code != ApiError::INTERNAL => {
                error.temporary = false;
                Self::Error(error)
            }
            other => other,
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl From<CloseReason<'_>> for Refusal {
    fn from(reason: CloseReason<'_>) -> Self {
        Self::Disconnect {
            code: reason.code,
            reason: reason.text.to_owned(),
        }
    }
}

/// Returns error 100, which says that the client may try again.
pub(crate) fn failed() -> Refusal {
    let mut error = internal();
    error.temporary = true;
    Refusal::Error(error)
}

/// Returns the outcome of a command whose connection has ended before.
pub(crate) fn closed() -> Refusal {
    Refusal::Known(ApiError::new(3000, "connection closed").into())
}

/// A response that can refuse.
pub(crate) trait Refusable {
    /// Takes the refusal; a disconnect comes before an error.
    fn take_refusal(&mut self) -> Option<Refusal>;
}

macro_rules! refusable {
    ($($response:ident),+) => {$(
        impl Refusable for $response {
            fn take_refusal(&mut self) -> Option<Refusal> {
                refusal(self.disconnect.take(), self.error.take())
            }
        }
    )+};
}

refusable!(
    ConnectResponse,
    SubscribeResponse,
    PublishResponse,
    RpcResponse,
    MapPublishResponse,
    MapRemoveResponse,
    RefreshResponse,
    SubRefreshResponse
);

fn refusal(
    disconnect: Option<messages::Disconnect>,
    error: Option<messages::Error>,
) -> Option<Refusal> {
    if let Some(disconnect) = disconnect {
        return Some(disconnect.into());
    }
    error.map(Refusal::from)
}

impl From<messages::Disconnect> for Refusal {
    fn from(disconnect: messages::Disconnect) -> Self {
        Self::Disconnect {
            code: disconnect.code,
            reason: disconnect.reason,
        }
    }
}

impl From<messages::Error> for Refusal {
    fn from(error: messages::Error) -> Self {
        let mut api_error = ApiError::new(error.code, error.message);
        api_error.temporary = error.temporary;
        Self::Error(api_error)
    }
}

/// Returns the response, or the refusal of a command.
pub(crate) fn accepted<M>(
    answer: Result<M::Response, Unanswered>,
    options: &ProxyOptions,
) -> Result<M::Response, Refusal>
where
    M: EventMessage,
    M::Response: Refusable,
{
    match answer {
        Ok(mut response) => match response.take_refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(response),
        },
        Err(Unanswered::Status(status)) => Err(transformed(status, options).unwrap_or_else(failed)),
        Err(Unanswered::Failed) => Err(failed()),
        Err(Unanswered::Ended) => Err(closed()),
        Err(Unanswered::Misconfigured(problem)) => Err(Refusal::Misconfigured(problem)),
    }
}

/// Returns what a status of HTTP stands for, if the options say it.
pub(crate) fn transformed(status: u16, options: &ProxyOptions) -> Option<Refusal> {
    let mut transforms = options.status_transforms.iter();
    let transform = transforms.find(|transform| transform.status == status)?;
    Some(match transform.to.clone() {
        TransformedTo::Error(error) => error.into(),
        TransformedTo::Disconnect(disconnect) => disconnect.into(),
    })
}
