//! The impls of `ConsumerMethod`, for the requests that Centrifugo's asynchronous consumers execute.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Item, parse_quote};

use crate::rpcs::Rpc;

/// Generates the impls of `ConsumerMethod`.
pub(crate) fn impls(rpcs: &[Rpc], items: &[Item]) -> Vec<Item> {
    let consumed = rpcs
        .iter()
        .filter(|rpc| rpc.facts().is_some_and(|facts| facts.is_consumed));
    consumed.map(|rpc| consumer_method(rpc, items)).collect()
}

fn consumer_method(rpc: &Rpc, items: &[Item]) -> Item {
    let request = &rpc.request;
    let names = names(rpc, items);
    parse_quote! {
        impl crate::consumer::ConsumerMethod for api::#request {
            fn order_key(&self) -> &str {
                let names: &[&str] = &[#(#names),*];
                names.iter().find(|name| !name.is_empty()).copied().unwrap_or_default()
            }
        }
    }
}

/// Generates the names that a request is about, the most important one first.
fn names(rpc: &Rpc, items: &[Item]) -> Vec<TokenStream> {
    if rpc.is_broadcast() {
        return vec![quote!(
            self.channels.first().map_or("", |channel| channel.as_str())
        )];
    }
    let names = ["channel", "user"].into_iter();
    let names = names.filter(|name| rpc.has_text(items, name));
    names
        .map(|name| {
            let field = format_ident!("{name}");
            quote!(self.#field.as_str())
        })
        .collect()
}
