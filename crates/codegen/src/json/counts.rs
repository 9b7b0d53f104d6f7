//! Counts the places that are rewritten: as many as the schema needs, or pbjson-build has changed.

use std::fmt;

use prost_types::DescriptorProto;
use prost_types::field_descriptor_proto::{Label, Type};

use super::view::has_payloads;
use crate::schema::{Schema, is_map_entry, map_entry};

/// The number of places that are rewritten, by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) messages: usize,
    pub(super) payloads_read: usize,
    pub(super) payloads_written: usize,
    pub(super) payload_maps: usize,
    /// All reads of values except payloads.
    pub(super) values_read: usize,
}

impl Counts {
    /// Returns the number of places that the schema needs.
    pub(super) fn expected(schema: &Schema) -> Self {
        let mut counts = Self::default();
        for file in &schema.files {
            for message in &file.message_type {
                counts.add_message(message);
            }
        }
        counts
    }

    fn add_message(&mut self, message: &DescriptorProto) {
        if is_map_entry(message) {
            return;
        }
        self.messages += 1;
        // The value of an unknown field.
        self.values_read += 1;
        for field in &message.field {
            let is_payload = field.r#type() == Type::Bytes;
            let has_payloads = map_entry(message, field).is_some_and(has_payloads);
            if is_payload && field.label() != Label::Repeated {
                self.payloads_read += 1;
            } else {
                self.values_read += 1;
            }
            self.payloads_written += usize::from(is_payload || has_payloads);
            self.payload_maps += usize::from(has_payloads);
        }
        for nested in &message.nested_type {
            self.add_message(nested);
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "messages: {}, reads of payloads: {}, writes of payloads: {}, maps of payloads: {}, \
             reads of other values: {}",
            self.messages,
            self.payloads_read,
            self.payloads_written,
            self.payload_maps,
            self.values_read
        )
    }
}
