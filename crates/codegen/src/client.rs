//! The client's methods: one per rpc, each a call of `call`, under the schema's headings.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{File, Ident, ImplItem, Item, parse_quote};

use crate::pages::{self, Shape};
use crate::rpcs::Rpc;

/// The functions of the hand-written part of the two clients. An rpc of such a name gets a `_`
/// behind it.
const TAKEN: &[&str] = &[
    "background",
    "builder",
    "call",
    "call_detailed",
    "call_info",
    "call_raw",
    "channel",
    "clone",
    "close",
    "coalescing",
    "encode",
    "exchange",
    "exchange_all",
    "exchange_split",
    "exchange_whole",
    "from_async",
    "from_parts",
    "hide_in_parts",
    "hide_secrets",
    "new",
    "observe",
    "pages",
    "resend_failed",
    "resend_if_failed",
    "run",
    "run_whole",
    "send",
    "server_versions",
    "set_api_key",
    "set_endpoints",
    "set_key",
    "share",
    "split",
    "wait_until_ready",
    "with",
    "with_attempt_timeout",
    "with_deadline",
    "with_header",
    "with_retry",
    "with_timeout",
];

/// The methods that are hand-written, because their results pair replies with what was sent.
const HAND_WRITTEN: &[&str] = &["batch", "broadcast"];

/// The heading of the methods that have none in the schema.
const DEFAULT_HEADING: &str = "Centrifugo's methods";

/// Generates the methods of the async client.
pub(crate) fn asynchronous(items: &[Item], rpcs: &[Rpc]) -> File {
    // `run` also returns the request.
    let call = quote!(self.run(request).await.map(|ran| ran.result));
    file(items, rpcs, |rpc| method(rpc, &quote!(async), &call))
}

/// Generates the methods of the blocking client.
pub(crate) fn blocking(items: &[Item], rpcs: &[Rpc]) -> File {
    let call = quote!(self.call(request));
    file(items, rpcs, |rpc| method(rpc, &quote!(), &call))
}

fn file(items: &[Item], rpcs: &[Rpc], method: impl Fn(&Rpc) -> ImplItem) -> File {
    let mut blocks = Vec::new();
    for section in sections(rpcs) {
        let methods: Vec<ImplItem> = section.rpcs.into_iter().map(&method).collect();
        blocks.extend(block(section.heading, &methods));
    }
    let mut pages = Vec::new();
    for rpc in rpcs {
        if let Some(shape) = pages::shape(items, rpc) {
            pages.push(pages_method(rpc, shape));
        }
    }
    blocks.extend(block("Page by page", &pages));
    parse_quote!(#(#blocks)*)
}

/// The rpcs below a heading.
struct Section<'a> {
    heading: &'a str,
    rpcs: Vec<&'a Rpc>,
}

/// Returns the sections of the schema, without the methods that are hand-written.
fn sections(rpcs: &[Rpc]) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut section = Section {
        heading: DEFAULT_HEADING,
        rpcs: Vec::new(),
    };
    for rpc in rpcs {
        if let Some(heading) = &rpc.heading {
            sections.push(section);
            section = Section {
                heading,
                rpcs: Vec::new(),
            };
        }
        if !HAND_WRITTEN.contains(&rpc.name.as_str()) {
            section.rpcs.push(rpc);
        }
    }
    sections.push(section);
    sections
}

/// Generates a block of methods under a heading, unless there are none.
fn block(heading: &str, methods: &[ImplItem]) -> Option<Item> {
    if methods.is_empty() {
        return None;
    }
    let docs = format!(" # {heading}");
    Some(parse_quote! {
        #[doc = #docs]
        impl Client {
            #(#methods)*
        }
    })
}

fn method(rpc: &Rpc, asynchronous: &TokenStream, call: &TokenStream) -> ImplItem {
    let Rpc { docs, request, .. } = rpc;
    let name = free_name(&rpc.ident);
    let result = rpc.result_path(&quote!(crate::api::messages));
    parse_quote! {
        #(#docs)*
        pub #asynchronous fn #name(
            &self,
            request: crate::api::messages::#request,
        ) -> ::core::result::Result<#result, crate::error::Error> {
            #call
        }
    }
}

fn pages_method(rpc: &Rpc, shape: Shape) -> ImplItem {
    let name = format_ident!("{}_pages", rpc.name);
    let request = &rpc.request;
    let start = match shape {
        Shape::List | Shape::MapState => "from the cursor in the request to the end",
        Shape::History | Shape::MapStream => {
            "from the position in the request, in its direction, to the end"
        }
    };
    let docs = format!(" Returns the pages of `{}`, {start}.", rpc.name);
    parse_quote! {
        #[doc = #docs]
        #[doc = ""]
        #[doc = " A page has `limit` items, 100 by default."]
        pub fn #name(&self, request: crate::api::messages::#request) -> Pages<crate::api::messages::#request> {
            self.pages(request)
        }
    }
}

/// Returns the name of a method, with a `_` behind it if a hand-written function has the name.
fn free_name(name: &Ident) -> Ident {
    if TAKEN.iter().any(|taken| name == taken) {
        format_ident!("{name}_")
    } else {
        name.clone()
    }
}
