//! The messages: prost's code for the schema, as a syntax tree that the later steps read and add to.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use prost_build::{Config, Module, Service, ServiceGenerator};
use quote::ToTokens as _;
use syn::{Ident, Item, ItemStruct, Type};

use crate::methods::Rpc;
use crate::schema::{Schema, is_message};

/// What prost makes of a schema.
pub(crate) struct Messages {
    pub(crate) file: syn::File,
    pub(crate) service: Service,
}

/// Messages with a field for each method: unboxed, one takes 5 kB whatever it holds.
const WIDE_MESSAGES: &[&str] = &["Command", "Reply"];

/// Generates the messages.
pub(crate) fn generate(schema: &Schema) -> Result<Messages, String> {
    let service = Rc::new(RefCell::new(None));
    let mut config = Config::new();
    config
        .bytes(["."])
        .btree_map(["."])
        .message_attribute(".", "#[non_exhaustive]")
        .enum_attribute(".", "#[non_exhaustive]")
        .service_generator(Box::new(Keep(Rc::clone(&service))));
    for message in schema.files.iter().flat_map(|file| &file.message_type) {
        if WIDE_MESSAGES.contains(&message.name()) {
            for field in message.field.iter().filter(|field| is_message(field)) {
                config.boxed(format!(
                    ".{}.{}.{}",
                    schema.package,
                    message.name(),
                    field.name()
                ));
            }
        }
    }
    let module = Module::from_protobuf_package_name(&schema.package);
    let requests = schema
        .files
        .iter()
        .map(|file| (module.clone(), file.clone()))
        .collect();
    let mut modules = config
        .generate(requests)
        .map_err(|error| format!("prost: {error}"))?;
    let code = modules.remove(&module).ok_or("prost generated nothing")?;
    let file = syn::parse_file(&code)
        .map_err(|error| format!("prost generated code that does not parse: {error}"))?;
    check_names(&file.items)?;
    let service = service.take().ok_or("prost found no service")?;
    Ok(Messages { file, service })
}

/// Keeps the service's description, in Rust's names, and generates nothing.
struct Keep(Rc<RefCell<Option<Service>>>);

impl ServiceGenerator for Keep {
    fn generate(&mut self, service: Service, _code: &mut String) {
        self.0.replace(Some(service));
    }
}

/// Names that differ in the schema only by case or underscores are one in Rust.
fn check_names(items: &[Item]) -> Result<(), String> {
    let names = items.iter().filter_map(|item| match item {
        Item::Struct(message) => Some(&message.ident),
        Item::Enum(oneof) => Some(&oneof.ident),
        _ => None,
    });
    check_unique("types", names)?;
    for item in items {
        if let Item::Struct(message) = item {
            let fields = message
                .fields
                .iter()
                .filter_map(|field| field.ident.as_ref());
            check_unique(&format!("fields of `{}`", message.ident), fields)?;
        }
    }
    modules(items).try_for_each(|(_, items)| check_names(items))
}

fn check_unique<'a>(what: &str, names: impl Iterator<Item = &'a Ident>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!(
                "two {what} in the schema are both `{name}` in Rust; rename one"
            ));
        }
    }
    Ok(())
}

/// The modules among `items`, in which nested messages are, and what they hold.
pub(crate) fn modules(items: &[Item]) -> impl Iterator<Item = (&Ident, &[Item])> {
    items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some((&module.ident, module.content.as_ref()?.1.as_slice())),
        _ => None,
    })
}

/// The message of that path in the outermost module.
pub(crate) fn find<'a>(mut items: &'a [Item], message: &Type) -> Option<&'a ItemStruct> {
    let path = path(message)?;
    let (name, outer) = path.split_last()?;
    for module in outer {
        items = modules(items).find(|(ident, _)| ident == module)?.1;
    }
    items.iter().find_map(|item| match item {
        Item::Struct(message) if message.ident == **name => Some(message),
        _ => None,
    })
}

/// The type of a message's field.
pub(crate) fn field_type<'a>(message: &'a ItemStruct, name: &str) -> Option<&'a Type> {
    message
        .fields
        .iter()
        .find(|field| field.ident.as_ref().is_some_and(|ident| ident == name))
        .map(|field| &field.ty)
}

/// The segments of a schema's own type, whose path never has a leading `::`.
pub(crate) fn path(ty: &Type) -> Option<Vec<&Ident>> {
    match ty {
        Type::Path(path) if path.path.leading_colon.is_none() => Some(
            path.path
                .segments
                .iter()
                .map(|segment| &segment.ident)
                .collect(),
        ),
        _ => None,
    }
}

/// Whether `ty` is a schema's own type of that name, or a number or a bool.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    path(ty).is_some_and(|path| path.len() == 1 && path[0] == name)
}

/// Macros that hand the paths of all messages, and those of all requests, to another macro, for the tests.
pub(crate) fn list(file: &syn::File, rpcs: &[Rpc]) -> String {
    let mut messages = Vec::new();
    collect_paths(&file.items, "", &mut messages);
    let requests: Vec<String> = rpcs
        .iter()
        .map(|rpc| rpc.request.to_token_stream().to_string())
        .collect();
    [("for_each_message", messages), ("for_each_method", requests)]
        .map(|(name, all)| {
            let all = all.join(", ");
            format!("#[allow(unused_macros)]\nmacro_rules! {name} {{ ($then:ident) => {{ $then! {{ {all} }} }} }}\n")
        })
        .concat()
}

fn collect_paths(items: &[Item], module: &str, paths: &mut Vec<String>) {
    for item in items {
        if let Item::Struct(message) = item {
            paths.push(format!("{module}{}", message.ident));
        }
    }
    for (name, items) in modules(items) {
        collect_paths(items, &format!("{module}{name}::"), paths);
    }
}
