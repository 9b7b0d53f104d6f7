//! Messages that the proxy protocol and the server API both have, such as `Error`: where their fields are the same, one
//! type serves both; where they are similar, a conversion leads from the SDK's message to the proxy's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost_types::field_descriptor_proto::Type as FieldType;
use prost_types::{DescriptorProto, FieldDescriptorProto};
use syn::{Ident, Item, ItemImpl, Type, parse_quote};

use crate::messages::{outermost, path};
use crate::proxy::facts;
use crate::schema::{Schema, declared_type, is_map_entry, is_message, map_entry};

/// The messages that both schemas have, by their names in Rust.
pub(super) struct Shared {
    /// Those that are the same.
    same: Vec<Ident>,
    /// Those that are not, but whose protobuf the other reads.
    similar: Vec<Ident>,
}

/// The fields of a message, by number.
type Fields = BTreeMap<i32, Field>;

/// The facts that must agree in a field that two schemas have.
#[derive(PartialEq, Eq)]
struct Field {
    name: String,
    /// The type as a schema spells it.
    ty: String,
    /// The message that the field holds.
    held: Option<String>,
}

/// Finds the messages of the proxy's schema that the SDK's has too. `items` are the proxy's, as prost generated them.
pub(super) fn find(schema: &Schema, sdk: &Schema, items: &[Item]) -> Result<Shared, String> {
    let own = all_fields(schema);
    let others = all_fields(sdk);
    let pairs: Vec<Pair<'_>> = own
        .iter()
        .filter_map(|(name, own)| Some((*name, own, others.get(name)?)))
        .collect();
    let same = same(&pairs);
    let similar = similar(&pairs);
    let mut shared = Shared {
        same: Vec::new(),
        similar: Vec::new(),
    };
    for (name, ident) in outermost(schema, items)? {
        if same.contains(name) {
            shared.same.push(ident.clone());
        } else if similar.contains(name) {
            shared.similar.push(ident.clone());
        }
    }
    Ok(shared)
}

/// A message that both schemas have: its name, the fields in the proxy's schema, and those in the SDK's.
type Pair<'a> = (&'a str, &'a Fields, &'a Fields);

/// Returns the names of the messages that are the same, with all that they hold.
fn same<'a>(pairs: &[Pair<'a>]) -> BTreeSet<&'a str> {
    let equal = pairs.iter().filter(|(_, own, other)| own == other);
    let mut same: BTreeSet<&str> = equal.clone().map(|(name, ..)| *name).collect();
    // Each pass removes the messages that hold one which is not the same, until all that are left hold only such.
    loop {
        let is_left = |(name, own, _): &&Pair<'_>| {
            let mut held = own.values().filter_map(|field| field.held.as_deref());
            same.contains(name) && held.all(|held| same.contains(held))
        };
        let left: BTreeSet<&str> = equal
            .clone()
            .filter(is_left)
            .map(|(name, ..)| *name)
            .collect();
        if left.len() == same.len() {
            return same;
        }
        same = left;
    }
}

/// Returns the names of the messages that can be read from the protobuf of the SDK's, the same ones too.
///
/// Messages that contain themselves are not among them: protobuf limits their depth, so that reading may fail.
fn similar<'a>(pairs: &[Pair<'a>]) -> BTreeSet<&'a str> {
    let mut similar = BTreeSet::new();
    // Each pass adds the messages that hold only such that are known, until none is left to add.
    loop {
        let is_known =
            |(_, own, other): &&Pair<'_>| agree(own, other) && holds_only(own, other, &similar);
        let found: BTreeSet<&str> = pairs
            .iter()
            .filter(is_known)
            .map(|(name, ..)| *name)
            .collect();
        if found.len() == similar.len() {
            return similar;
        }
        similar = found;
    }
}

