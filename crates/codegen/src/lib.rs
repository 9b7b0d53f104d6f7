//! The generator of `centrifugo-api` and `centrifugo-proxy`: it reads a schema of Centrifugo's server API or of its
//! proxy protocol, and returns the text of Rust files.
//!
//! Build scripts call [`build_sdk`], [`build_proxy`], [`build_test_server`] and [`build_message_tests`];
//! [`generate`] and [`generate_proxy`] are the generator itself, public for tests. It needs neither protoc nor a network.

mod batch;
mod build_script;
mod checks;
mod client;
mod comments;
mod consumers;
mod descriptors;
mod facts;
mod fields;
mod filters;
mod handled;
mod json;
mod keys;
mod macros;
mod messages;
mod methods;
mod pages;
mod profile;
mod proxy;
mod rpcs;
mod schema;
mod served;
mod setters;
mod tables;
mod twins;

use std::path::{Path, PathBuf};

pub use build_script::{build_message_tests, build_proxy, build_sdk, build_test_server};
use messages::Messages;
pub use proxy::{GeneratedProxy, generate as generate_proxy};
use rpcs::Rpc;
use schema::Schema;
use syn::{File, Item, parse_quote};

/// The text of the generated files.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The messages, their JSON, constructors and setters.
    pub messages: String,
    /// The impls of requests: their methods, batches and pages.
    pub requests: String,
    /// The impls of the requests that asynchronous consumers execute.
    pub consumers: String,
    /// The client's methods.
    pub client: String,
    /// The blocking client's methods.
    pub blocking: String,
    /// The methods as the test server serves them, or the reason why it cannot serve the schema.
    pub served: Result<String, String>,
    /// The descriptions of messages, for the test server.
    pub descriptors: String,
    /// Macros over all messages and over all methods, for tests.
    pub macros: String,
    /// The paths of the files that the schema consists of.
    pub sources: Vec<PathBuf>,
}

/// Generates the code from the schema at `path`.
///
/// # Errors
///
/// A text that says what is wrong with the schema, and the fix.
pub fn generate(path: &Path) -> Result<Generated, String> {
    let schema = schema::load(path, &profile::API)?;
    let messages = messages::generate(&schema)?;
    let rpcs = rpcs::rpcs(&schema, &messages)?;
    let items = &messages.file.items;
    let served = served::generate(items, &rpcs);
    Ok(Generated {
        messages: prettyplease::unparse(&messages_file(&schema, &messages, &rpcs)?),
        requests: prettyplease::unparse(&requests_file(items, &rpcs)),
        consumers: prettyplease::unparse(&consumers_file(items, &rpcs)),
        client: prettyplease::unparse(&client::asynchronous(items, &rpcs)),
        blocking: prettyplease::unparse(&client::blocking(items, &rpcs)),
        served: served.map(|file| prettyplease::unparse(&file)),
        descriptors: prettyplease::unparse(&descriptors::generate(&schema, items)?),
        macros: macros::generate(&messages.file, &rpcs),
        sources: schema.sources,
    })
}

/// Returns the messages with all that is added to them.
fn messages_file(schema: &Schema, messages: &Messages, rpcs: &[Rpc]) -> Result<File, String> {
    let items = &messages.file.items;
    let mut file = messages.file.clone();
    setters::add_to(&mut file.items, &profile::API);
    file.items.extend(tables::tables(rpcs, items));
    file.items.extend(batch::tables(items, rpcs));
    file.items.extend(twins::functions(items));
    file.items.extend(filters::constructors(items));
    file.items.extend(json::generate(schema, messages)?);
    Ok(file)
}

/// Returns the impls of requests.
fn requests_file(items: &[Item], rpcs: &[Rpc]) -> File {
    let methods = methods::impls(rpcs, items);
    let batches = batch::impls(items, rpcs);
    let pages = pages::impls(items, rpcs);
    parse_quote! {
        use crate::api::messages as api;
        #(#methods)*
        #(#batches)*
        #(#pages)*
    }
}

/// Returns the impls of the requests that asynchronous consumers execute.
fn consumers_file(items: &[Item], rpcs: &[Rpc]) -> File {
    let consumers = consumers::impls(rpcs, items);
    parse_quote! {
        use crate::api::messages as api;
        #(#consumers)*
    }
}
