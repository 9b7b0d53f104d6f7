//! The messages' serde impls: pbjson-build's, rewritten from protobuf's JSON mapping to
//! Centrifugo's JSON.
//!
//! pbjson-build is shown a view of the schema (`view.rs`) in which every field that serde alone
//! writes as Centrifugo does (numbers, strings, enums, lists, maps) looks like a string: for a
//! string it generates plain `serialize_field` and `next_value` calls, which are right whatever
//! type the field really has. Payloads (`bytes`) and messages keep their types. `rewrite.rs` makes
//! the generated code call the functions of the SDK's `src/api/json`, which hold the other rules.

mod counts;
mod rewrite;
#[cfg(test)]
mod tests;
mod view;

use syn::ext::IdentExt as _;
use syn::{Item, parse_quote};

use self::counts::Counts;
use self::rewrite::RenamedOneof;
use crate::messages::{Messages, modules};
use crate::schema::Schema;

/// Generates the serde impls of all messages.
pub(crate) fn generate(schema: &Schema, messages: &Messages) -> Result<Vec<Item>, String> {
    let mut code = syn::parse_file(&pbjson(schema)?)
        .map_err(|error| format!("pbjson-build generated code that does not parse: {error}"))?;
    let mut renamed = Vec::new();
    find_renamed_oneofs(&messages.file.items, &mut Vec::new(), &mut renamed);
    rewrite::rewrite(&mut code, renamed, Counts::expected(schema))?;
    let mut items = vec![parse_quote! {
        #[allow(unused_imports)]
        use crate::api::json::IsEmpty as _;
    }];
    items.append(&mut code.items);
    Ok(items)
}

/// Returns what pbjson-build generates for the view of the schema.
fn pbjson(schema: &Schema) -> Result<String, String> {
    let package = format!(".{}", schema.package);
    let mut builder = pbjson_build::Builder::new();
    builder
        .ignore_unknown_fields()
        .btree_map(["."])
        .extern_path(&package, "crate::api::messages");
    for file in &schema.files {
        builder.register_file_descriptor(view::of(file));
    }
    let outputs = builder
        .generate(&[package], |_| Ok(Vec::new()))
        .map_err(|error| format!("pbjson-build: {error}"))?;
    let mut code = String::new();
    for (_, output) in outputs {
        code += &String::from_utf8(output).map_err(|error| format!("pbjson-build: {error}"))?;
    }
    Ok(code)
}

/// Finds the oneofs that prost and pbjson-build name differently: prost adds `OneOf` to the name of
/// a oneof that is named like a message or an enum beside it.
///
/// `outer` are the modules around `items`.
fn find_renamed_oneofs(items: &[Item], outer: &mut Vec<String>, renamed: &mut Vec<RenamedOneof>) {
    for item in items {
        let Item::Enum(oneof) = item else { continue };
        let name = oneof.ident.to_string();
        let Some(plain) = name.strip_suffix("OneOf") else {
            continue;
        };
        if has_type(items, plain) {
            let mut path = outer.clone();
            path.push(plain.to_owned());
            renamed.push(RenamedOneof::new(path, oneof.ident.clone()));
        }
    }
    for (module, items) in modules(items) {
        outer.push(module.unraw().to_string());
        find_renamed_oneofs(items, outer, renamed);
        outer.pop();
    }
}

/// Returns whether there is a struct or an enum of that name.
fn has_type(items: &[Item], name: &str) -> bool {
    items.iter().any(|item| match item {
        Item::Struct(message) => message.ident == name,
        Item::Enum(other) => other.ident == name,
        _ => false,
    })
}
