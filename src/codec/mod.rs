//! Requests to bytes, and bytes to replies: Centrifugo's JSON, protobuf, and the command lines of older servers.

#![cfg_attr(not(all(feature = "_http", feature = "grpc")), allow(dead_code))]

mod body;
mod command_lines;
mod count;
pub(crate) mod framing;
#[cfg(test)]
#[cfg(all(feature = "_http", feature = "grpc"))]
mod fuzz;
mod json;
mod protobuf;
mod twins;

use bytes::Bytes;
use serde::Serialize;

use crate::api::messages::BatchRequest;
use crate::api::method::{BatchSlot, EncodedReply, InvalidRequest, Method, Unreadable};
use crate::error::{ApiError, Attempts, Error, Status, excerpt};
use crate::request::check::{check, check_json};
pub(crate) use body::EncodedBody;

/// An encoding of requests and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Centrifugo's JSON, over HTTP.
    Json,
    /// Protobuf in a gRPC frame.
    Protobuf,
    /// Lines of JSON, each a command, over HTTP: the only format of Centrifugo v2 to v4.1.2.
    CommandLines,
}

/// A request that is encoded already, for a batch.
pub(crate) struct BatchEntry<'a> {
    pub(crate) method: &'static str,
    /// The number of its field in `Command`.
    pub(crate) tag: u32,
    /// The request without a frame.
    pub(crate) message: &'a Bytes,
}

impl Codec {
    /// Encodes a request. Takes `&mut` to move payloads out and back; the request is unchanged afterwards.
    pub(crate) fn encode<M: Method>(self, request: &mut M) -> Result<EncodedBody, Error> {
        check(request)?;
        match self {
            Self::Json => json::encode(request),
            Self::Protobuf => {
                check_grpc_path::<M>()?;
                check_json(request)?;
                Ok(protobuf::encode(request))
            }
            Self::CommandLines => {
                let json = json::encode(request)?;
                command_lines::encode(M::NAME, &json.to_bytes())
            }
        }
    }

    /// Encodes a call by name with any parameters, which only JSON can carry.
    pub(crate) fn encode_raw<P: Serialize + ?Sized>(
        self,
        method: &str,
        params: &P,
    ) -> Result<EncodedBody, Error> {
        match self {
            Self::Json => Ok(json::encode_raw(method, params)?.into()),
            Self::CommandLines => {
                let json = json::encode_raw(method, params)?;
                command_lines::encode(method, &json)
            }
            Self::Protobuf => {
                let problem = format!(
                    "{method}: call_raw sends JSON and needs an http or https URL; over gRPC, implement Method for a \
                     message of your own; nothing was sent"
                );
                Err(Error::InvalidRequest(problem.into()))
            }
        }
    }

    /// Returns the JSON of the reply to a call by name, as the method's own endpoint would return it.
    pub(crate) fn raw_reply(
        self,
        method: &'static str,
        body: &EncodedBody,
        reply: Bytes,
    ) -> Result<Bytes, Error> {
        match self {
            Self::Json | Self::Protobuf => Ok(reply),
            Self::CommandLines => command_lines::decode(method, body, &reply),
        }
    }

    /// Decodes the reply to a request, and checks that it is a reply to that request.
    pub(crate) fn decode<M: Method>(
        self,
        request: &M,
        body: &EncodedBody,
        reply: &Bytes,
    ) -> Result<M::Result, Error> {
        let broken = |problem: String| Error::Decode {
            method: Some(M::NAME),
            message: format!("{problem}, in the reply {}", excerpt(reply)),
            source: None,
            attempts: Attempts::default(),
        };
        let asked = M::GENERATED.parts.map(|parts| (parts.len)(request));
        if let Some(count) = asked.and_then(|asked| count::too_many(self, reply, asked)) {
            let asked = asked.unwrap_or_default();
            return Err(broken(format!("{count} parts for {asked}")));
        }
        let response: M::Response = match self {
            Self::Json => match (M::GENERATED.read_usual)(reply) {
                Some(response) => response,
                None => json::decode(M::NAME, reply)?,
            },
            Self::Protobuf => protobuf::decode(M::NAME, reply)?,
            Self::CommandLines => {
                json::decode(M::NAME, &command_lines::decode(M::NAME, body, reply)?)?
            }
        };
        let outcome = M::outcome(response);
        let outcome = outcome.ok_or_else(|| broken("neither an error nor a result".to_owned()))?;
        let result = outcome.map_err(api_error::<M>)?;
        request.verify(&result).map_err(broken)?;
        Ok(result)
    }

