//! Descriptions of all messages, by which the test server reads and writes JSON.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use quote::{ToTokens as _, format_ident, quote};
use syn::{Ident, Item, ItemImpl, ItemStatic, Path, parse_quote};

use crate::facts;
use crate::macros::is_hidden;
use crate::messages::{UNKNOWN_ORDER, plain};
use crate::schema::{Schema, is_map_entry, map_entry};

/// A message and the name of its description.
struct Described<'a> {
    /// The message's name within the package: `Outer.Inner`.
    name: String,
    message: &'a DescriptorProto,
    /// The name of the `static` with the description.
    table: Ident,
}

/// Generates the descriptions of all messages, and the impls that lead from the messages that can be named to theirs.
pub(crate) fn generate(schema: &Schema, items: &[Item]) -> Result<syn::File, String> {
    let mut all = Vec::new();
    for message in schema.files.iter().flat_map(|file| &file.message_type) {
        collect(message, "", &mut all);
    }
    let tables: HashMap<String, &Ident> = all
        .iter()
        .map(|one| (format!(".{}.{}", schema.package, one.name), &one.table))
        .collect();
    let mut generated: Vec<Item> = Vec::new();
    for one in &all {
        generated.push(Item::Static(table(one, &tables)?));
    }
    for (one, path) in all.iter().zip(paths(items, &all)?) {
        let text = path.to_token_stream().to_string().replace(' ', "");
        if !is_hidden(&text) {
            generated.push(Item::Impl(described(one, &path)));
        }
    }
    Ok(syn::File {
        shebang: None,
        attrs: Vec::new(),
        items: generated,
    })
}

/// Collects a message and the messages within it, except map entries: the fields that are maps
/// describe those.
fn collect<'a>(message: &'a DescriptorProto, outer: &str, all: &mut Vec<Described<'a>>) {
    let name = format!("{outer}{}", message.name());
    let nested = format!("{name}.");
    // Whatever the messages are called, numbers cannot clash.
    all.push(Described {
        name,
        message,
        table: format_ident!("M{}", all.len()),
    });
    for message in &message.nested_type {
        if !is_map_entry(message) {
            collect(message, &nested, all);
        }
    }
}

/// Returns the paths in Rust of the messages. prost keeps the schema's order, and puts the messages within a message
/// into a module behind it.
fn paths(items: &[Item], messages: &[Described<'_>]) -> Result<Vec<Path>, String> {
    let mut paths = Vec::new();
    collect_paths(items, &[], &mut paths);
    let mut pairs = paths.iter().zip(messages);
    let are_same = paths.len() == messages.len()
        && pairs.all(|(path, one)| {
            let name = path
                .segments
                .last()
                .map(|segment| segment.ident.to_string());
            name.is_some_and(|name| plain(&name) == plain(one.message.name()))
        });
    if !are_same {
        return Err(UNKNOWN_ORDER.to_owned());
    }
    Ok(paths)
}

fn collect_paths(items: &[Item], outer: &[&Ident], paths: &mut Vec<Path>) {
    for item in items {
        match item {
            Item::Struct(message) => {
                let name = &message.ident;
                paths.push(parse_quote!(#(#outer::)*#name));
            }
            Item::Mod(module) => {
                let items = module.content.as_ref().map(|content| content.1.as_slice());
                let outer = [outer, &[&module.ident]].concat();
                collect_paths(items.unwrap_or_default(), &outer, paths);
            }
            _ => {}
        }
    }
}

/// Generates the impl that leads from a message to its description.
fn described(one: &Described<'_>, path: &Path) -> ItemImpl {
    let table = &one.table;
    parse_quote! {
        impl crate::json::Described for centrifugo_api::api::#path {
            const DESCRIPTOR: &'static crate::json::MessageDescriptor = &#table;
        }
    }
}

/// Generates the description of a message. `tables` are the names of all descriptions, by the names
/// of messages.
fn table(one: &Described<'_>, tables: &HashMap<String, &Ident>) -> Result<ItemStatic, String> {
    let table = &one.table;
    let name = &one.name;
    let mut fields = Vec::new();
    for each in &one.message.field {
        fields.push(field(one, each, tables)?);
    }
    Ok(parse_quote! {
        static #table: crate::json::MessageDescriptor =
            crate::json::MessageDescriptor { name: #name, fields: &[#(#fields),*] };
    })
}

/// Generates the description of a field.
fn field(
    one: &Described<'_>,
    field: &FieldDescriptorProto,
    tables: &HashMap<String, &Ident>,
) -> Result<TokenStream, String> {
    let name = field.name();
    let number = u32::try_from(field.number())
        .map_err(|error| format!("the number of `{name}`: {error}"))?;
    let entry = map_entry(one.message, field);
    let kind = match entry.map(|entry| entry.field.as_slice()) {
        Some([key, value]) => {
            let key = kind(key, tables)?;
            let value = kind(value, tables)?;
            quote!(crate::json::FieldKind::Map { key: &#key, value: &#value })
        }
        _ => kind(field, tables)?,
    };
    let repeated = entry.is_none() && field.label() == Label::Repeated;
    let optional = field.oneof_index.is_some();
    let always = facts::ALWAYS_WRITTEN
        .iter()
        .any(|(message, fields)| *message == one.name && fields.contains(&name));
    Ok(quote! {
        crate::json::FieldDescriptor {
            name: #name,
            number: #number,
            kind: #kind,
            repeated: #repeated,
            optional: #optional,
            always: #always,
        }
    })
}

/// Generates the kind of a field, whether or not it is repeated.
fn kind(
    field: &FieldDescriptorProto,
    tables: &HashMap<String, &Ident>,
) -> Result<TokenStream, String> {
    let kind = match field.r#type() {
        Type::Bool => quote!(Bool),
        Type::String => quote!(Text),
        Type::Bytes => quote!(Payload),
        Type::Double => quote!(Double),
        Type::Float => quote!(Float),
        Type::Int32 => quote!(Int32),
        Type::Int64 => quote!(Int64),
        Type::Uint32 => quote!(Uint32),
        Type::Uint64 => quote!(Uint64),
        Type::Sint32 => quote!(Sint32),
        Type::Sint64 => quote!(Sint64),
        Type::Fixed32 => quote!(Fixed32),
        Type::Fixed64 => quote!(Fixed64),
        Type::Sfixed32 => quote!(Sfixed32),
        Type::Sfixed64 => quote!(Sfixed64),
        Type::Enum => quote!(Enum),
        Type::Message | Type::Group => {
            let name = field.type_name();
            let table = tables
                .get(name)
                .ok_or_else(|| format!("the schema lacks the message `{name}`"))?;
            quote!(Message(&#table))
        }
    };
    Ok(quote!(crate::json::FieldKind::#kind))
}
