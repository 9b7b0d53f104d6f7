//! The trait of requests: which method a request calls, and what its reply means.

use std::fmt;

use bytes::Bytes;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::json::usual::Writer;

/// A method of the server API, identified by its request.
///
/// The crate implements it for every rpc of the schema that it is built from. A message of your own can implement it
/// too and be sent with `Client::call`, for a method that the schema does not have.
pub trait Method: Message + Serialize + Sized + 'static {
    /// The method's name: the last part of its URL over HTTP, such as `presence_stats`.
    const NAME: &'static str;

    /// The path of the rpc over gRPC, such as `/centrifugal.centrifugo.api.CentrifugoApi/PresenceStats`.
    const GRPC_PATH: &'static str;

    /// The reply.
    type Response: Message + DeserializeOwned + Default;

    /// The result of a successful call.
    type Result: Send;

    /// Splits a reply into Centrifugo's error or the result; `None` if it has neither.
    fn outcome(response: Self::Response) -> Option<Result<Self::Result, Error>>;

    /// Checks the request before anything is sent.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`], which names the field.
    fn check(&self) -> Result<(), InvalidRequest> {
        Ok(())
    }

    /// Checks that `result` has a part for every part of the request.
    ///
    /// # Errors
    ///
    /// A text that says what is missing.
    fn verify(&self, result: &Self::Result) -> Result<(), String> {
        let _ = result;
        Ok(())
    }

    /// Returns whether the request may be sent twice: it only reads, or running it twice has the same effect as
    /// running it once, for example because of its idempotency key. [`Retry`](crate::Retry) relies on it.
    fn is_repeatable(&self) -> bool {
        false
    }

    /// The generator's knowledge of the schema's own requests.
    #[doc(hidden)]
    const GENERATED: Generated<Self> = Generated::NONE;
}

/// The reason why a request cannot be sent, and the field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    method: Option<&'static str>,
    field: Option<String>,
    problem: String,
    api_code: Option<u32>,
}

impl InvalidRequest {
    /// Creates the error of a request without a field that every Centrifugo requires.
    #[must_use]
    pub fn missing(field: &str) -> Self {
        /// `ApiError::BAD_REQUEST`, which is defined in a higher layer.
        const BAD_REQUEST: u32 = 107;
        let problem = "is not set, and Centrifugo requires it".to_owned();
        Self {
            field: Some(field.to_owned()),
            api_code: Some(BAD_REQUEST),
            ..Self::from(problem)
        }
    }

    /// Creates the error of a payload whose `b64…` twin is set too.
    pub(crate) fn set_twice(field: String) -> Self {
        let problem = "is set twice, as it is and as base64: leave one of the two empty";
        Self::wrong(field, problem)
    }

    /// Creates the error of a payload that is not JSON: HTTP cannot carry it, and it would end the connections of
    /// clients that use JSON.
    pub(crate) fn not_json(field: String, error: &serde_json::Error) -> Self {
        let problem = format!(
            "is not JSON ({error}): make JSON with json(&value), or send other bytes with binary(bytes) or the \
             binary_… setter, where the field has a `b64…` twin"
        );
        Self::wrong(field, problem)
    }

    /// Creates the error of a field whose value cannot be sent.
    pub(crate) fn wrong(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::from(problem.into())
        }
    }

    /// Returns the method that was called, where the error knows it.
    #[must_use]
    pub fn method(&self) -> Option<&'static str> {
        self.method
    }

    /// Returns the path of the field that is wrong, such as `commands[3].publish.channel`, if a
    /// single field is.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns the code of Centrifugo's error for such a request; `None` if the request cannot even be written.
    #[must_use]
    pub fn api_code(&self) -> Option<u32> {
        self.api_code
    }

    /// Returns what is wrong, without the method and the field.
    #[cfg(feature = "_transport")]
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }

    /// Returns the error for the enclosing request, which has the wrong one at `path`.
    pub(crate) fn within(mut self, path: &str) -> Self {
        match &mut self.field {
            Some(field) => field.insert_str(0, &format!("{path}.")),
            None => self.problem.insert_str(0, &format!("{path}: ")),
        }
        self
    }

    /// Returns the error with the method that was to be called.
    pub(crate) fn of(self, method: &'static str) -> Self {
        Self {
            method: Some(method),
            ..self
        }
    }
}

impl From<String> for InvalidRequest {
    fn from(problem: String) -> Self {
        Self {
            method: None,
            field: None,
            problem,
            api_code: None,
        }
    }
}

impl From<&str> for InvalidRequest {
    fn from(problem: &str) -> Self {
        problem.to_owned().into()
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = self.method {
            write!(formatter, "{method}: ")?;
        }
        if let Some(field) = &self.field {
            write!(formatter, "`{field}` ")?;
        }
        formatter.write_str(&self.problem)?;
        if self.method.is_some() {
            formatter.write_str("; nothing was sent")?;
        }
        Ok(())
    }
}

