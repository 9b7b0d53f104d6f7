use crate::{BroadcastRequest, BroadcastResult};

/// Checks that a broadcast's reply has a part for each channel, and that each part says how it went.
pub(crate) fn verify(request: &BroadcastRequest, result: &BroadcastResult) -> Result<(), String> {
    let (asked, answered) = (request.channels.len(), result.responses.len());
    if asked != answered {
        return Err(format!("{answered} responses for {asked} channels"));
    }
    match result.responses.iter().position(|response| response.error.is_none() && response.result.is_none()) {
        Some(index) => Err(format!("responses[{index}] has neither an error nor a result")),
        None => Ok(()),
    }
}
