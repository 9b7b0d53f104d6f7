//! A batch of requests of one type.

use std::fmt;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::item::{BatchItem, ItemReply};
use crate::api;
use crate::api::json;
use crate::api::json::usual::{self, Writer};
use crate::api::messages::{BATCH_TAGS, BatchRequest};
use crate::api::method::{Generated, InvalidRequest, Method, Parts, VisitTwin, key_of};
use crate::api::wire;
use crate::error::ApiError;

/// A `BatchRequest` whose commands have one type.
pub struct TypedBatch<C> {
    pub(crate) commands: Vec<C>,
    pub(super) parallel: bool,
}

impl<C> TypedBatch<C> {
    pub(crate) fn new(commands: Vec<C>, parallel: bool) -> Self {
        Self { commands, parallel }
    }
}

impl<C> fmt::Debug for TypedBatch<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TypedBatch").finish_non_exhaustive()
    }
}

/// The `BatchResponse` to a [`TypedBatch`].
pub struct TypedReplies<C: BatchItem> {
    pub(crate) outcomes: Vec<Result<C::Result, ApiError>>,
    /// The problem of the first reply without an outcome.
    broken: Option<String>,
}

impl<C: BatchItem> TypedReplies<C> {
    /// Adds the outcome of a reply.
    fn push(&mut self, reply: ItemReply<C>) {
        let outcome = reply.outcome().unwrap_or_else(|problem| {
            let index = self.outcomes.len();
            self.broken
                .get_or_insert_with(|| format!("replies[{index}]: {problem}"));
            Ok(C::Result::default())
        });
        self.outcomes
            .push(outcome.map_err(|error| ApiError::from(error).of(C::NAME)));
    }
}

impl<C: BatchItem> Default for TypedReplies<C> {
    fn default() -> Self {
        Self {
            outcomes: Vec::new(),
            broken: None,
        }
    }
}

impl<C: BatchItem> fmt::Debug for TypedReplies<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TypedReplies")
            .finish_non_exhaustive()
    }
}

impl<C: BatchItem> Method for TypedBatch<C> {
    const NAME: &'static str = BatchRequest::NAME;
    const GRPC_PATH: &'static str = BatchRequest::GRPC_PATH;
    type Response = TypedReplies<C>;
    type Result = TypedReplies<C>;

    fn outcome(response: TypedReplies<C>) -> Option<Result<TypedReplies<C>, api::Error>> {
        Some(Ok(response))
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        for (index, command) in self.commands.iter().enumerate() {
            command
                .check()
                .map_err(|problem| problem.within(&format!("commands[{index}].{}", C::NAME)))?;
        }
        Ok(())
    }

    fn verify(&self, replies: &TypedReplies<C>) -> Result<(), String> {
        let asked = self.commands.len();
        let returned = replies.outcomes.len();
        if asked != returned {
            return Err(format!("{returned} replies for {asked} commands"));
        }
        if let Some(problem) = &replies.broken {
            return Err(problem.clone());
        }
        for (index, (command, outcome)) in self.commands.iter().zip(&replies.outcomes).enumerate() {
            if let Ok(result) = outcome {
                command
                    .verify(result)
                    .map_err(|problem| format!("replies[{index}]: {problem}"))?;
            }
        }
        Ok(())
    }

    fn is_repeatable(&self) -> bool {
        self.commands.iter().all(Method::is_repeatable)
    }

    const GENERATED: Generated<Self> = Generated {
        visit_twins,
        set_key: set_keys,
        check_json,
        read_usual,
        write_usual,
        settle,
        keys: |batch| batch.commands.iter().map(key_of).collect(),
        parts: Some(Parts {
            len: |batch| batch.commands.len(),
            take,
            give_back: |batch, part| batch.commands.extend(part.commands),
            finish,
            join: |replies, next| replies.outcomes.extend(next.outcomes),
            count_failed: |replies| replies.outcomes.iter().filter(|one| one.is_err()).count(),
            each_message,
            resend: None,
        }),
        ..Generated::NONE
    };
}

/// Calls `visit` with each payload that has a twin, and with its twin.
fn visit_twins<C: Method>(batch: &mut TypedBatch<C>, visit: &mut VisitTwin<'_>) {
    for command in &mut batch.commands {
        (C::GENERATED.visit_twins)(command, visit);
    }
}

/// Gives each request that takes an idempotency key and has none its own key.
fn set_keys<C: Method>(batch: &mut TypedBatch<C>, key: &str) {
    for (index, command) in batch.commands.iter_mut().enumerate() {
        (C::GENERATED.set_key)(command, &format!("{key}-{index}"));
    }
}

/// Settles the result of each request.
fn settle<C: BatchItem>(batch: &TypedBatch<C>, replies: &mut TypedReplies<C>, key: &str) {
    for (command, outcome) in batch.commands.iter().zip(&mut replies.outcomes) {
        if let Ok(result) = outcome {
            (C::GENERATED.settle)(command, result, key);
        }
    }
}

/// Checks that the payloads of each request are JSON.
fn check_json<C: Method>(batch: &TypedBatch<C>) -> Result<(), InvalidRequest> {
    for (index, command) in batch.commands.iter().enumerate() {
        (C::GENERATED.check_json)(command)
            .map_err(|problem| problem.within(&format!("commands[{index}].{}", C::NAME)))?;
    }
    Ok(())
}

