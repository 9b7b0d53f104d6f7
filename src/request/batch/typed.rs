//! A batch of requests of one type.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::part::{Element, Part};
use super::wire;
use crate::division::Divisible;
use crate::{ApiError, BatchRequest, Client, Error, Method, api, json};

/// Sends the requests of a batch, and answers an outcome for each.
pub(crate) async fn call<C: Element>(
    client: &Client,
    commands: &mut [C],
    parallel: bool,
) -> Result<Vec<Result<C::Result, ApiError>>, Error> {
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let key = client
        .retry()
        .new_key()
        .filter(|key| give_keys(commands, key));
    let answers = client
        .exchange_in_parts(&mut List { commands, parallel }, key.as_deref())
        .await?;
    Ok(answers.outcomes)
}

/// Gives each request that takes a key one of its own, and says whether any did.
fn give_keys<C: Method>(commands: &mut [C], key: &str) -> bool {
    let commands = commands.iter_mut().enumerate();
    commands.fold(false, |any, (index, command)| {
        command.give_key(&format!("{key}-{index}")) || any
    })
}

/// A `BatchRequest` of borrowed requests.
pub(super) struct List<'a, C> {
    pub(super) commands: &'a [C],
    pub(super) parallel: bool,
}

/// A `BatchResponse` to it.
pub(super) struct Answers<C: Element> {
    pub(super) outcomes: Vec<Result<C::Result, ApiError>>,
    /// What is wrong with the first reply that answers nothing.
    broken: Option<String>,
}

impl<C: Element> Answers<C> {
    fn push(&mut self, part: Part<C>) {
        match part.outcome() {
            Ok(outcome) => self.outcomes.push(outcome),
            Err(problem) => {
                let index = self.outcomes.len();
                self.broken
                    .get_or_insert_with(|| format!("replies[{index}]: {problem}"));
                self.outcomes.push(Ok(C::Result::default()));
            }
        }
    }
}

impl<C: Element> Default for Answers<C> {
    fn default() -> Self {
        Self {
            outcomes: Vec::new(),
            broken: None,
        }
    }
}

impl<C: Element> Method for List<'_, C> {
    const NAME: &'static str = BatchRequest::NAME;
    const GRPC_PATH: &'static str = BatchRequest::GRPC_PATH;
    type Response = Answers<C>;
    type Result = Answers<C>;

    fn outcome(response: Answers<C>) -> Option<Result<Answers<C>, ApiError>> {
        Some(Ok(response))
    }

    fn check(&self) -> Result<(), String> {
        let mut commands = self.commands.iter().enumerate();
        let twice = commands.find_map(|(index, command)| Some((index, command.set_twice()?)));
        twice.map_or(Ok(()), |(index, path)| {
            Err(crate::payload::set_twice(&format!(
                "commands[{index}].{}.{path}",
                C::NAME
            )))
        })
    }

    fn verify(&self, answers: &Answers<C>) -> Result<(), String> {
        let (asked, answered) = (self.commands.len(), answers.outcomes.len());
        if asked != answered {
            return Err(format!("{answered} replies for {asked} commands"));
        }
        if let Some(problem) = &answers.broken {
            return Err(problem.clone());
        }
        for (index, (command, outcome)) in self.commands.iter().zip(&answers.outcomes).enumerate() {
            let verified = outcome
                .as_ref()
                .map_or(Ok(()), |result| command.verify(result));
            verified.map_err(|problem| format!("replies[{index}]: {problem}"))?;
        }
        Ok(())
    }

    fn is_repeatable(&self) -> bool {
        self.commands.iter().all(Method::is_repeatable)
    }
}

impl<C: Element> Divisible for List<'_, C> {
    fn len(&self) -> usize {
        self.commands.len()
    }

    fn part(&self, range: Range<usize>) -> Self {
        Self {
            commands: &self.commands[range],
            ..*self
        }
    }

    fn join(answers: &mut Answers<C>, next: Answers<C>) {
        answers.outcomes.extend(next.outcomes);
    }
}

/// It is written alone.
impl<C: Element> Message for List<'_, C> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        for command in self.commands {
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
        self.commands = &[];
    }
}

impl<C: Element> Serialize for List<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut batch =
            serializer.serialize_struct("BatchRequest", 1 + usize::from(self.parallel))?;
        batch.serialize_field("commands", &Commands(self.commands))?;
        if self.parallel {
            batch.serialize_field("parallel", &true)?;
        }
        batch.end()
    }
}

struct Commands<'a, C>(&'a [C]);

impl<C: Element> Serialize for Commands<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0
            .iter()
            .try_for_each(|command| list.serialize_element(&Named(command)))?;
        list.end()
    }
}

/// A request under its method's name.
struct Named<'a, C>(&'a C);

impl<C: Element> Serialize for Named<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut command = serializer.serialize_map(Some(1))?;
        command.serialize_entry(C::NAME, self.0)?;
        command.end()
    }
}

impl<C: Element> Message for Answers<C> {
    wire::read_alone!();

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag != api::BATCH_TAGS.replies {
            return skip_field(wire_type, tag, buffer, context);
        }
        let mut part = Part::default();
        message::merge(wire_type, &mut part, buffer, context)?;
        self.push(part);
        Ok(())
    }
}

impl<'de, C: Element> Deserialize<'de> for Answers<C> {
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

impl<'de, C: Element> Visitor<'de> for ResponseVisitor<C> {
    type Value = Answers<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a batch's reply")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Answers<C>, M::Error> {
        let mut answers = Answers::default();
        while let Some(json::Name(name)) = map.next_key()? {
            if name == "replies" {
                answers = map
                    .next_value::<Option<Replies<C>>>()?
                    .map(|replies| replies.0)
                    .unwrap_or_default();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(answers)
    }
}

struct Replies<C: Element>(Answers<C>);

impl<'de, C: Element> Deserialize<'de> for Replies<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RepliesVisitor(PhantomData))
    }
}

struct RepliesVisitor<C>(PhantomData<C>);

impl<'de, C: Element> Visitor<'de> for RepliesVisitor<C> {
    type Value = Replies<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of replies")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Replies<C>, S::Error> {
        let mut answers = Answers::default();
        while let Some(part) = list.next_element()? {
            answers.push(part);
        }
        Ok(Replies(answers))
    }
}
