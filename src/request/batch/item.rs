//! A command of a batch and its reply. They are written and read as the one type that they have: `Command` and
//! `Reply` have a field per method, which would take more memory and time.

use std::fmt;
use std::marker::PhantomData;

use bytes::Buf;
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::api;
use crate::api::json;
use crate::api::json::usual::Reader;
use crate::api::messages::{BATCH_TAGS, REPLY_FIELDS};
use crate::api::method::{EncodedReply, Method, Unreadable};
use crate::api::wire;

/// A request that a batch carries; generated for each rpc that has a field in `Command` and in `Reply`.
pub trait BatchItem: Method<Result: Default + Sync> {
    /// The number of the request's field in `Command`, and of its result's field in `Reply`.
    const TAG: u32;

    /// True if the result has no fields, so that a reply may omit it.
    const IS_EMPTY: bool;

    /// The schema's message of the result.
    type Reply: Message + DeserializeOwned + Default;

    /// Reads the result in the form that it usually has, faster than serde.
    fn read_usual(_: &mut Reader<'_>) -> Option<Self::Reply> {
        None
    }

    /// Returns the result as callers get it.
    fn result(reply: Self::Reply) -> Self::Result;
}

/// A reply to a command of a batch: a `Reply` of which one field is read.
pub(crate) struct ItemReply<C: BatchItem> {
    error: Option<api::Error>,
    result: Option<C::Reply>,
    /// The other methods whose fields the reply has.
    others: Vec<&'static str>,
}

/// The problem of a reply without content.
pub(super) const NOTHING: &str = "neither an error nor a result";

/// Returns the problem of a reply with fields of other methods than its command's.
pub(super) fn mismatch(
    returned: impl Iterator<Item = &'static str>,
    asked: impl Iterator<Item = &'static str>,
) -> String {
    let returned: Vec<_> = returned.collect();
    let asked: Vec<_> = asked.collect();
    format!(
        "a reply of `{}` to the command `{}`",
        returned.join(", "),
        asked.join(", ")
    )
}

impl<C: BatchItem> ItemReply<C> {
    /// Reads a reply of the usual form: with a result, or with an error.
    pub(super) fn read_usual(reader: &mut Reader<'_>) -> Option<Self> {
        let mut reply = Self::default();
        reader.skip("{\"")?;
        if reader.has(C::NAME) {
            reader.skip("\":")?;
            reply.result = Some(C::read_usual(reader)?);
        } else {
            reader.skip("error\":")?;
            reply.error = Some(reader.error()?);
        }
        reader.skip("}")?;
        Some(reply)
    }

    /// Returns the outcome, or the reason why the reply has none.
    pub(super) fn outcome(self) -> Result<Result<C::Result, api::Error>, String> {
        if let Some(error) = self.error {
            return Ok(Err(error));
        }
        if !self.others.is_empty() {
            let own = self.result.map(|_| C::NAME);
            let returned = own.into_iter().chain(self.others);
            return Err(mismatch(returned, [C::NAME].into_iter()));
        }
        match self.result {
            Some(result) => Ok(Ok(C::result(result))),
            None if C::IS_EMPTY => Ok(Ok(C::Result::default())),
            None => Err(NOTHING.to_owned()),
        }
    }
}

impl<C: BatchItem> Default for ItemReply<C> {
    fn default() -> Self {
        Self {
            error: None,
            result: None,
            others: Vec::new(),
        }
    }
}

impl<C: BatchItem> fmt::Debug for ItemReply<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ItemReply").finish_non_exhaustive()
    }
}

impl<C: BatchItem> Message for ItemReply<C> {
    wire::read_only!();

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag == C::TAG {
            let result = self.result.get_or_insert_default();
            return message::merge(wire_type, result, buffer, context);
        }
        if tag == BATCH_TAGS.error {
            let error = self.error.get_or_insert_default();
            return message::merge(wire_type, error, buffer, context);
        }
        let other = REPLY_FIELDS.iter().find(|field| field.0 == tag);
        self.others.extend(other.map(|field| field.1));
        skip_field(wire_type, tag, buffer, context)
    }
}

impl<'de, C: BatchItem> Deserialize<'de> for ItemReply<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::message(deserializer, "Reply", &[], ReplyVisitor(PhantomData))
    }
}

struct ReplyVisitor<C>(PhantomData<C>);

impl<'de, C: BatchItem> Visitor<'de> for ReplyVisitor<C> {
    type Value = ItemReply<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a reply")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ItemReply<C>, M::Error> {
        let mut reply = ItemReply::default();
        while let Some(json::Name(name)) = map.next_key()? {
            if name == C::NAME {
                json::once(&mut reply.result, C::NAME, &mut map)?;
            } else if name == "error" {
                json::once(&mut reply.error, "error", &mut map)?;
            } else {
                let is_null = map.next_value::<Option<IgnoredAny>>()?.is_none();
                let other = REPLY_FIELDS
                    .iter()
                    .find(|field| field.1 == name && !is_null);
                reply.others.extend(other.map(|field| field.1));
            }
        }
        Ok(reply)
    }
}

/// Reads the reply to a request that was sent in a batch.
pub(crate) fn read<C: BatchItem>(
    request: &C,
    reply: EncodedReply<'_>,
) -> Result<Result<C::Result, api::Error>, Unreadable> {
    let reply: ItemReply<C> = match reply {
        EncodedReply::Json(json) => json::from_bytes(json).map_err(Unreadable::Json)?,
        EncodedReply::Protobuf(protobuf) => {
            ItemReply::decode(protobuf.clone()).map_err(Unreadable::Protobuf)?
        }
    };
    let outcome = reply.outcome().map_err(Unreadable::Mismatch)?;
    if let Ok(result) = &outcome {
        request.verify(result).map_err(Unreadable::Mismatch)?;
    }
    Ok(outcome)
}