/// Writes the commands, if each has only its usual fields.
fn write_usual<C: Method>(batch: &TypedBatch<C>, json: &mut Writer<'_>) -> Option<()> {
    json.plain(r#"{"commands":["#);
    for (index, command) in batch.commands.iter().enumerate() {
        json.plain(if index == 0 { "{\"" } else { ",{\"" });
        json.plain(C::NAME);
        json.plain("\":");
        (C::GENERATED.write_usual)(command, json)?;
        json.plain("}");
    }
    json.plain(if batch.parallel {
        r#"],"parallel":true}"#
    } else {
        "]}"
    });
    Some(())
}

/// Reads a reply of the usual form.
pub(super) fn read_usual<C: BatchItem>(json: &Bytes) -> Option<TypedReplies<C>> {
    let mut replies = TypedReplies::default();
    usual::read(json, |reader| {
        reader.skip(r#"{"replies":["#)?;
        reader.items(|reader| {
            replies.push(ItemReply::read_usual(reader)?);
            Some(())
        })?;
        reader.skip("}")
    })?;
    Some(replies)
}

/// Moves the last commands into a batch of their own.
fn take<C>(batch: &mut TypedBatch<C>, count: usize) -> TypedBatch<C> {
    let first = batch.commands.len() - count;
    let commands = batch.commands.split_off(first);
    TypedBatch::new(commands, batch.parallel)
}

/// Adds to each result the part of the request that it keeps, and to each error its channel.
fn finish<C: BatchItem>(batch: &mut TypedBatch<C>, replies: &mut TypedReplies<C>) {
    for (command, outcome) in batch.commands.iter_mut().zip(&mut replies.outcomes) {
        match outcome {
            Ok(result) => {
                if let Some(parts) = C::GENERATED.parts {
                    (parts.finish)(command, result);
                }
            }
            Err(error) => {
                let error_of_command = error.clone().about((C::GENERATED.channel)(command));
                *error = error_of_command.with_key(key_of(command).as_deref());
            }
        }
    }
}

/// Calls a function with the message of each error, those within results included.
fn each_message<C: BatchItem>(replies: &mut TypedReplies<C>, call: &mut dyn FnMut(&mut String)) {
    for outcome in &mut replies.outcomes {
        match outcome {
            Ok(result) => {
                if let Some(parts) = C::GENERATED.parts {
                    (parts.each_message)(result, call);
                }
            }
            Err(error) => call(&mut error.message),
        }
    }
}

/// Only the encoding half is used: a server decodes it.
impl<C: BatchItem> Message for TypedBatch<C> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        for command in &self.commands {
            wire::start_command(C::TAG, command.encoded_len(), buffer);
            command.encode_raw(buffer);
        }
        wire::write_parallel(self.parallel, buffer);
    }

    fn encoded_len(&self) -> usize {
        let commands = self
            .commands
            .iter()
            .map(|command| wire::command_len(C::TAG, command.encoded_len()));
        commands.sum::<usize>() + wire::parallel_len(self.parallel)
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buffer, context)
    }

    fn clear(&mut self) {
        self.commands.clear();
    }
}

impl<C: BatchItem> Serialize for TypedBatch<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut batch =
            serializer.serialize_struct("BatchRequest", 1 + usize::from(self.parallel))?;
        batch.serialize_field("commands", &Commands(&self.commands))?;
        if self.parallel {
            batch.serialize_field("parallel", &true)?;
        }
        batch.end()
    }
}

/// The commands as a list.
struct Commands<'a, C>(&'a [C]);

impl<C: BatchItem> Serialize for Commands<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0
            .iter()
            .try_for_each(|command| list.serialize_element(&NamedRequest(command)))?;
        list.end()
    }
}

/// A request under its method's name.
struct NamedRequest<'a, C>(&'a C);

impl<C: BatchItem> Serialize for NamedRequest<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut command = serializer.serialize_map(Some(1))?;
        command.serialize_entry(C::NAME, self.0)?;
        command.end()
    }
}

impl<C: BatchItem> Message for TypedReplies<C> {
    wire::read_only!();

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag != BATCH_TAGS.replies {
            return skip_field(wire_type, tag, buffer, context);
        }
        let mut reply = ItemReply::default();
        message::merge(wire_type, &mut reply, buffer, context)?;
        self.push(reply);
        Ok(())
    }
}

impl<'de, C: BatchItem> Deserialize<'de> for TypedReplies<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::message(
            deserializer,
            "BatchResponse",
            &[],
            ResponseVisitor(PhantomData),
        )
    }
}

struct ResponseVisitor<C>(PhantomData<C>);

impl<'de, C: BatchItem> Visitor<'de> for ResponseVisitor<C> {
    type Value = TypedReplies<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the reply of a batch")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<TypedReplies<C>, M::Error> {
        let mut replies = TypedReplies::default();
        while let Some(json::Name(name)) = map.next_key()? {
            if name == "replies" {
                let list = map.next_value::<Option<ReplyList<C>>>()?;
                replies = list.map(|list| list.0).unwrap_or_default();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(replies)
    }
}

/// The field `replies`.
struct ReplyList<C: BatchItem>(TypedReplies<C>);

impl<'de, C: BatchItem> Deserialize<'de> for ReplyList<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ReplyListVisitor(PhantomData))
    }
}

struct ReplyListVisitor<C>(PhantomData<C>);

impl<'de, C: BatchItem> Visitor<'de> for ReplyListVisitor<C> {
    type Value = ReplyList<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of replies")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<ReplyList<C>, S::Error> {
        let mut replies = TypedReplies::default();
        while let Some(reply) = list.next_element()? {
            replies.push(reply);
        }
        Ok(ReplyList(replies))
    }
}
