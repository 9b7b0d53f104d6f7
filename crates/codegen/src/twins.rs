//! Twins: a payload `data` and the field `b64data` that carries any bytes instead. Only one of them
//! may be set.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, ImplItem, Item, ItemStruct, Type, parse_quote};

use crate::fields::{Field, fields, inner};

/// Returns the `b64…` twin of a payload.
pub(crate) fn twin<'a>(payload: &Field<'_>, siblings: &[Field<'a>]) -> Option<&'a Ident> {
    if !payload.is_plain_payload() {
        return None;
    }
    let name = format!("b64{}", payload.plain_name());
    let mut siblings = siblings.iter();
    let twin = siblings.find(|field| field.plain_name() == name && field.is_plain_text());
    twin.map(|field| field.name)
}

/// Returns the payload that a `b64…` field is the twin of.
pub(crate) fn payload_of<'a>(field: &Field<'_>, siblings: &[Field<'a>]) -> Option<&'a Ident> {
    let mut payloads = siblings.iter();
    let payload = payloads.find(|payload| twin(payload, siblings) == Some(field.name));
    payload.map(|payload| payload.name)
}

/// Returns the names of the outermost messages that have twins, or that contain a message that has.
pub(crate) fn messages_with_twins(items: &[Item]) -> HashSet<String> {
    let mut with_twins = HashSet::new();
    // Each pass finds the messages around those that are known, until none is left to find.
    loop {
        let found: HashSet<String> = messages(items)
            .filter(|message| !checks_of(message, &with_twins).is_empty())
            .map(|message| message.ident.to_string())
            .collect();
        if found.len() == with_twins.len() {
            return with_twins;
        }
        with_twins = found;
    }
}

/// Generates `payload_set_twice(&self)` and `visit_twins(&mut self, …)` for each message that has twins or contains
/// them.
pub(crate) fn functions(items: &[Item]) -> Vec<Item> {
    let with_twins = messages_with_twins(items);
    let messages =
        messages(items).filter(|message| with_twins.contains(&message.ident.to_string()));
    let functions = messages.map(|message| {
        let name = &message.ident;
        let check = check(&checks_of(message, &with_twins));
        let visit = visit(&visits_of(message, &with_twins));
        parse_quote! {
            impl #name {
                #check
                #visit
            }
        }
    });
    functions.collect()
}

fn messages(items: &[Item]) -> impl Iterator<Item = &ItemStruct> {
    items.iter().filter_map(|item| match item {
        Item::Struct(message) => Some(message),
        _ => None,
    })
}

fn check(checks: &[TokenStream]) -> ImplItem {
    parse_quote! {
        /// Returns the path of a payload that is set together with its twin.
        pub(crate) fn payload_set_twice(&self) -> ::core::option::Option<::std::string::String> {
            #(#checks)*
            ::core::option::Option::None
        }
    }
}

fn visit(visits: &[TokenStream]) -> ImplItem {
    parse_quote! {
        /// Calls `visit` with each payload that has a twin, and with its twin, always in the same order.
        pub(crate) fn visit_twins(&mut self, visit: &mut crate::api::method::VisitTwin<'_>) {
            #(#visits)*
        }
    }
}

/// Generates the checks of a message's fields.
fn checks_of(message: &ItemStruct, with_twins: &HashSet<String>) -> Vec<TokenStream> {
    let fields = fields(message);
    fields
        .iter()
        .filter_map(|field| twin_check(field, &fields).or_else(|| inner_check(field, with_twins)))
        .collect()
}

/// Generates the check of a payload that has a twin.
fn twin_check(field: &Field<'_>, siblings: &[Field<'_>]) -> Option<TokenStream> {
    let twin = twin(field, siblings)?;
    let name = field.name;
    let path = field.plain_name();
    Some(quote! {
        if !self.#name.is_empty() && !self.#twin.is_empty() {
            return ::core::option::Option::Some(#path.to_owned());
        }
    })
}

/// Generates the check of a field that contains a message with twins, or several.
fn inner_check(field: &Field<'_>, with_twins: &HashSet<String>) -> Option<TokenStream> {
    let name = field.name;
    let path = field.plain_name();
    if let Some(held) = inner(field.ty, "Option") {
        let message = inner(held, "Box").unwrap_or(held);
        return has_twins(message, with_twins).then(|| {
            quote! {
                if let Some(path) = self.#name.as_ref().and_then(|held| held.payload_set_twice()) {
                    return ::core::option::Option::Some(::std::format!("{}.{path}", #path));
                }
            }
        });
    }
    let item = inner(field.ty, "Vec")?;
    has_twins(item, with_twins).then(|| {
        quote! {
            for (index, item) in self.#name.iter().enumerate() {
                if let Some(path) = item.payload_set_twice() {
                    return ::core::option::Option::Some(::std::format!("{}[{index}].{path}", #path));
                }
            }
        }
    })
}

/// Generates the visits of a message's fields.
fn visits_of(message: &ItemStruct, with_twins: &HashSet<String>) -> Vec<TokenStream> {
    let fields = fields(message);
    let visits = fields.iter().filter_map(|field| {
        let name = field.name;
        if let Some(twin) = twin(field, &fields) {
            return Some(quote!(visit(&mut self.#name, &mut self.#twin);));
        }
        // `iter_mut` goes over options and lists alike.
        let held = inner(field.ty, "Option").or_else(|| inner(field.ty, "Vec"))?;
        let message = inner(held, "Box").unwrap_or(held);
        has_twins(message, with_twins)
            .then(|| quote!(self.#name.iter_mut().for_each(|held| held.visit_twins(visit));))
    });
    visits.collect()
}

/// Returns whether a type is an outermost message with twins.
fn has_twins(ty: &Type, with_twins: &HashSet<String>) -> bool {
    let Type::Path(path) = ty else { return false };
    let name = path.path.get_ident();
    name.is_some_and(|name| with_twins.contains(&name.to_string()))
}
