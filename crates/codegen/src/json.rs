//! The messages' serde code: pbjson-build's, bent from protobuf's JSON mapping to Centrifugo's JSON.
//!
//! pbjson-build is shown a view of the schema in which every field that serde alone writes as Centrifugo does
//! (numbers, strings, enums, lists, maps) looks like a string: for a string it generates plain
//! `serialize_field` and `next_value`, which are right for whatever type the field really has. Payloads
//! (`bytes`) and messages keep their types. The rules that remain are in `src/json.rs`.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorProto};
use syn::Item;

use crate::messages::modules;
use crate::schema::{Schema, is_message, map_entry};

/// What is replaced in pbjson-build's output, in this order.
const REDIRECTIONS: &[(&str, &str)] = &[
    ("::pbjson::private", "pbjson::private"),
    ("pbjson::private", "crate::api::json"),
    // A `null` payload is the payload `null`; any other `null` is the default.
    (
        "map_.next_value::<::std::option::Option<crate::api::json::BytesDeserialize<_>>>()?",
        "Some(crate::api::json::next_payload(&mut map_)?)",
    ),
    (
        "map_.next_value::<crate::api::json::BytesDeserialize<_>>()",
        "crate::api::json::next_payload(&mut map_)",
    ),
    (
        "map_.next_value",
        "crate::api::json::NullAsDefault(&mut map_).next_value",
    ),
    (
        "deserializer.deserialize_struct(",
        "crate::api::json::message(deserializer, ",
    ),
    ("std::collections::HashMap", "std::collections::BTreeMap"),
    // A schema may have messages `Vec`, `Serde` and `Std`, and fields `gen`, which pbjson takes for a usual name.
    ("Vec<", "::std::vec::Vec<"),
    ("serde::", "::serde::"),
    ("std::", "::std::"),
    ("gen", "r#gen"),
];

/// Generates the serde impls of all messages.
pub(crate) fn generate(schema: &Schema, messages: &syn::File) -> Result<String, String> {
    let mut builder = pbjson_build::Builder::new();
    builder
        .ignore_unknown_fields()
        .btree_map(["."])
        .extern_path(format!(".{}", schema.package), "crate::api::messages");
    for file in &schema.files {
        builder.register_file_descriptor(view(file));
    }
    let outputs = builder
        .generate(&[format!(".{}", schema.package)], |_| Ok(Vec::new()))
        .map_err(|error| format!("pbjson: {error}"))?;
    let mut code = String::from("#[allow(unused_imports)]\nuse crate::api::json::IsEmpty as _;\n");
    for (_, output) in outputs {
        code.push_str(&String::from_utf8(output).map_err(|error| format!("pbjson: {error}"))?);
    }
    for (from, to) in renamed_oneofs(&messages.items, "crate::api::messages::") {
        code = replace_whole(&code, &from, &to);
    }
    redirect(&code)
}

fn redirect(code: &str) -> Result<String, String> {
    let redirected = REDIRECTIONS
        .iter()
        .fold(code.to_owned(), |code, (from, to)| {
            replace_whole(&code, from, to)
        });
    for leftover in [
        "pbjson::",
        "HashMap<",
        "NumberDeserialize<",
        "ToString::",
        ".to_string(",
    ] {
        if redirected.contains(leftover) {
            return Err(format!(
                "pbjson-build generated `{leftover}`, which Centrifugo's JSON has no use for"
            ));
        }
    }
    Ok(redirected)
}

/// Replaces `from` where it is no part of a longer name or path, nor a JSON name in quotes.
fn replace_whole(code: &str, from: &str, to: &str) -> String {
    let in_name =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '"' | '#');
    let mut replaced = String::with_capacity(code.len() + code.len() / 8);
    let mut rest = code;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        replaced.push_str(before);
        let is_part = replaced.ends_with(in_name)
            || (from.contains("::") && replaced.ends_with(':'))
            || (from.ends_with(in_name) && after.starts_with(in_name));
        replaced.push_str(if is_part { from } else { to });
        rest = after;
    }
    replaced + rest
}

/// prost adds `OneOf` to the name of a oneof that is named like a message or an enum beside it; pbjson does not.
fn renamed_oneofs(items: &[Item], path: &str) -> Vec<(String, String)> {
    let mut renamed = Vec::new();
    for item in items {
        let Item::Enum(oneof) = item else { continue };
        let name = oneof.ident.to_string();
        let Some(plain) = name.strip_suffix("OneOf") else {
            continue;
        };
        let taken = items.iter().any(|item| match item {
            Item::Struct(message) => message.ident == plain,
            Item::Enum(other) => other.ident == plain,
            _ => false,
        });
        if taken {
            renamed.push((format!("{path}{plain}::"), format!("{path}{name}::")));
        }
    }
    for (module, items) in modules(items) {
        renamed.extend(renamed_oneofs(items, &format!("{path}{module}::")));
    }
    renamed
}

fn view(file: &FileDescriptorProto) -> FileDescriptorProto {
    let mut file = file.clone();
    file.enum_type.clear();
    file.message_type.iter_mut().for_each(view_message);
    file
}

fn view_message(message: &mut DescriptorProto) {
    let original = message.clone();
    message.enum_type.clear();
    message.nested_type.iter_mut().for_each(view_message);
    for field in &mut message.field {
        // As Go has it, not in protobuf's camelCase.
        field.json_name = field.name.clone();
        let keeps_its_type = match map_entry(&original, field) {
            Some(entry) => entry
                .field
                .iter()
                .any(|part| part.name() == "value" && part.r#type() == Type::Bytes),
            None if is_message(field) => field.label() != Label::Repeated,
            None => field.r#type() == Type::Bytes,
        };
        if keeps_its_type {
            continue;
        }
        if map_entry(&original, field).is_some() {
            field.set_label(Label::Optional);
        }
        field.set_type(Type::String);
        field.type_name = None;
    }
}
