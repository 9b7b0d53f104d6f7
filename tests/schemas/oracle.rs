//! An independent oracle for the messages: prost-reflect holds and encodes random messages, and
//! their JSON is written
//! here by Centrifugo's rules, without using the crate.

#[path = "../support/rng.rs"]
mod rng;

use std::fmt::Debug;
use std::path::Path;

use prost::Message;
use protox::prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage as _, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::rng::Rng;

/// The number of random messages per type, by default. `CENTRIFUGO_API_FUZZ` overrides it.
const ROUNDS: u64 = 30;

/// The greatest depth of nested messages.
const DEPTH: u32 = 5;

/// The greatest depth of nested messages if every field is set.
const FULL_DEPTH: u32 = 3;

/// Numbers where mistakes are likely: the bits of the smallest and largest of each type, and
/// numbers near them.
const EXTREMES: &[u64] = &[
    0,
    1,
    u64::MAX,
    u64::MAX - 1,
    i64::MAX as u64,
    i64::MIN as u64,
    u32::MAX as u64,
    i32::MAX as u64,
    i32::MIN as u32 as u64,
    (1 << 53) + 1,
];

const PAYLOADS: &[&str] = &[
    "null",
    "{}",
    "[]",
    "\"\"",
    "0",
    "1.0",
    "1e400",
    "-123456789012345678901234567890",
    r#"{"a":1,"a":{"b":[null,true,"\u2028\ud800\/"]}}"#,
    "\"\u{2028} <>& \u{1f600}\"",
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "news:1",
    "\"\\\u{0}\n",
    "\u{2028}<&>",
    "\u{1f600}",
    "null",
    "data",
    "8",
];

/// Compiles a schema.
pub(crate) fn pool(schema: &Path) -> DescriptorPool {
    let folder = schema.parent().expect("a schema is in a folder");
    let files = protox::compile([schema], [folder]).expect("the schema compiles");
    DescriptorPool::from_file_descriptor_set(files).expect("the schema is complete")
}

/// Returns all messages of the schema except the entries of maps.
pub(crate) fn messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    pool.all_messages()
        .filter(|message| !message.is_map_entry())
        .collect()
}

/// Returns the message for a Rust path such as `outer::Inner`.
pub(crate) fn find(pool: &DescriptorPool, path: &str) -> MessageDescriptor {
    let bare = |name: &str| {
        name.replace("r#", "")
            .replace(['_', ':', '.', ' '], "")
            .to_lowercase()
    };
    messages(pool)
        .into_iter()
        .find(|message: &MessageDescriptor| {
            let name = message.full_name().strip_prefix(message.package_name());
            name.is_some_and(|name| bare(name) == bare(path))
        })
        .unwrap_or_else(|| panic!("the schema has no `{path}`"))
}

/// Checks that `M` agrees with the oracle, in JSON and in protobuf.
pub(crate) fn check<M>(pool: &DescriptorPool, path: &str)
where
    M: Message + Serialize + DeserializeOwned + PartialEq + Debug + Default,
{
    let descriptor = find(pool, path);
    assert_eq!(
        serde_json::to_string(&M::default()).expect(path),
        "{}",
        "{path} without anything"
    );
    for empty in ["{}", "null"] {
        assert_eq!(
            serde_json::from_str::<M>(empty).expect(path),
            M::default(),
            "{path} of {empty}"
        );
    }
    let rounds = std::env::var("CENTRIFUGO_API_FUZZ").map_or(ROUNDS, |rounds| {
        rounds.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    });
    for seed in 0..rounds {
        // The first message has all fields.
        let is_full = seed == 0;
        let mut random = Random {
            rng: Rng::new(seed),
            is_full,
        };
        let dynamic = random.message(&descriptor, if is_full { FULL_DEPTH } else { DEPTH });
        if let Some(field) = descriptor
            .fields()
            .find(|field: &FieldDescriptor| !is_choice(field) && !dynamic.has_field(field))
            .filter(|_| is_full)
        {
            panic!("{path}: `{}` is never set", field.name());
        }
        let typed = M::decode(&*dynamic.encode_to_vec()).expect(path);
        let back = DynamicMessage::decode(descriptor.clone(), &*typed.encode_to_vec()).expect(path);
        let json = json(&dynamic, None);
        assert!(back == dynamic, "{path}, seed {seed}: protobuf, {json}");
        assert_eq!(
            serde_json::to_string(&typed).expect(path),
            json,
            "{path}, seed {seed}: writing JSON"
        );
        for json in [json, self::json(&dynamic, Some(&mut random))] {
            let read = serde_json::from_str::<M>(&json);
            let read =
                read.unwrap_or_else(|error| panic!("{path}, seed {seed}: {error} in {json}"));
            assert_eq!(read, typed, "{path}, seed {seed}: reading {json}");
        }
    }
}

