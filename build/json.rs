//! The messages' serde code: pbjson-build's, bent from protobuf's JSON mapping to Centrifugo's JSON.
//!
//! pbjson-build is shown a view of the schema in which every field that serde alone writes as Centrifugo does
//! (numbers, strings, enums, lists, maps) looks like a string: for a string it generates plain
//! `serialize_field` and `next_value`, which are right for whatever type the field really has. Payloads
//! (`bytes`) and messages keep their types. The rules that remain are in `src/json.rs`.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorProto};

use super::schema::{Schema, is_message, map_entry};

/// What is replaced in pbjson-build's output.
const REDIRECTIONS: &[(&str, &str)] = &[
    ("::pbjson::private", "crate::json"),
    ("pbjson::private", "crate::json"),
    ("map_.next_value", "crate::json::NullAsDefault(&mut map_).next_value"),
    ("std::collections::HashMap", "std::collections::BTreeMap"),
];

/// Generates the serde impls of all messages.
pub fn generate(schema: &Schema) -> Result<String, String> {
    let mut builder = pbjson_build::Builder::new();
    builder.ignore_unknown_fields().preserve_proto_field_names().btree_map(["."]);
    for file in &schema.files {
        builder.register_file_descriptor(view(file));
    }
    let outputs = builder
        .generate(&[format!(".{}", schema.package)], |_| Ok(Vec::new()))
        .map_err(|error| format!("pbjson: {error}"))?;
    let mut code = String::from("#[allow(unused_imports)]\nuse crate::json::IsEmpty as _;\n");
    for (_, output) in outputs {
        code.push_str(&String::from_utf8(output).map_err(|error| format!("pbjson: {error}"))?);
    }
    redirect(&code)
}

fn redirect(code: &str) -> Result<String, String> {
    let redirected = REDIRECTIONS.iter().fold(code.to_owned(), |code, (from, to)| code.replace(from, to));
    for leftover in ["pbjson", "HashMap", "NumberDeserialize", "to_string"] {
        if redirected.contains(leftover) {
            return Err(format!(
                "pbjson-build generated `{leftover}`, which Centrifugo's JSON has no use for"
            ));
        }
    }
    Ok(redirected)
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
        field.json_name = field.name.clone();
        let keeps_its_type = match map_entry(&original, field) {
            Some(entry) => {
                entry.field.iter().any(|part| part.name() == "value" && part.r#type() == Type::Bytes)
            }
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
