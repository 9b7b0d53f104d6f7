//! A payload and its `b64…` twin exclude each other: the check that finds both set, wherever in a request.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Item, ItemStruct, Type, parse_quote};

use crate::fields::{Field, inner};
use crate::requests;

/// The top-level messages that can hold a payload twice: they have twins, or hold a message that does.
pub(crate) fn checked(items: &[Item]) -> HashSet<String> {
    let mut checked = HashSet::new();
    loop {
        let found: HashSet<String> = messages(items)
            .filter(|message| !lines(&requests::fields(message), &checked).is_empty())
            .map(|message| message.ident.to_string())
            .collect();
        if found.len() == checked.len() {
            return checked;
        }
        checked = found;
    }
}

/// `payload_set_twice(&self)` for each of them.
pub(crate) fn checks(items: &[Item], checked: &HashSet<String>) -> Vec<Item> {
    let checked_messages =
        messages(items).filter(|message| checked.contains(&message.ident.to_string()));
    checked_messages
        .map(|message| check(&message.ident, &lines(&requests::fields(message), checked)))
        .collect()
}

fn messages(items: &[Item]) -> impl Iterator<Item = &ItemStruct> {
    items.iter().filter_map(|item| match item {
        Item::Struct(message) => Some(message),
        _ => None,
    })
}

fn check(message: &Ident, lines: &[TokenStream]) -> Item {
    parse_quote! {
        impl #message {
            /// The path of a payload that is set together with its twin.
            pub(crate) fn payload_set_twice(&self) -> ::core::option::Option<::std::string::String> {
                #(#lines)*
                ::core::option::Option::None
            }
        }
    }
}

fn lines(fields: &[Field<'_>], checked: &HashSet<String>) -> Vec<TokenStream> {
    fields
        .iter()
        .filter_map(|field| twin_line(field, fields).or_else(|| nested_line(field, checked)))
        .collect()
}

fn twin_line(field: &Field<'_>, siblings: &[Field<'_>]) -> Option<TokenStream> {
    let twin = requests::twin(field, siblings)?;
    let (name, path) = (field.name, field.plain_name());
    Some(quote! {
        if !self.#name.is_empty() && !self.#twin.is_empty() {
            return ::core::option::Option::Some(#path.to_owned());
        }
    })
}

fn nested_line(field: &Field<'_>, checked: &HashSet<String>) -> Option<TokenStream> {
    let (name, path) = (field.name, field.plain_name());
    if let Some(held) = inner(field.ty, "Option") {
        let message = inner(held, "Box").unwrap_or(held);
        return is_checked(message, checked).then(|| {
            quote! {
                if let Some(path) = self.#name.as_ref().and_then(|held| held.payload_set_twice()) {
                    return ::core::option::Option::Some(::std::format!("{}.{path}", #path));
                }
            }
        });
    }
    let item = inner(field.ty, "Vec")?;
    is_checked(item, checked).then(|| {
        quote! {
            for (index, item) in self.#name.iter().enumerate() {
                if let Some(path) = item.payload_set_twice() {
                    return ::core::option::Option::Some(::std::format!("{}[{index}].{path}", #path));
                }
            }
        }
    })
}

/// Whether `ty` is a top-level message with a check.
fn is_checked(ty: &Type, checked: &HashSet<String>) -> bool {
    matches!(ty, Type::Path(path) if path.path.get_ident().is_some_and(|name| checked.contains(&name.to_string())))
}
