//! Fuzzes the replies to batches.

use std::fmt::Debug;

use bytes::Bytes;
use prost::Message as _;

use super::item::BatchItem;
use super::typed::{TypedBatch, TypedReplies};
use crate::api::json;
use crate::api::messages::{
    BatchRequest, BatchResponse, BroadcastRequest, Command, DisconnectRequest, HistoryRequest,
    PublishRequest, Reply,
};
use crate::api::method::Method as _;
use crate::error::ApiError;
use crate::fuzz::fuzz;

fuzz!(batch_replies, check_replies);

/// Checks that a batch of one type and a batch of any types read a reply in the same way.
fn check_replies(input: &[u8]) {
    check::<PublishRequest>(input, |reply| reply.publish.map(|result| *result));
    check::<HistoryRequest>(input, |reply| reply.history.map(|result| *result));
    check::<BroadcastRequest>(input, |reply| {
        reply.broadcast.map(|result| (*result).into())
    });
    check::<DisconnectRequest>(input, |reply| Some(*reply.disconnect.unwrap_or_default()));
}

fn check<C: BatchItem<Result: Debug> + Default + Into<Command>>(
    input: &[u8],
    result: fn(Reply) -> Option<C::Result>,
) {
    let json = Bytes::copy_from_slice(input);
    let usual = (TypedBatch::<C>::GENERATED.read_usual)(&json);
    match serde_json::from_slice::<BatchResponse>(input) {
        Ok(response) => {
            if let Some(usual) = usual {
                compare::<C>(response.clone(), usual, result);
            }
            let read = json::from_bytes(&json).expect("it can be read");
            compare::<C>(response, read, result);
        }
        Err(error) => assert!(usual.is_none(), "it was read: {error}"),
    }
    if let Ok(response) = BatchResponse::decode(input) {
        compare::<C>(
            response,
            TypedReplies::decode(input).expect("it can be read"),
            result,
        );
    }
}

fn compare<C: BatchItem<Result: Debug> + Default + Into<Command>>(
    response: BatchResponse,
    replies: TypedReplies<C>,
    result: fn(Reply) -> Option<C::Result>,
) {
    let count = response.replies.len();
    let commands: Vec<C> = std::iter::repeat_with(C::default).take(count).collect();
    let verified = TypedBatch::new(commands, false).verify(&replies);
    let request = BatchRequest::new((0..count).map(|_| C::default()));
    assert_eq!(
        verified.is_ok(),
        request.verify(&response.clone().into()).is_ok(),
        "{}: {verified:?}",
        C::NAME
    );
    if verified.is_ok() {
        let replies_of_any_type = response.replies.into_iter();
        let outcomes: Vec<Result<C::Result, ApiError>> = replies_of_any_type
            .map(|reply| match reply.error {
                Some(error) => Err(ApiError::from(*error).of(C::NAME)),
                None => Ok(result(reply).expect("the reply was verified")),
            })
            .collect();
        // As text: NaN does not equal itself.
        assert_eq!(
            format!("{:?}", replies.outcomes),
            format!("{outcomes:?}"),
            "{}",
            C::NAME
        );
    }
}
