//! The messages that the test server's handlers read and write: those of the methods that the open-source Centrifugo
//! serves, as prost generates them.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use prost_build::{Config, Module};
use prost_types::{DescriptorProto, FileDescriptorProto, MethodDescriptorProto};

use crate::facts;
use crate::profile;
use crate::schema::{self, Schema};

/// The messages that tests see in events, which are those of the SDK.
const SHARED: &[&str] = &["ClientInfo", "Publication"];

/// Generates the messages from the schema at `path`, the newest one.
pub(crate) fn generate(path: &Path) -> Result<String, String> {
    let schema = schema::load(path, &profile::API)?;
    let module = Module::from_protobuf_package_name(&schema.package);
    let mut config = Config::new();
    config.bytes(["."]).btree_map(["."]);
    for message in SHARED {
        config.extern_path(
            format!(".{}.{message}", schema.package),
            format!("::centrifugo_api::{message}"),
        );
    }
    let handled = handled(&schema);
    let files = schema.files.iter();
    let requests = files.map(|file| (module.clone(), only(file, &schema.package, &handled)));
    let mut modules = config
        .generate(requests.collect())
        .map_err(|error| format!("prost: {error}"))?;
    modules
        .remove(&module)
        .ok_or_else(|| "prost generated nothing".to_owned())
}

/// Returns the names of the requests and results of the methods that have handlers, and of the messages within them.
fn handled(schema: &Schema) -> BTreeSet<String> {
    let mut by_name = HashMap::new();
    for message in schema.files.iter().flat_map(|file| &file.message_type) {
        by_name.insert(format!(".{}.{}", schema.package, message.name()), message);
    }
    let services = schema.files.iter().flat_map(|file| &file.service);
    let rpcs = services.flat_map(|service| &service.method);
    let mut names = BTreeSet::new();
    for rpc in rpcs.filter(|rpc| has_handler(&by_name, rpc)) {
        collect(&by_name, rpc.input_type(), &mut names);
        let response = by_name.get(rpc.output_type());
        let mut fields = response.iter().flat_map(|response| &response.field);
        if let Some(result) = fields.find(|field| field.name() == "result") {
            collect(&by_name, result.type_name(), &mut names);
        }
    }
    names
}

/// Returns whether a method has a handler: `Command` has a field for it, and the open-source Centrifugo serves it.
fn has_handler(by_name: &HashMap<String, &DescriptorProto>, rpc: &MethodDescriptorProto) -> bool {
    let mut commands = by_name
        .values()
        .filter(|message| message.name() == "Command");
    let fields = commands.next().map(|command| command.field.as_slice());
    let mut fields = fields.unwrap_or_default().iter();
    let field = fields.find(|field| field.type_name() == rpc.input_type());
    let facts = field.and_then(|field| facts::method(field.name()));
    facts.is_some_and(|facts| facts.is_open_source)
}

/// Adds a message and the messages within it.
fn collect(by_name: &HashMap<String, &DescriptorProto>, name: &str, names: &mut BTreeSet<String>) {
    let Some(message) = by_name.get(name) else {
        return;
    };
    if names.insert(name.to_owned()) {
        let entries = message.nested_type.iter().flat_map(|entry| &entry.field);
        for field in message.field.iter().chain(entries) {
            collect(by_name, field.type_name(), names);
        }
    }
}

/// Returns a file with these messages alone.
fn only(
    file: &FileDescriptorProto,
    package: &str,
    names: &BTreeSet<String>,
) -> FileDescriptorProto {
    let mut only = file.clone();
    only.service.clear();
    only.source_code_info = None;
    only.message_type
        .retain(|message| names.contains(&format!(".{package}.{}", message.name())));
    only
}
