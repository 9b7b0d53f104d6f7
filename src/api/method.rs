use bytes::Bytes;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "_transport")]
use crate::batch::part::Received;
use crate::{ApiError, Error};

/// A method of the server API, known by its request.
///
/// The crate implements it for every rpc of the schema that it is built from. An own message can implement it
/// too and be sent with `Client::call`, for a method that the schema lacks.
pub trait Method: Message + Serialize {
    /// The method's name: the last part of its URL over HTTP, such as `presence_stats`.
    const NAME: &'static str;

    /// The path of the rpc over gRPC, such as `/centrifugal.centrifugo.api.CentrifugoApi/PresenceStats`.
    const GRPC_PATH: &'static str;

    /// The reply.
    type Response: Message + DeserializeOwned + Default;

    /// What a successful call answers.
    type Result: Send;

    /// The numbers of its fields that are payloads.
    #[doc(hidden)]
    const PAYLOADS: &'static [u32] = &[];

    /// The payload in such a field.
    #[doc(hidden)]
    fn payload_at(&mut self, tag: u32) -> Option<&mut Bytes> {
        let _ = tag;
        None
    }

    /// How a batch carries the request.
    #[doc(hidden)]
    const CARRIED: Option<Carried> = None;

    /// Reads what it answers within a batch, where one carries it.
    #[cfg(feature = "_transport")]
    #[doc(hidden)]
    fn read_part(&self, received: Received<'_>) -> Result<Self::Result, Error> {
        let _ = received;
        Err(Error::Decode {
            method: Some(Self::NAME),
            message: "no batch carries the method".to_owned(),
            source: None,
        })
    }

    /// Splits a reply into Centrifugo's error or the result; `None` when it holds neither.
    fn outcome(response: Self::Response) -> Option<Result<Self::Result, ApiError>>;

    /// Checks the request before anything is sent; the error says what contradicts.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Checks that `result` answers every part of the request; the error says what is missing.
    fn verify(&self, result: &Self::Result) -> Result<(), String> {
        let _ = result;
        Ok(())
    }

    /// Whether the request can be sent again when nobody knows whether it ran: it only reads, or does the same
    /// however often it runs, be it by its idempotency key. [`Retry`](crate::Retry) goes by it.
    fn is_repeatable(&self) -> bool {
        false
    }

    /// Gives the request an idempotency key where it takes one and has none, and says whether it did.
    #[doc(hidden)]
    fn give_key(&mut self, key: &str) -> bool {
        let _ = key;
        false
    }
}

/// How a batch carries a request.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// The number of its field in `Command`.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) tag: u32,
    /// Whether payloads are in what it answers.
    #[cfg_attr(not(feature = "_transport"), allow(dead_code))]
    pub(crate) has_payloads: bool,
}

/// [`Method::check`], as an error.
pub(crate) fn check<M: Method>(request: &M) -> Result<(), Error> {
    request.check().map_err(|problem| {
        Error::InvalidRequest(format!("{}: {problem}; nothing was sent", M::NAME))
    })
}