/// Returns whether each field is in the other message the same one, or neither its number nor its name is there.
fn agree(fields: &Fields, others: &Fields) -> bool {
    fields.iter().all(|(number, field)| {
        let has_name = others.values().any(|other| other.name == field.name);
        others.get(number).map_or(!has_name, |other| other == field)
    })
}

/// Returns whether the fields that both messages have hold only such messages.
fn holds_only(own: &Fields, other: &Fields, messages: &BTreeSet<&str>) -> bool {
    let both = own.iter().filter(|(number, _)| other.contains_key(number));
    let mut held = both.filter_map(|(_, field)| field.held.as_deref());
    held.all(|held| messages.contains(held))
}

/// Returns the fields of the messages that may be shared, by the messages' names.
fn all_fields(schema: &Schema) -> HashMap<&str, Fields> {
    let messages = schema.files.iter().flat_map(|file| &file.message_type);
    let fields = messages.filter_map(|message| Some((message.name(), fields(schema, message)?)));
    fields.collect()
}

/// Returns the fields of a message that may be shared: one that belongs to no event or method, and has no types of its
/// own.
fn fields(schema: &Schema, message: &DescriptorProto) -> Option<Fields> {
    let name = message.name();
    let mut ends = facts::NOT_SHARED.iter();
    let is_plain = message.nested_type.iter().all(is_map_entry) && message.enum_type.is_empty();
    if !is_plain || ends.any(|end| name.ends_with(end)) {
        return None;
    }
    let fields = message.field.iter();
    fields
        .map(|each| Some((each.number(), field(schema, message, each)?)))
        .collect()
}

/// Returns what must agree in a field. Fields of enums and oneofs, which have types of their own, must not be shared.
fn field(
    schema: &Schema,
    message: &DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<Field> {
    let value = map_entry(message, field).and_then(|entry| entry.field.last());
    let holding = value.unwrap_or(field);
    let is_in_oneof = field.oneof_index.is_some() && !field.proto3_optional();
    if is_in_oneof || holding.r#type() == FieldType::Enum {
        return None;
    }
    let held = is_message(holding).then(|| {
        let package = format!(".{}.", schema.package);
        let name = holding.type_name();
        name.strip_prefix(&package).unwrap_or(name).to_owned()
    });
    Some(Field {
        name: field.name().to_owned(),
        ty: declared_type(message, field),
        held,
    })
}

impl Shared {
    /// Replaces the messages that are the same by those of the SDK.
    pub(super) fn replace_in(&self, items: &mut [Item]) {
        for item in items {
            if let Item::Struct(message) = item
                && self.same.contains(&message.ident)
            {
                let name = &message.ident;
                *item = parse_quote! {
                    pub use ::centrifugo_api::api::#name;
                };
            }
        }
    }

    /// Returns the items without the impls for messages of the SDK, which has them.
    pub(super) fn without_impls(&self, mut items: Vec<Item>) -> Vec<Item> {
        items.retain(|item| match item {
            Item::Impl(item) => !self.is_for_same(item),
            _ => true,
        });
        items
    }

    /// Returns whether an impl is for `crate::api::messages::Message`, one that is the same.
    fn is_for_same(&self, item: &ItemImpl) -> bool {
        let path = path(&item.self_ty).unwrap_or_default();
        match path[..] {
            [_, _, _, name] => self.same.contains(name),
            _ => false,
        }
    }

    /// Generates the conversions of the SDK's messages that are similar.
    pub(super) fn conversions(&self) -> Vec<Item> {
        let conversions = self.similar.iter().map(|name| {
            let sdk: Type = parse_quote!(::centrifugo_api::api::#name);
            parse_quote! {
                impl ::core::convert::From<#sdk> for #name {
                    /// Converts the message of the server API: its fields that this message has too.
                    fn from(message: #sdk) -> Self {
                        let bytes = ::prost::Message::encode_to_vec(&message);
                        <Self as ::prost::Message>::decode(bytes.as_slice()).unwrap_or_default()
                    }
                }
            }
        });
        conversions.collect()
    }
}
