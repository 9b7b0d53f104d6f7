//! The impls of `Method`, which every request has.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Item, parse_quote};

use crate::checks::{check, check_json, has_twins};
use crate::fields::{Field, fields};
use crate::keys::{is_repeatable, keys};
use crate::messages::{find, tag};
use crate::rpcs::{Rpc, Shape};
use crate::twins::messages_with_twins;

/// Generates the impls of `Method`.
pub(crate) fn impls(rpcs: &[Rpc], items: &[Item]) -> Vec<Item> {
    let with_twins = messages_with_twins(items);
    rpcs.iter()
        .map(|rpc| method(rpc, items, &with_twins))
        .collect()
}

/// Generates the impl of `Method`.
fn method(rpc: &Rpc, items: &[Item], with_twins: &HashSet<String>) -> Item {
    let Rpc {
        name,
        grpc_path,
        request,
        response,
        ..
    } = rpc;
    let result = rpc.result_path(&quote!(api));
    let outcome = outcome(rpc);
    let check = check(rpc, items, with_twins);
    let verify = verify(rpc);
    let is_repeatable = is_repeatable(rpc, items);
    let generated = generated(rpc, items, with_twins);
    parse_quote! {
        impl crate::api::method::Method for api::#request {
            const NAME: &'static str = #name;
            const GRPC_PATH: &'static str = #grpc_path;
            type Response = api::#response;
            type Result = #result;
            fn outcome(
                response: Self::Response,
            ) -> ::core::option::Option<::core::result::Result<Self::Result, api::Error>> {
                #outcome
            }
            #check
            #verify
            #is_repeatable
            #generated
        }
    }
}

/// Generates the body of `outcome`, which takes the result or the error out of a response.
fn outcome(rpc: &Rpc) -> TokenStream {
    match rpc.shape {
        Shape::Outcome => quote! {
            match (response.error, response.result) {
                (Some(error), _) => Some(Err(error)),
                (None, Some(result)) => Some(Ok(result.into())),
                (None, None) => None,
            }
        },
        Shape::ErrorOnly => quote! {
            match response.error {
                Some(error) => Some(Err(error)),
                None => Some(Ok(response.into())),
            }
        },
        Shape::Plain => quote!(Some(Ok(response.into()))),
    }
}

/// Generates `verify`, the check of a result with parts, as a call of hand-written code.
fn verify(rpc: &Rpc) -> Option<TokenStream> {
    let verify = match rpc.name.as_str() {
        "batch" => quote!(crate::request::batch::raw::verify(self, result)),
        "broadcast" => quote!(crate::request::broadcast::verify(self, result)),
        _ => return None,
    };
    Some(quote! {
        fn verify(&self, result: &Self::Result) -> ::core::result::Result<(), ::std::string::String> {
            #verify
        }
    })
}

/// Generates the hidden member of `Method`.
fn generated(rpc: &Rpc, items: &[Item], with_twins: &HashSet<String>) -> TokenStream {
    let payloads = payloads(rpc, items);
    let twins = has_twins(rpc, with_twins)
        .then(|| quote!(visit_twins: |request, visit| request.visit_twins(visit),));
    let channel = rpc.has_text(items, "channel").then(
        || quote!(channel: |request| ::core::option::Option::Some(request.channel.as_str()),),
    );
    let keys = keys(rpc, items);
    let check_json = check_json(rpc, items);
    let slot = crate::batch::slot(items, rpc);
    let read_usual = read_usual(rpc);
    let write_usual = write_usual(rpc, items);
    let parts = parts(rpc);
    quote! {
        #[allow(clippy::needless_update)]
        const GENERATED: crate::api::method::Generated<Self> = crate::api::method::Generated {
            #payloads
            #twins
            #channel
            #keys
            #check_json
            #read_usual
            #write_usual
            batch: #slot,
            #parts
            ..crate::api::method::Generated::NONE
        };
    }
}

/// Generates the member that reads the reply of a method that is called most.
fn read_usual(rpc: &Rpc) -> Option<TokenStream> {
    let read = match rpc.name.as_str() {
        "publish" => quote!(publish_response),
        "broadcast" => quote!(broadcast_response),
        _ => return None,
    };
    Some(quote!(read_usual: crate::api::json::usual::#read,))
}

/// Generates the member that writes a publication, of which batches send thousands.
fn write_usual(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    let has_usual = rpc.has_text(items, "channel") && rpc.has_text(items, "idempotency_key");
    let fields = fields(find(items, &rpc.request)?);
    let is_data = |field: &Field| field.is_plain_payload() && field.name == "data";
    if rpc.name != "publish" || !has_usual || !fields.iter().any(is_data) {
        return None;
    }
    let is_usual = |field: &&Field| {
        let name = field.plain_name();
        !["channel", "data", "idempotency_key"].contains(&&*name)
    };
    let others = fields.iter().filter(is_usual).map(Field::is_unset);
    Some(quote! {
        write_usual: |request, json| {
            #[allow(unused_imports)]
            use crate::api::json::IsEmpty as _;
            let is_usual = true #(&& #others)*;
            is_usual.then_some(())?;
            json.publication(&request.channel, &request.data, &request.idempotency_key)
        },
    })
}

/// Generates the member of a method whose results have parts that may fail one by one.
fn parts(rpc: &Rpc) -> Option<TokenStream> {
    let parts = match rpc.name.as_str() {
        "batch" => quote!(crate::request::batch::raw::PARTS),
        "broadcast" => quote!(crate::request::broadcast::PARTS),
        _ => return None,
    };
    Some(quote!(parts: ::core::option::Option::Some(#parts),))
}

/// Generates the members that find the payloads of a request by their numbers.
fn payloads(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    let request = find(items, &rpc.request)?;
    let payloads = fields(request).into_iter().filter(Field::is_plain_payload);
    let payloads = payloads.filter_map(|field| Some((tag(request, field.name)?, field.name)));
    let (tags, names): (Vec<u32>, Vec<&Ident>) = payloads.unzip();
    if tags.is_empty() {
        return None;
    }
    Some(quote! {
        payloads: &[#(#tags),*],
        payload: |request, tag| match tag {
            #(#tags => ::core::option::Option::Some(&mut request.#names),)*
            _ => ::core::option::Option::None,
        },
    })
}
