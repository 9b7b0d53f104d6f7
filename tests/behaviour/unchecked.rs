//! Requests that the client refuses before anything is sent, as the server would.

use std::fmt::Debug;

use centrifugo_api::bytes::{Buf, BufMut};
use centrifugo_api::prost::encoding::{DecodeContext, WireType};
use centrifugo_api::prost::{DecodeError, Message};
use centrifugo_api::{Error, Method, api};
use serde::{Serialize, Serializer};

use crate::harness::{Env, code, failure};

/// A request that the client does not check, so that the server sees it.
#[derive(Debug, Default)]
pub(crate) struct Unchecked<M>(pub(crate) M);

/// Checks that the client refuses a request that lacks `field`, and that the server refuses it too.
pub(crate) async fn assert_bad_request<M>(env: &Env, request: M, field: &str)
where
    M: Method<Result: Debug> + Clone,
{
    let case = format!("{}: `{field}`", M::NAME);
    let error = failure(env.client.call(request.clone()).await);
    let Error::InvalidRequest(refusal) = &error else {
        panic!("{case}: expected a refusal by the client, not {error:?}");
    };
    assert_eq!(refusal.field(), Some(field), "{case}: {error}");
    assert_eq!(error.api_code(), Some(107), "{case}: {error}");
    assert!(error.is_unsent(), "{case}: {error}");
    let refused = env.client.call(Unchecked(request)).await;
    assert_eq!(code(refused), 107, "{case}");
}

impl<M: Method> Method for Unchecked<M> {
    const NAME: &'static str = M::NAME;
    const GRPC_PATH: &'static str = M::GRPC_PATH;
    type Response = M::Response;
    type Result = M::Result;

    fn outcome(response: M::Response) -> Option<Result<M::Result, api::Error>> {
        M::outcome(response)
    }
}

impl<M: Serialize> Serialize for Unchecked<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<M: Message> Message for Unchecked<M> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        self.0.encode_raw(buffer);
    }

    fn encoded_len(&self) -> usize {
        self.0.encoded_len()
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.0.merge_field(tag, wire_type, buffer, context)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
