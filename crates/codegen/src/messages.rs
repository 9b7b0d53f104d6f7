//! The messages: prost's code for the schema, as a syntax tree that later steps read and add to.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use prost_build::{Config, Module, Service, ServiceGenerator};
use syn::{Ident, Item, ItemStruct, Lit, Type};

use crate::schema::{Schema, is_message};

/// The messages and the service of a schema.
pub(crate) struct Messages {
    /// The messages, as prost generated them.
    pub(crate) file: syn::File,
    /// The service's description, in Rust's names.
    pub(crate) service: Service,
}

/// The messages with a field per method, whose fields are boxed: otherwise each takes 5 kB,
/// whatever is set.
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
        .service_generator(Box::new(ServiceKeeper(Rc::clone(&service))));
    for path in boxed_fields(schema) {
        config.boxed(path);
    }
    let module = Module::from_protobuf_package_name(&schema.package);
    let files = schema.files.iter();
    let requests = files.map(|file| (module.clone(), file.clone())).collect();
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

/// Returns the paths of the fields that are boxed.
fn boxed_fields(schema: &Schema) -> Vec<String> {
    let mut paths = Vec::new();
    for message in schema.files.iter().flat_map(|file| &file.message_type) {
        if WIDE_MESSAGES.contains(&message.name()) {
            for field in message.field.iter().filter(|field| is_message(field)) {
                let package = &schema.package;
                paths.push(format!(".{package}.{}.{}", message.name(), field.name()));
            }
        }
    }
    paths
}

/// A generator that keeps the service's description and generates nothing.
struct ServiceKeeper(Rc<RefCell<Option<Service>>>);

impl ServiceGenerator for ServiceKeeper {
    fn generate(&mut self, service: Service, _code: &mut String) {
        self.0.replace(Some(service));
    }
}

/// Checks that no two names are the same in Rust: in the schema they may differ by case or
/// underscores.
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

/// Returns the modules among `items`, which contain nested messages, and their items.
pub(crate) fn modules(items: &[Item]) -> impl Iterator<Item = (&Ident, &[Item])> {
    items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some((&module.ident, module.content.as_ref()?.1.as_slice())),
        _ => None,
    })
}

/// Returns the outermost messages of a schema: their names in the schema and in Rust. prost keeps the schema's order.
pub(crate) fn outermost<'a>(
    schema: &'a Schema,
    items: &'a [Item],
) -> Result<Vec<(&'a str, &'a Ident)>, String> {
    let messages = schema.files.iter().flat_map(|file| &file.message_type);
    let names: Vec<&str> = messages.map(|message| message.name()).collect();
    let structs = items.iter().filter_map(|item| match item {
        Item::Struct(message) => Some(&message.ident),
        _ => None,
    });
    let outermost: Vec<(&str, &Ident)> = names.iter().copied().zip(structs.clone()).collect();
    let mut pairs = outermost.iter();
    let are_same = pairs.all(|(name, ident)| plain(name) == plain(&ident.to_string()));
    if are_same && names.len() == structs.count() {
        return Ok(outermost);
    }
    Err(UNKNOWN_ORDER.to_owned())
}

/// The error about a release of prost that is not known.
pub(crate) const UNKNOWN_ORDER: &str =
    "prost generated other messages than the schema has, or in another order";

/// Returns a message's name in a form that is the same in Rust and in the schema.
pub(crate) fn plain(name: &str) -> String {
    name.trim_start_matches("r#")
        .replace('_', "")
        .to_lowercase()
}

/// Returns the message at a path from the outermost module.
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

/// Returns the type of a message's field.
pub(crate) fn field_type<'a>(message: &'a ItemStruct, name: &str) -> Option<&'a Type> {
    message
        .fields
        .iter()
        .find(|field| field.ident.as_ref().is_some_and(|ident| ident == name))
        .map(|field| &field.ty)
}

/// Returns the number of a message's field, from `#[prost(…, tag = "1")]`.
pub(crate) fn tag(message: &ItemStruct, name: &Ident) -> Option<u32> {
    let mut fields = message.fields.iter();
    let field = fields.find(|field| field.ident.as_ref() == Some(name))?;
    let mut tag = None;
    for attribute in &field.attrs {
        if !attribute.path().is_ident("prost") {
            continue;
        }
        // Parts of another shape, which are errors, are not the number.
        let _ = attribute.parse_nested_meta(|meta| {
            if !meta.input.peek(syn::Token![=]) {
                return Ok(());
            }
            let value = meta.value()?.parse::<Lit>()?;
            if let Lit::Str(number) = value
                && meta.path.is_ident("tag")
            {
                tag = number.value().parse().ok();
            }
            Ok(())
        });
    }
    tag
}

/// Returns the segments of the path of a type that the schema declares: such a path has no leading
/// `::`.
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

/// Returns whether `ty` is the type of that name: one that the schema declares, a number or a bool.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    path(ty).is_some_and(|path| path.len() == 1 && path[0] == name)
}
