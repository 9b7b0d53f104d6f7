//! The view of the schema that pbjson-build is shown.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::schema::{is_message, map_entry};

/// Returns the file with every field a string, except payloads and messages.
pub(super) fn of(file: &FileDescriptorProto) -> FileDescriptorProto {
    let mut file = file.clone();
    file.enum_type.clear();
    file.message_type.iter_mut().for_each(change_message);
    file
}

fn change_message(message: &mut DescriptorProto) {
    let original = message.clone();
    message.enum_type.clear();
    message.nested_type.iter_mut().for_each(change_message);
    for field in &mut message.field {
        change_field(field, &original);
    }
}

fn change_field(field: &mut FieldDescriptorProto, message: &DescriptorProto) {
    // Names in JSON are those of the schema, as in Go, and not protobuf's camelCase.
    field.json_name = field.name.clone();
    let entry = map_entry(message, field);
    let keeps_its_type = match entry {
        Some(entry) => has_payloads(entry),
        None if is_message(field) => field.label() != Label::Repeated,
        None => field.r#type() == Type::Bytes,
    };
    if keeps_its_type {
        return;
    }
    if entry.is_some() {
        field.set_label(Label::Optional);
    }
    field.set_type(Type::String);
    field.type_name = None;
}

/// Returns whether the values of a map are payloads.
pub(super) fn has_payloads(entry: &DescriptorProto) -> bool {
    entry
        .field
        .iter()
        .any(|part| part.name() == "value" && part.r#type() == Type::Bytes)
}
