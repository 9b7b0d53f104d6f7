//! The checks of requests: required fields, payloads that are set twice, payloads that are not JSON.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::facts;
use crate::fields::{Field, fields_of, inner};
use crate::rpcs::Rpc;

/// Generates `check`: a request's required fields are set, and no payload is set twice.
pub(crate) fn check(
    rpc: &Rpc,
    items: &[Item],
    with_twins: &HashSet<String>,
) -> Option<TokenStream> {
    let body = if rpc.name == "batch" {
        quote!(crate::request::batch::raw::check(self))
    } else {
        let missing = required_checks(rpc, items);
        let set_twice = twice_check(rpc, with_twins);
        if missing.is_empty() && set_twice.is_none() {
            return None;
        }
        quote! {
            #(#missing)*
            #set_twice
            Ok(())
        }
    };
    Some(quote! {
        fn check(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
            #body
        }
    })
}

/// Generates the checks that required fields are set.
fn required_checks(rpc: &Rpc, items: &[Item]) -> Vec<TokenStream> {
    let Some(facts) = rpc.facts() else {
        return Vec::new();
    };
    let fields = fields_of(items, &rpc.request);
    let required = facts.required.iter();
    required
        .filter_map(|name| fields.iter().find(|field| field.plain_name() == *name))
        .filter_map(required_check)
        .collect()
}

/// Generates the check that a required field is set. A field whose type is not Centrifugo's is not
/// checked.
fn required_check(field: &Field<'_>) -> Option<TokenStream> {
    let name = field.name;
    let path = field.plain_name();
    let is_missing = if field.is_plain_text() || inner(field.ty, "Vec").is_some() {
        quote!(self.#name.is_empty())
    } else if field.is_number() {
        quote!(self.#name == 0)
    } else {
        return None;
    };
    Some(quote! {
        if #is_missing {
            return Err(crate::api::method::InvalidRequest::missing(#path));
        }
    })
}

/// Generates the check that no payload of a request is set twice.
fn twice_check(rpc: &Rpc, with_twins: &HashSet<String>) -> Option<TokenStream> {
    has_twins(rpc, with_twins).then(|| {
        quote! {
            if let Some(field) = self.payload_set_twice() {
                return Err(crate::api::method::InvalidRequest::set_twice(field));
            }
        }
    })
}

/// Returns whether the request has payloads with twins, or contains messages that have.
pub(crate) fn has_twins(rpc: &Rpc, with_twins: &HashSet<String>) -> bool {
    let request = &rpc.request;
    with_twins.contains(&quote!(#request).to_string())
}

/// Generates the member that checks that payloads are JSON.
pub(crate) fn check_json(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    if rpc.name == "batch" {
        return Some(quote! {
            check_json: |request| crate::request::batch::raw::check_json(&request.commands),
        });
    }
    let request = &rpc.request;
    let request = quote!(#request).to_string();
    let mut checks = Vec::new();
    for field in fields_of(items, &rpc.request) {
        let path = field.plain_name();
        if !field.is_plain_payload() || facts::ANY_BYTES.contains(&(&request, &path)) {
            continue;
        }
        let name = field.name;
        checks.push(quote!(crate::api::payload::check_json(#path, &request.#name)?;));
    }
    if checks.is_empty() {
        return None;
    }
    Some(quote! {
        check_json: |request| {
            #(#checks)*
            Ok(())
        },
    })
}
