//! The generator: one schema in, the text of two Rust files out.

mod client;
mod fields;
mod json;
mod messages;
mod methods;
mod requests;
mod schema;

use std::path::Path;

/// What the crate includes from `OUT_DIR`.
pub struct Generated {
    /// Messages, their JSON, requests' constructors and setters, and the method table.
    pub messages: String,
    /// The client's methods.
    pub client: String,
}

/// Generates the crate's code from the schema at `path`; the error says what is wrong with it and what to do.
pub fn generate(path: &Path) -> Result<Generated, String> {
    let schema = schema::load(path)?;
    let mut messages = messages::generate(&schema)?;
    let rpcs = methods::rpcs(&schema, &messages)?;
    let table = methods::table(&rpcs, &messages);
    requests::add_to(&mut messages.file, &rpcs);
    messages.file.items.extend(table);
    Ok(Generated {
        messages: prettyplease::unparse(&messages.file) + &json::generate(&schema)?,
        client: prettyplease::unparse(&client::methods(&rpcs)),
    })
}
