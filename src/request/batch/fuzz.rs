use std::fmt::Debug;

use prost::Message as _;

use super::list::{Answers, List};
use super::part::Element;
use crate::fuzz::fuzz;
use crate::{
    ApiError, BatchRequest, BatchResponse, BroadcastRequest, Command, DisconnectRequest,
    HistoryRequest, Method as _, PublishRequest, Reply, json,
};

fuzz!(batch_replies, check_replies);

/// What answers a batch is read alike whether its commands have one type or any.
fn check_replies(input: &[u8]) {
    check::<PublishRequest>(input, |reply| reply.publish.map(|result| *result));
    check::<HistoryRequest>(input, |reply| reply.history.map(|result| *result));
    check::<BroadcastRequest>(input, |reply| reply.broadcast.map(|result| *result));
    check::<DisconnectRequest>(input, |reply| Some(*reply.disconnect.unwrap_or_default()));
}

fn check<C: Element<Result: Debug> + Default + Into<Command>>(
    input: &[u8],
    result: fn(Reply) -> Option<C::Result>,
) {
    if let Ok(response) = serde_json::from_slice(input) {
        compare::<C>(
            response,
            json::from_bytes(&input.to_vec().into()).expect("it can be read"),
            result,
        );
    }
    if let Ok(response) = BatchResponse::decode(input) {
        compare::<C>(
            response,
            Answers::decode(input).expect("it can be read"),
            result,
        );
    }
}

fn compare<C: Element<Result: Debug> + Default + Into<Command>>(
    response: BatchResponse,
    answers: Answers<C>,
    result: fn(Reply) -> Option<C::Result>,
) {
    let count = response.replies.len();
    let commands: Vec<C> = std::iter::repeat_with(C::default).take(count).collect();
    let verified = List {
        commands: &commands,
        parallel: false,
    }
    .verify(&answers);
    let request = BatchRequest::new((0..count).map(|_| C::default()));
    assert_eq!(
        verified.is_ok(),
        request.verify(&response).is_ok(),
        "{}: {verified:?}",
        C::NAME
    );
    if verified.is_ok() {
        let outcome = |reply: Reply| match reply.error {
            Some(error) => Err(*error),
            None => Ok(result(reply).expect("it was verified")),
        };
        let outcomes: Vec<Result<C::Result, ApiError>> =
            response.replies.into_iter().map(outcome).collect();
        // As text: a number that is none is not itself.
        assert_eq!(
            format!("{:?}", answers.outcomes),
            format!("{outcomes:?}"),
            "{}",
            C::NAME
        );
    }
}
