//! Which methods answer in pages, by the shape of their requests and results, and how the next one is asked for.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, parse_quote};

use crate::fields::Field;
use crate::messages::find;
use crate::methods::Rpc;
use crate::requests;

/// The `Paged` impl of each rpc that answers in pages.
pub(crate) fn paged(items: &[Item], rpcs: &[Rpc]) -> Vec<Item> {
    rpcs.iter()
        .filter_map(|rpc| impl_paged(rpc, &advance(items, rpc)?))
        .collect()
}

/// Whether the rpc answers in pages.
pub(crate) fn is_paged(items: &[Item], rpc: &Rpc) -> bool {
    advance(items, rpc).is_some()
}

fn impl_paged(rpc: &Rpc, advance: &TokenStream) -> Option<Item> {
    let request = &rpc.request;
    Some(parse_quote! {
        impl crate::request::pages::Paged for api::#request {
            fn advance(&mut self, result: &Self::Result) -> bool {
                #advance
            }

            fn set_default_limit(&mut self) {
                if self.limit == 0 {
                    self.limit = crate::request::pages::DEFAULT_LIMIT;
                }
            }
        }
    })
}

/// The body of `advance`, for the shapes that there are.
fn advance(items: &[Item], rpc: &Rpc) -> Option<TokenStream> {
    let (request, result) = (fields(items, &rpc.request), fields(items, &rpc.result));
    let asks = |names: &[&str]| has(&request, names);
    let answers = |names: &[&str]| has(&result, names);
    if asks(&["cursor", "limit"]) && answers(&["next_cursor"]) {
        return Some(quote! {
            self.cursor.clone_from(&result.next_cursor);
            !self.cursor.is_empty()
        });
    }
    if asks(&["cursor", "limit", "key"]) && answers(&["cursor", "entries"]) {
        return Some(quote! {
            self.cursor.clone_from(&result.cursor);
            !self.cursor.is_empty() && self.key.is_empty()
        });
    }
    if asks(&["since", "limit", "reverse"]) && answers(&["publications", "epoch", "offset"]) {
        return Some(quote! {
            let ::core::option::Option::Some(last) = result.publications.last() else { return false };
            self.since = ::core::option::Option::Some(api::StreamPosition {
                offset: last.offset,
                epoch: result.epoch.clone(),
            });
            crate::request::pages::may_go_on(self.limit, result.publications.len(), self.reverse, last.offset, result.offset)
        });
    }
    if asks(&["since_offset", "since_epoch", "limit", "reverse"])
        && answers(&["entries", "epoch", "offset"])
    {
        return Some(quote! {
            let ::core::option::Option::Some(last) = result.entries.last() else { return false };
            self.since_offset = last.offset;
            self.since_epoch.clone_from(&result.epoch);
            crate::request::pages::may_go_on(self.limit, result.entries.len(), self.reverse, last.offset, result.offset)
        });
    }
    None
}

fn fields<'a>(items: &'a [Item], message: &syn::Type) -> Vec<Field<'a>> {
    find(items, message)
        .map(requests::fields)
        .unwrap_or_default()
}

fn has(fields: &[Field<'_>], names: &[&str]) -> bool {
    names
        .iter()
        .all(|name| fields.iter().any(|field| field.plain_name() == *name))
}
