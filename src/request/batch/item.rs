//! One request of a batch, and what is answered to it: of a known type, without `Command` and `Reply`, which have
//! room for every method.

use std::fmt;
use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{NOTHING, wrong_method};
use crate::call::Shared;
use crate::{ApiError, ApiFailure, Error, Method, api, json};

/// A request that a batch carries; generated for each rpc that has a part in `Command` and in `Reply`.
pub(crate) trait Element: Method<Result: Message + DeserializeOwned + Default> {
    /// The number of its field in `Command`, and of its result's in `Reply`.
    const TAG: u32;

    /// Whether the result holds nothing, and a reply may leave it out therefore.
    const IS_EMPTY: bool;

    /// The path of a payload that is set together with its twin.
    fn set_twice(&self) -> Option<String>;
}

/// What answers a request within a batch: a `Reply` of which one method alone is read.
pub(crate) struct Part<C: Element> {
    error: Option<ApiError>,
    result: Option<C::Result>,
    /// The names of other methods that it has a part for.
    others: Vec<&'static str>,
}

impl<C: Element> Part<C> {
    /// The outcome, or what is wrong with it.
    pub(super) fn outcome(self) -> Result<Result<C::Result, ApiError>, String> {
        match (self.error, self.result) {
            (Some(error), _) => Ok(Err(error)),
            (None, result) if !self.others.is_empty() => {
                let answered = result.map(|_| C::NAME).into_iter().chain(self.others);
                Err(wrong_method(answered, [C::NAME].into_iter()))
            }
            (None, Some(result)) => Ok(Ok(result)),
            (None, None) if C::IS_EMPTY => Ok(Ok(C::Result::default())),
            (None, None) => Err(NOTHING.to_owned()),
        }
    }
}

impl<C: Element> Default for Part<C> {
    fn default() -> Self {
        Self {
            error: None,
            result: None,
            others: Vec::new(),
        }
    }
}

impl<C: Element> Message for Part<C> {
    super::wire::read_alone!();

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag == C::TAG {
            return message::merge(
                wire_type,
                self.result.get_or_insert_default(),
                buffer,
                context,
            );
        }
        if tag == api::BATCH_TAGS.error {
            return message::merge(
                wire_type,
                self.error.get_or_insert_default(),
                buffer,
                context,
            );
        }
        self.others.extend(
            api::REPLY_PARTS
                .iter()
                .find(|part| part.0 == tag)
                .map(|part| part.1),
        );
        skip_field(wire_type, tag, buffer, context)
    }
}

impl<'de, C: Element> Deserialize<'de> for Part<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::message(deserializer, "Reply", &[], PartVisitor(PhantomData))
    }
}

struct PartVisitor<C>(PhantomData<C>);

impl<'de, C: Element> Visitor<'de> for PartVisitor<C> {
    type Value = Part<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a reply")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Part<C>, M::Error> {
        let mut part = Part::default();
        while let Some(json::Name(name)) = map.next_key()? {
            if name == C::NAME {
                json::once(&mut part.result, C::NAME, &mut map)?;
            } else if name == "error" {
                json::once(&mut part.error, "error", &mut map)?;
            } else {
                let is_null = map.next_value::<Option<IgnoredAny>>()?.is_none();
                let other = api::REPLY_PARTS
                    .iter()
                    .find(|part| part.1 == name && !is_null);
                part.others.extend(other.map(|part| part.1));
            }
        }
        Ok(part)
    }
}

/// A part of a batch's reply, as it came.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    pub(crate) part: &'a Bytes,
    pub(crate) shared: &'a Shared,
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.part.fmt(formatter)
    }
}

/// Reads what a call answers within a batch.
pub(crate) fn read<C: Element>(request: &C, received: Received<'_>) -> Result<C::Result, Error> {
    let broken = |problem: String| Error::Decode {
        method: Some(C::NAME),
        message: format!("{problem}, in the batch's reply"),
        source: None,
    };
    let part: Part<C> = received.shared.decode_part(C::NAME, received.part)?;
    let result = part
        .outcome()
        .map_err(broken)?
        .map_err(|error| Error::Api(ApiFailure::new(C::NAME, error)))?;
    request.verify(&result).map_err(broken)?;
    Ok(result)
}
