//! Batches of commands of any types: `BatchRequest` and `BatchResponse` themselves.

use super::Outcomes;
use super::item::{NOTHING, mismatch};
use crate::api::messages::{BatchRequest, BatchResponse, Command, Reply, WITHOUT_CONTENT};
use crate::api::method::{InvalidRequest, Parts};
use crate::error::ApiError;
use crate::request::broadcast;

/// Returns a batch of these commands.
pub(super) fn request(commands: Vec<Command>, parallel: bool) -> BatchRequest {
    let mut request = BatchRequest::new(commands);
    if parallel {
        request.run_in_parallel();
    }
    request
}

/// The outcomes of a reply, without the keys, methods and channels, which only the request has.
impl From<BatchResponse> for Outcomes<Reply> {
    fn from(response: BatchResponse) -> Self {
        response.replies.into_iter().map(outcome).collect()
    }
}

impl From<Outcomes<Reply>> for BatchResponse {
    fn from(outcomes: Outcomes<Reply>) -> Self {
        let replies = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|error| Reply::new().error(error)));
        Self::new().replies(replies)
    }
}

/// Returns the outcome in a reply.
fn outcome(mut reply: Reply) -> Result<Reply, ApiError> {
    match reply.error.take() {
        Some(error) => Err((*error).into()),
        None => Ok(reply),
    }
}

/// The functions that split a batch.
pub(crate) const PARTS: Parts<BatchRequest> = Parts {
    len: |request| request.commands.len(),
    take,
    give_back: |request, part| request.commands.extend(part.commands),
    finish,
    join: Outcomes::join,
    count_failed: |outcomes| outcomes.iter().filter(|one| one.is_err()).count(),
    each_message,
    resend: None,
};

/// Calls a function with the message of each error, those of channels included.
fn each_message(outcomes: &mut Outcomes<Reply>, call: &mut dyn FnMut(&mut String)) {
    for outcome in outcomes.iter_mut() {
        match outcome {
            Ok(reply) => {
                let result = reply.broadcast.iter_mut();
                let responses = result.flat_map(|result| &mut result.responses);
                for error in responses.filter_map(|response| response.error.as_mut()) {
                    call(&mut error.message);
                }
            }
            Err(error) => call(&mut error.message),
        }
    }
}

/// Adds to each error the method, the channel and the idempotency key of its command, and to the outcomes all keys.
fn finish(request: &mut BatchRequest, outcomes: &mut Outcomes<Reply>) {
    for (command, outcome) in request.commands.iter().zip(outcomes.iter_mut()) {
        if let Err(error) = outcome {
            let mut named = error.clone().about(command.channel());
            if let Some(method) = command.methods().next() {
                named = named.of(method);
            }
            *error = named.with_key(command.key().as_deref());
        }
    }
    outcomes.set_keys(keys(&request.commands));
}

/// Moves the last commands into a batch of their own.
fn take(request: &mut BatchRequest, count: usize) -> BatchRequest {
    let first = request.commands.len() - count;
    let commands = request.commands.split_off(first);
    let others = std::mem::take(&mut request.commands);
    // A schema may lack `parallel`, and add fields.
    #[allow(clippy::needless_update)]
    let part = BatchRequest {
        commands,
        ..request.clone()
    };
    request.commands = others;
    part
}

/// Gives each command that takes an idempotency key and has none its own key.
pub(crate) fn set_keys(commands: &mut [Command], key: &str) {
    for (index, command) in commands.iter_mut().enumerate() {
        command.set_key(&format!("{key}-{index}"));
    }
}

/// Returns the idempotency key of each command.
pub(crate) fn keys(commands: &[Command]) -> Vec<Option<String>> {
    commands.iter().map(Command::key).collect()
}

/// Checks each command.
pub(crate) fn check(request: &BatchRequest) -> Result<(), InvalidRequest> {
    for (index, command) in request.commands.iter().enumerate() {
        command
            .check()
            .map_err(|problem| problem.within(&format!("commands[{index}]")))?;
    }
    Ok(())
}

/// Settles the result of each command.
pub(crate) fn settle(request: &BatchRequest, outcomes: &mut Outcomes<Reply>, key: &str) {
    for (command, outcome) in request.commands.iter().zip(outcomes.iter_mut()) {
        if let Ok(reply) = outcome {
            command.settle(reply, key);
        }
    }
}

/// Checks that the payloads of each command are JSON.
pub(crate) fn check_json(commands: &[Command]) -> Result<(), InvalidRequest> {
    for (index, command) in commands.iter().enumerate() {
        command
            .check_json()
            .map_err(|problem| problem.within(&format!("commands[{index}]")))?;
    }
    Ok(())
}

/// Checks that a batch's reply has an item per command, for the command's method.
pub(crate) fn verify(request: &BatchRequest, outcomes: &Outcomes<Reply>) -> Result<(), String> {
    let asked = request.commands.len();
    let returned = outcomes.len();
    if asked != returned {
        return Err(format!("{returned} replies for {asked} commands"));
    }
    for (index, (command, outcome)) in request.commands.iter().zip(outcomes).enumerate() {
        if let Ok(reply) = outcome {
            verify_item(command, reply)
                .map_err(|problem| format!("replies[{index}]: {problem}"))?;
        }
    }
    Ok(())
}

/// Checks that a reply has a result of the command's method.
fn verify_item(command: &Command, reply: &Reply) -> Result<(), String> {
    if reply.methods().next().is_none() {
        let may_be_empty = command
            .methods()
            .all(|method| WITHOUT_CONTENT.contains(&method));
        if may_be_empty {
            return Ok(());
        }
        return Err(NOTHING.to_owned());
    }
    if !command.methods().eq(reply.methods()) {
        return Err(mismatch(reply.methods(), command.methods()));
    }
    match (&command.broadcast, &reply.broadcast) {
        (Some(broadcast), Some(result)) => {
            broadcast::verify_responses(&broadcast.channels, &result.responses)
        }
        _ => Ok(()),
    }
}
