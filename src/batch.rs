use crate::{BatchRequest, BatchResponse, Command, Reply};

/// Checks that a batch's reply has a part for each command, of the command's kind.
pub(crate) fn verify(request: &BatchRequest, response: &BatchResponse) -> Result<(), String> {
    let (asked, answered) = (request.commands.len(), response.replies.len());
    if asked != answered {
        return Err(format!("{answered} replies for {asked} commands"));
    }
    for (index, (command, reply)) in request.commands.iter().zip(&response.replies).enumerate() {
        verify_part(command, reply).map_err(|problem| format!("replies[{index}]: {problem}"))?;
    }
    Ok(())
}

fn verify_part(command: &Command, reply: &Reply) -> Result<(), String> {
    if reply.error.is_some() {
        return Ok(());
    }
    let (asked, answered) = (command.parts(), reply.parts());
    // A result in which nothing is set may be left out.
    if !answered.is_empty() && answered != asked {
        return Err(format!("answers `{}` to the command `{}`", answered.join(", "), asked.join(", ")));
    }
    match (&command.broadcast, &reply.broadcast) {
        (Some(broadcast), result) => {
            crate::broadcast::verify(broadcast, result.as_deref().unwrap_or(&Default::default()))
        }
        (None, _) => Ok(()),
    }
}
