//! The messages of the schema that the crate was built from, whichever it is.

#[path = "schemas/every_message.rs"]
mod every_message;
