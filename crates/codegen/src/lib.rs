//! The generator of `centrifugo-api`: a schema of Centrifugo's server API in, the text of Rust files out.
//!
//! Build scripts call [`build_sdk`] and [`build_test_server`]; [`generate`] is the generator itself, for its tests.
//! It needs neither protoc nor a network.

mod batch;
mod build_script;
mod checks;
mod client;
mod comments;
mod descriptors;
mod facts;
mod fields;
mod filters;
mod json;
mod messages;
mod methods;
mod pages;
mod requests;
mod schema;
mod served;

use std::path::{Path, PathBuf};

pub use build_script::{build_sdk, build_test_server};

/// What goes into `OUT_DIR`.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Messages, their JSON, constructors and setters.
    pub messages: String,
    /// The impls of requests: their methods, batches and pages.
    pub requests: String,
    /// The client's methods.
    pub client: String,
    /// The blocking client's methods.
    pub blocking: String,
    /// What the embedded server serves, or why it cannot serve this schema.
    pub served: Result<String, String>,
    /// The schema as a table, for the embedded server too.
    pub descriptors: String,
    /// Macros over all messages and over all methods, which only tests include.
    pub list: String,
    /// The files that the schema consists of.
    pub sources: Vec<PathBuf>,
}

/// Generates the code from the schema at `path`.
///
/// # Errors
///
/// A text that says what is wrong with the schema and what to do.
pub fn generate(path: &Path) -> Result<Generated, String> {
    let schema = schema::load(path)?;
    let mut messages = messages::generate(&schema)?;
    let json = json::generate(&schema, &messages)?;
    let descriptors = descriptors::generate(&schema, &messages.file.items)?;
    let rpcs = methods::rpcs(&schema, &messages)?;
    let list = messages::list(&messages.file, &rpcs);
    let items = &messages.file.items;
    let with_twins = checks::checked(items);
    let mut requests = methods::impls(&rpcs, items, &with_twins);
    requests.extend(batch::impls(items, &rpcs));
    requests.extend(pages::paged(items, &rpcs));
    let mut added = methods::tables(&rpcs, items);
    added.extend(batch::tables(items, &rpcs));
    added.extend(checks::checks(items, &with_twins));
    added.extend(filters::constructors(items));
    let served = served::served(items, &rpcs);
    let (client, blocking) = client::methods(items, &rpcs);
    requests::add_to(&mut messages.file);
    messages.file.items.extend(added);
    messages.file.items.extend(json);
    let requests: syn::File = syn::parse_quote! {
        use crate::api::messages as api;
        #(#requests)*
    };
    Ok(Generated {
        messages: prettyplease::unparse(&messages.file),
        requests: prettyplease::unparse(&requests),
        client: prettyplease::unparse(&client),
        blocking: prettyplease::unparse(&blocking),
        served: served
            .as_ref()
            .map(prettyplease::unparse)
            .map_err(String::clone),
        descriptors: prettyplease::unparse(&descriptors),
        list,
        sources: schema.sources,
    })
}
