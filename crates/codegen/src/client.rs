//! The client's methods: one a rpc, each a line over `call`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{File, Ident, ImplItem, Item, parse_quote};

use crate::methods::Rpc;
use crate::pages;

/// Names that the hand-written part of the client has taken; an rpc of that name gets a `_` behind it.
const TAKEN: &[&str] = &[
    "builder",
    "call",
    "call_raw",
    "clone",
    "close",
    "coalescing",
    "exchange",
    "exchange_batch",
    "exchange_divided",
    "exchange_in_parts",
    "from_async",
    "from_parts",
    "give_key",
    "new",
    "pages",
    "read",
    "repeat_failed",
    "retry",
    "send",
    "set_api_key",
    "time",
    "with",
    "with_deadline",
    "with_retry",
    "with_timeout",
    "write",
];

/// Methods whose answer has parts: their hand-written form pairs these with the request's.
const HAND_WRITTEN: &[&str] = &["batch", "broadcast"];

/// The methods of the async client, and of the blocking one.
pub(crate) fn methods(items: &[Item], rpcs: &[Rpc]) -> (File, File) {
    (
        file(items, rpcs, &quote!(async), &quote!(.await)),
        file(items, rpcs, &quote!(), &quote!()),
    )
}

fn file(items: &[Item], rpcs: &[Rpc], asynchronous: &TokenStream, wait: &TokenStream) -> File {
    let generated = rpcs
        .iter()
        .filter(|rpc| !HAND_WRITTEN.contains(&rpc.name.as_str()));
    let methods = generated.map(|rpc| method(rpc, asynchronous, wait));
    let pages = rpcs
        .iter()
        .filter(|rpc| pages::is_paged(items, rpc))
        .map(pages_method);
    parse_quote! {
        /// # Centrifugo's methods
        impl Client {
            #(#methods)*
        }

        /// # Page by page
        impl Client {
            #(#pages)*
        }
    }
}

fn pages_method(rpc: &Rpc) -> ImplItem {
    let (name, request) = (format_ident!("{}_pages", rpc.name), &rpc.request);
    let docs = format!(
        " Reads what `{0}` answers page by page, from where the request says, in its direction, until the end. A page \
         is as long as the request's `limit`, 100 by default.",
        rpc.name
    );
    parse_quote! {
        #[doc = #docs]
        pub fn #name(&self, request: crate::api::messages::#request) -> Pages<crate::api::messages::#request> {
            self.pages(request)
        }
    }
}

fn method(rpc: &Rpc, asynchronous: &TokenStream, wait: &TokenStream) -> ImplItem {
    let name = free_name(&rpc.ident);
    let Rpc { docs, request, .. } = rpc;
    let result = rpc.result_path(&quote!(crate::api::messages));
    parse_quote! {
        #(#docs)*
        pub #asynchronous fn #name(
            &self,
            request: crate::api::messages::#request,
        ) -> ::core::result::Result<#result, crate::error::Error> {
            self.call(request) #wait
        }
    }
}

fn free_name(name: &Ident) -> Ident {
    match TAKEN.iter().any(|taken| name == taken) {
        true => format_ident!("{name}_"),
        false => name.clone(),
    }
}
