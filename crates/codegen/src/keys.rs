//! Requests that may be sent again: those that only read, and those with an idempotency key.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::facts::Repeat;
use crate::fields::fields_of;
use crate::messages::{field_type, find, is_named};
use crate::rpcs::Rpc;

/// Generates `is_repeatable`, unless the request never is.
pub(crate) fn is_repeatable(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    let is_repeatable = if rpc.name == "batch" {
        quote!(self.commands.iter().all(api::Command::is_repeatable))
    } else {
        match rpc.facts()?.repeat {
            Repeat::Yes => quote!(true),
            Repeat::WithKey if has_key(rpc, items) => quote!(!self.idempotency_key.is_empty()),
            Repeat::WithNumber(name) => {
                let fields = fields_of(items, &rpc.request);
                let mut fields = fields.iter();
                let field = fields.find(|field| field.plain_name() == name && field.is_number())?;
                let name = field.name;
                quote!(self.#name != 0)
            }
            Repeat::WithKey | Repeat::No => return None,
        }
    };
    Some(quote! {
        fn is_repeatable(&self) -> bool {
            #is_repeatable
        }
    })
}

/// Returns whether an idempotency key makes the request repeatable.
pub(crate) fn is_keyed(rpc: &Rpc, items: &[Item]) -> bool {
    rpc.facts()
        .is_some_and(|facts| facts.repeat == Repeat::WithKey)
        && has_key(rpc, items)
}

/// Returns whether the request has an idempotency key.
fn has_key(rpc: &Rpc, items: &[Item]) -> bool {
    rpc.has_text(items, "idempotency_key")
}

/// Generates the members about the idempotency key of a request, if the request takes one.
pub(crate) fn keys(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    if rpc.name == "batch" {
        return Some(quote! {
            set_key: |request, key| crate::request::batch::raw::set_keys(&mut request.commands, key),
            keys: |request| crate::request::batch::raw::keys(&request.commands),
            settle: crate::request::batch::raw::settle,
        });
    }
    let is_keyed = is_keyed(rpc, items);
    // A key would suppress the second publication in a channel that is named twice.
    let no_key = rpc
        .is_broadcast()
        .then(|| quote!(|| crate::request::broadcast::names_twice(&request.channels)));
    let settle = is_suppressible(rpc, items).then(|| {
        quote! {
            settle: |request, result, key| {
                if result.suppress_reason == "idempotency" && request.idempotency_key.starts_with(key) {
                    result.suppressed = false;
                    result.suppress_reason.clear();
                }
            },
        }
    });
    is_keyed.then(|| {
        quote! {
            set_key: |request, key| {
                let keeps = !request.idempotency_key.is_empty() #no_key;
                if !keeps {
                    request.idempotency_key = key.to_owned();
                }
            },
            #settle
            keys: |request| {
                let key = &request.idempotency_key;
                ::std::vec![(!key.is_empty()).then(|| key.clone())]
            },
        }
    })
}

/// Returns whether the request has an idempotency key, and its result says whether a former request with the same key
/// kept it from changing anything.
pub(crate) fn is_suppressible(rpc: &Rpc, items: &[Item]) -> bool {
    let result = fields_of(items, &rpc.result);
    let mut fields = result.iter();
    let has_reason =
        fields.any(|field| field.plain_name() == "suppress_reason" && field.is_plain_text());
    let suppressed = find(items, &rpc.result).and_then(|result| field_type(result, "suppressed"));
    let has_flag = suppressed.is_some_and(|ty| is_named(ty, "bool"));
    has_key(rpc, items)
        && has_reason
        && has_flag
        && rpc
            .facts()
            .is_some_and(|facts| facts.repeat == Repeat::WithKey)
}