/// Returns Centrifugo's JSON of a message. With `noise`, returns JSON that must be read as the same
/// message.
pub(crate) fn json(message: &DynamicMessage, mut noise: Option<&mut Random>) -> String {
    let mut members = Vec::new();
    for field in in_order(&message.descriptor()) {
        let name = field.name();
        if message.has_field(&field) {
            members.push(format!(
                "\"{name}\":{}",
                value_json(&message.get_field(&field), noise.as_deref_mut())
            ));
        } else if noise
            .as_deref_mut()
            .is_some_and(|random| absent_can_be_null(&field) && random.rng.below(2) == 0)
        {
            members.push(format!("\"{name}\" : null"));
        }
    }
    if let Some(random) = noise {
        members.push(format!(
            "\"unknown_{}\": {{\"data\":[null, 1e400, \"\"]}}",
            random.rng.below(9)
        ));
        for last in (1..members.len()).rev() {
            members.swap(last, random.rng.below(last + 1));
        }
        return format!(" {{ {} }} ", members.join(" ,\n"));
    }
    format!("{{{}}}", members.join(","))
}

/// Returns the fields in the schema's order, those of oneofs last.
fn in_order(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let fields = message.descriptor_proto().field.iter();
    let mut fields: Vec<_> = fields
        .filter_map(|field| message.get_field_by_name(field.name()))
        .collect();
    fields.sort_by_key(|field| {
        is_choice(field).then(|| field.containing_oneof().map(|oneof| oneof.path().to_vec()))
    });
    fields
}

fn is_choice(field: &FieldDescriptor) -> bool {
    field
        .containing_oneof()
        .is_some_and(|oneof| !oneof.is_synthetic())
}

/// A `null` payload is a payload, and `null` is not allowed beside a field of the same oneof.
fn absent_can_be_null(field: &FieldDescriptor) -> bool {
    !is_choice(field)
        && (field.cardinality() == Cardinality::Repeated || field.kind() != Kind::Bytes)
}

fn value_json(value: &Value, mut noise: Option<&mut Random>) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("a string has JSON");
    match value {
        Value::Bool(value) => value.to_string(),
        Value::I32(value) | Value::EnumNumber(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) => serde_json::to_string(value).expect("a number has JSON"),
        Value::F64(value) => serde_json::to_string(value).expect("a number has JSON"),
        Value::String(value) => text(value),
        Value::Bytes(value) => String::from_utf8(value.to_vec()).expect("payloads here are JSON"),
        Value::Message(value) => json(value, noise),
        Value::List(values) => {
            let values: Vec<_> = values
                .iter()
                .map(|value| value_json(value, noise.as_deref_mut()))
                .collect();
            format!("[{}]", values.join(","))
        }
        Value::Map(values) => {
            let mut values: Vec<_> = values.iter().collect();
            values.sort_by_key(|(key, _)| *key);
            format!(
                "{{{}}}",
                values
                    .into_iter()
                    .map(|(key, value)| {
                        format!(
                            "{}:{}",
                            text(&key_text(key)),
                            value_json(value, noise.as_deref_mut())
                        )
                    })
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// A generator of random messages.
pub(crate) struct Random {
    rng: Rng,
    /// Whether messages have all of their fields, without default values.
    is_full: bool,
}

impl Random {
    /// Returns a message with about half of its fields, nested `depth` deep.
    pub(crate) fn message(&mut self, descriptor: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            let too_deep = depth == 0 && holds_message(&field);
            if too_deep || !self.is_full && self.rng.below(2) == 0 {
                continue;
            }
            let mut value = self.field(&field, depth);
            while self.is_full && value.is_default_for_field(&field) && !field.supports_presence() {
                value = self.field(&field, depth);
            }
            if field.supports_presence() || !value.is_default_for_field(&field) {
                message.set_field(&field, value);
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = entry.map_entry_key_field();
                let value = entry.map_entry_value_field();
                let entries = (0..self.rng.below(4)).map(|_| {
                    let key = self
                        .value(&key.kind(), depth)
                        .into_map_key()
                        .expect("the schema allows only such keys");
                    (key, self.value(&value.kind(), depth))
                });
                Value::Map(entries.collect())
            }
            kind if field.is_list() => Value::List(
                (0..self.rng.below(4))
                    .map(|_| self.value(&kind, depth))
                    .collect(),
            ),
            kind => self.value(&kind, depth),
        }
    }

    fn value(&mut self, kind: &Kind, depth: u32) -> Value {
        let bits = match self.rng.below(4) {
            0 => self.rng.pick(EXTREMES),
            _ => self.rng.next() >> self.rng.below(64),
        };
        match kind {
            Kind::Double => Value::F64(self.rng.pick(&[
                0.0,
                0.1,
                -1.25,
                1e308,
                5e-324,
                18_446_744_073_709_551_616.0,
            ])),
            Kind::Float => {
                Value::F32(
                    self.rng
                        .pick(&[0.0, 0.1, -1.25, f32::MAX, f32::MIN_POSITIVE]),
                )
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(bits as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(bits as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(bits as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(bits),
            Kind::Bool => Value::Bool(bits.is_multiple_of(2)),
            Kind::String => Value::String(self.rng.pick(TEXTS).to_owned()),
            Kind::Bytes if bits == 0 => {
                Value::Bytes(["[".repeat(200), "]".repeat(200)].concat().into())
            }
            Kind::Bytes => Value::Bytes(self.rng.pick(PAYLOADS).into()),
            Kind::Enum(_) => Value::EnumNumber(self.rng.pick(&[0, 1, 2, -7, 99])),
            Kind::Message(descriptor) => Value::Message(self.message(descriptor, depth - 1)),
        }
    }
}

/// Returns whether a field, or a map's value, is a message.
fn holds_message(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => holds_message(&entry.map_entry_value_field()),
        Kind::Message(_) => true,
        _ => false,
    }
}