/// The generator's knowledge of a request. It is empty for a message of your own.
#[doc(hidden)]
#[cfg_attr(not(feature = "_transport"), allow(dead_code))]
pub struct Generated<M: Method> {
    /// The numbers of the fields that are payloads.
    pub(crate) payloads: &'static [u32],
    /// Returns the payload field of that number.
    pub(crate) payload: fn(&mut M, u32) -> Option<&mut Bytes>,
    /// Calls the function with each payload that has a `b64…` twin, and with its twin, always in the same order.
    pub(crate) visit_twins: fn(&mut M, &mut VisitTwin<'_>),
    /// Returns the channel that the request is about.
    pub(crate) channel: fn(&M) -> Option<&str>,
    /// Gives the request an idempotency key where it takes one and has none.
    pub(crate) set_key: fn(&mut M, &str),
    /// Returns the request's idempotency key, or those of a batch's commands, if it takes keys; `None` for no key.
    pub(crate) keys: fn(&M) -> Vec<Option<String>>,
    /// Removes from a result that nothing was changed, if only because an earlier attempt of the call did it: if the
    /// request has the key that the client generated for the call.
    pub(crate) settle: fn(&M, &mut M::Result, &str),
    /// Checks that payloads which reach clients are JSON, where the transport does not need them to be.
    pub(crate) check_json: fn(&M) -> Result<(), InvalidRequest>,
    /// Reads the JSON of a reply in the form that it usually has, faster than serde; `None` if it has another form.
    pub(crate) read_usual: fn(&Bytes) -> Option<M::Response>,
    /// Writes the JSON of the request, faster than serde, if only the usual fields are set; `None` if serde is to write it.
    pub(crate) write_usual: fn(&M, &mut Writer<'_>) -> Option<()>,
    /// The request's place in a batch, if a batch can carry it.
    pub(crate) batch: Option<BatchSlot<M>>,
    /// The functions that split the request and join the results, if it consists of parts.
    pub(crate) parts: Option<Parts<M>>,
}

impl<M: Method> fmt::Debug for Generated<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Generated").finish_non_exhaustive()
    }
}

impl<M: Method> Generated<M> {
    pub(crate) const NONE: Self = Self {
        payloads: &[],
        payload: |_, _| None,
        visit_twins: |_, _| (),
        channel: |_| None,
        set_key: |_, _| (),
        keys: |_| Vec::new(),
        settle: |_, _, _| (),
        check_json: |_| Ok(()),
        read_usual: |_| None,
        write_usual: |_, _| None,
        batch: None,
        parts: None,
    };
}

/// A function that is called with a payload and its `b64…` twin.
pub(crate) type VisitTwin<'a> = dyn FnMut(&mut Bytes, &mut String) + 'a;

/// Returns the idempotency key of a single request.
pub(crate) fn key_of<M: Method>(request: &M) -> Option<String> {
    (M::GENERATED.keys)(request).pop().flatten()
}

/// The place of a request in a batch.
#[cfg_attr(not(feature = "_transport"), allow(dead_code))]
pub(crate) struct BatchSlot<M: Method> {
    /// The number of the request's field in `Command`.
    pub(crate) tag: u32,
    /// True if the result has payloads.
    pub(crate) has_payloads: bool,
    /// True if the call may take long or return much, however small the request is.
    pub(crate) is_unbounded: bool,
    /// Reads the request's item of a batch's reply.
    pub(crate) read: ReadItem<M>,
}

/// A function that reads an item of a batch's reply: Centrifugo's error, or the result.
pub(crate) type ReadItem<M> =
    fn(&M, EncodedReply<'_>) -> Result<Result<<M as Method>::Result, Error>, Unreadable>;

/// The functions for a request that consists of parts, such as the commands of a batch or the channels of a
/// broadcast.
#[cfg_attr(not(feature = "_transport"), allow(dead_code))]
pub(crate) struct Parts<M: Method> {
    /// Returns the number of parts.
    pub(crate) len: fn(&M) -> usize,
    /// Moves the last parts into a request of their own.
    pub(crate) take: fn(&mut M, usize) -> M,
    /// Moves the parts of `part` back to the end of the request.
    pub(crate) give_back: fn(&mut M, M),
    /// Moves into the result what it keeps of the request, such as the channels' names.
    pub(crate) finish: fn(&mut M, &mut M::Result),
    /// Appends the result of the parts that follow.
    pub(crate) join: fn(&mut M::Result, M::Result),
    /// Returns the number of parts of a result that failed.
    pub(crate) count_failed: fn(&M::Result) -> usize,
    /// Calls a function with the message of each error in a result.
    pub(crate) each_message: EachMessage<M::Result>,
    /// The functions that retry parts, if parts can fail temporarily.
    pub(crate) resend: Option<Resend<M>>,
}

/// A function that calls another one with the message of each error in a result.
pub(crate) type EachMessage<T> = fn(&mut T, &mut dyn FnMut(&mut String));

/// The functions that retry the parts that failed temporarily.
#[cfg_attr(not(feature = "_transport"), allow(dead_code))]
pub(crate) struct Resend<M: Method> {
    /// Returns the positions of the parts that failed temporarily.
    pub(crate) failed: fn(&M::Result) -> Vec<usize>,
    /// Returns a request for the parts at these positions of a finished result.
    pub(crate) request: fn(&M, &M::Result, &[usize]) -> M,
    /// Replaces the outcomes at these positions.
    pub(crate) replace: fn(&mut M::Result, &[usize], M::Result),
    /// Adds the number of attempts to the errors at these positions, and whether one of the attempts may have run.
    pub(crate) note: fn(&mut M::Result, &[usize], u32, bool),
}

/// An item of a batch's reply, as it was received.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "_transport"), allow(dead_code))]
pub(crate) enum EncodedReply<'a> {
    Json(&'a Bytes),
    Protobuf(&'a Bytes),
}

/// The reason why a reply cannot be read.
#[derive(Debug)]
#[cfg_attr(not(feature = "_transport"), allow(dead_code))]
pub(crate) enum Unreadable {
    Json(serde_json::Error),
    Protobuf(prost::DecodeError),
    /// The reply can be decoded, but does not belong to the request.
    Mismatch(String),
}
