//! The messages of Centrifugo's proxy protocol, for `centrifugo-proxy`.

pub(crate) mod facts;
mod required;
mod shared;

use std::path::{Path, PathBuf};

use syn::{File, Item, parse_quote};

use crate::profile::{API, PROXY};
use crate::schema::{self, Schema};
use crate::{json, messages, setters};

/// The text of the file that is generated for the proxy.
#[derive(Clone, Debug)]
pub struct GeneratedProxy {
    /// The messages, their JSON, constructors and setters, and the name of the service.
    pub messages: String,
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
    let file = messages_file(&schema, &sdk)?;
    Ok(GeneratedProxy {
        messages: prettyplease::unparse(&file),
        sources: [schema.sources, sdk.sources].concat(),
    })
}

fn messages_file(schema: &Schema, sdk: &Schema) -> Result<File, String> {
    let messages = messages::generate(schema)?;
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
