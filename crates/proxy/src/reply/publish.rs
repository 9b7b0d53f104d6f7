//! The reply to `publish`.

use centrifugo_api::Payload;

use super::format::Format;
use super::reply;
use super::setters::{edit, setters, write_twins};
use crate::failure::Failure;
use crate::messages::PublishResult;

/// The reply to [`PublishEvent`](crate::PublishEvent): Centrifugo publishes.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PublishReply {
    data: Option<Payload>,
    result: PublishResult,
}

impl PublishReply {
    /// Creates the reply that Centrifugo publishes the client's payload, as the namespace says.
    pub fn allow() -> Self {
        Self::default()
    }

    /// Keeps the publication out of the channel's history.
    pub fn skip_history(mut self, on: bool) -> Self {
        self.result.skip_history = on;
        self
    }

    fn result(mut self, format: &Format) -> Result<Option<PublishResult>, Failure> {
        check_not_empty(self.data.as_ref())?;
        write_twins!(format, self.data, self.result, data, b64data);
        Ok(Some(self.result))
    }
}

/// Checks that a payload that replaces the client's is not empty: Centrifugo would publish the client's.
pub(super) fn check_not_empty(data: Option<&Payload>) -> Result<(), Failure> {
    let is_empty = data.is_some_and(|data| data.clone().into_bytes().is_empty());
    if is_empty {
        return Err(Failure::reply(
            "`data` is empty, and Centrifugo would publish the client's payload: leave out `data` if that is meant",
        ));
    }
    Ok(())
}

setters!(PublishReply: replaced_data, tags, idempotency_key, versions);
edit!(PublishReply, PublishResult);
reply!(PublishReply, PublishRequest, PublishResponse, Reject);