    /// Encodes a batch of requests that are encoded already.
    pub(crate) fn batch(self, entries: &[BatchEntry<'_>], parallel: bool) -> EncodedBody {
        match self {
            Self::Json | Self::CommandLines => json::batch(entries, parallel).into(),
            Self::Protobuf => protobuf::batch(entries, parallel).into(),
        }
    }

    /// Returns an encoded request without its frame, as a batch carries it.
    pub(crate) fn message(self, body: &EncodedBody) -> Bytes {
        match self {
            Self::Json | Self::CommandLines => body.to_bytes(),
            Self::Protobuf => framing::unframed(&body.to_bytes()),
        }
    }

    /// Splits the reply to a batch of `asked` commands into its items, which [`decode_item`](Self::decode_item) decodes.
    pub(crate) fn split(self, reply: &Bytes, asked: usize) -> Result<Vec<Bytes>, Error> {
        if let Some(count) = count::too_many(self, reply, asked) {
            return Err(Error::Decode {
                method: Some(BatchRequest::NAME),
                message: format!("{count} replies for {asked} commands"),
                source: None,
                attempts: Attempts::default(),
            });
        }
        match self {
            Self::Json | Self::CommandLines => json::split(reply),
            Self::Protobuf => protobuf::split(reply),
        }
    }

    /// Decodes an item of a batch's reply.
    pub(crate) fn decode_item<M: Method>(
        self,
        request: &M,
        slot: &BatchSlot<M>,
        item: &Bytes,
    ) -> Result<M::Result, Error> {
        let encoded = match self {
            Self::Json | Self::CommandLines => EncodedReply::Json(item),
            Self::Protobuf => EncodedReply::Protobuf(item),
        };
        let read_json =
            |start: &[u8]| match (slot.read)(request, EncodedReply::Json(&item.slice_ref(start))) {
                Err(Unreadable::Json(error)) => Err(error),
                _ => Ok(()),
            };
        match (slot.read)(request, encoded) {
            Ok(outcome) => outcome.map_err(api_error::<M>),
            Err(Unreadable::Json(error)) => {
                Err(json::parse_error(M::NAME, item, error, &read_json))
            }
            Err(Unreadable::Protobuf(error)) => Err(protobuf::decode_error(M::NAME, item, error)),
            Err(Unreadable::Mismatch(problem)) => Err(Error::Decode {
                method: Some(M::NAME),
                message: format!("{problem}, in the reply of the batch"),
                source: None,
                attempts: Attempts::default(),
            }),
        }
    }
}

/// Checks the path of a message, which may be the user's own. That is known when the program is compiled.
fn check_grpc_path<M: Method>() -> Result<(), Error> {
    if const { is_grpc_path(M::GRPC_PATH) } {
        return Ok(());
    }
    let problem = format!(
        "its GRPC_PATH `{}` is not a path such as `/package.Service/Method`",
        M::GRPC_PATH
    );
    Err(Error::InvalidRequest(
        InvalidRequest::from(problem).of(M::NAME),
    ))
}

/// Returns whether a text is a path such as `/package.Service/Method`.
const fn is_grpc_path(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let starts_well = matches!(rest, [b'/', ..]);
    while let [byte, others @ ..] = rest {
        if !byte.is_ascii_alphanumeric() && !matches!(byte, b'/' | b'.' | b'_' | b'-') {
            return false;
        }
        rest = others;
    }
    starts_well
}

/// Returns Centrifugo's error for a call.
fn api_error<M: Method>(error: crate::api::Error) -> Error {
    Error::Api(ApiError::from(error).of(M::NAME))
}

/// Returns Centrifugo's error, if that is the body of a response with an error status.
pub(crate) fn error_object(body: &Bytes) -> Option<ApiError> {
    json::error_object(body)
}

/// Returns whether the server may have failed to write the reply to a batch, because it has a payload that is not
/// JSON: then smaller batches may succeed.
pub(crate) fn is_unwritable(error: &Error) -> bool {
    matches!(
        error,
        Error::Decode { .. }
            | Error::Transport {
                status: Status::Http(500),
                ..
            }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api;

    /// A message of a user's own, with a path that is none.
    #[derive(Clone, PartialEq, prost::Message, Serialize)]
    struct Odd {}

    impl Method for Odd {
        const NAME: &'static str = "odd";
        const GRPC_PATH: &'static str = "no path";
        type Response = api::InfoResponse;
        type Result = ();

        fn outcome(_: api::InfoResponse) -> Option<Result<(), api::Error>> {
            Some(Ok(()))
        }
    }

    #[test]
    fn path_that_is_none_is_refused_in_words() {
        let error = Codec::Protobuf.encode(&mut Odd {}).unwrap_err();
        let expected = "odd: its GRPC_PATH `no path` is not a path such as `/package.Service/Method`; nothing was sent";
        assert_eq!(error.to_string(), expected);
        assert!(Codec::Json.encode(&mut Odd {}).is_ok());
    }
}
