//! The messages of Centrifugo's proxy protocol, for `centrifugo-proxy`.

pub(crate) mod facts;
mod required;
mod shared;

use std::path::{Path, PathBuf};

use syn::{File, Item, parse_quote};

use crate::messages::Messages;
use crate::profile::{API, PROXY};
use crate::schema::{self, Schema};
use crate::{json, macros, messages, setters};

/// The text of the file that is generated for the proxy.
#[derive(Clone, Debug)]
pub struct GeneratedProxy {
    /// The messages, their JSON, constructors and setters, and the name of the service.
    pub messages: String,
    /// A macro over all messages, for tests.
    pub macros: String,
    /// The paths of the files that the schema and the SDK's schema consist of.
    pub sources: Vec<PathBuf>,
}

/// Generates the messages from the schema at `path`.
///
/// The schema must have what the one at `shipped` has. Messages that are the same in the one at `sdk`, from which
/// `centrifugo-api` was built, are those of `centrifugo-api`.
///
/// # Errors
///
/// A text that says what is wrong with the schema, and the fix.
pub fn generate(path: &Path, shipped: &Path, sdk: &Path) -> Result<GeneratedProxy, String> {
    let schema = schema::load(path, &PROXY)?;
    required::check(&schema, &schema::load(shipped, &PROXY)?)
        .map_err(|problem| schema::refusal(path, &PROXY, &problem))?;
    let sdk = schema::load(sdk, &API)?;
    let messages = messages::generate(&schema)?;
    Ok(GeneratedProxy {
        macros: macros::for_each_message(&messages.file.items),
        messages: prettyplease::unparse(&messages_file(&schema, &sdk, messages)?),
        sources: [schema.sources, sdk.sources].concat(),
    })
}

/// Returns the messages with all that is added to them, and without those that are the SDK's.
fn messages_file(schema: &Schema, sdk: &Schema, messages: Messages) -> Result<File, String> {
    let json = json::generate(schema, &messages)?;
    let shared = shared::find(schema, sdk, &messages.file.items)?;
    let mut file = messages.file;
    shared.replace_in(&mut file.items);
    setters::add_to(&mut file.items, &PROXY);
    file.items.extend(shared.conversions());
    file.items.extend(shared.without_impls(json));
    file.items
        .push(service_name(schema, &messages.service.proto_name));
    Ok(file)
}

/// Generates the name of the service, with its package, as gRPC has it in paths.
fn service_name(schema: &Schema, service: &str) -> Item {
    let name = format!("{}.{service}", schema.package);
    parse_quote! {
        pub(crate) const SERVICE_NAME: &str = #name;
    }
}
