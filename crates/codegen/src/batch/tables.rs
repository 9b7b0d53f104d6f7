//! The tables about the fields of batches, commands and replies.

use quote::{format_ident, quote};
use syn::{Item, parse_quote};

use super::{field_of, is_empty};
use crate::messages::{field_type, find, is_named, tag};
use crate::rpcs::Rpc;

/// Generates the names and numbers of the fields that batches consist of.
pub(crate) fn tables(items: &[Item], rpcs: &[Rpc]) -> Vec<Item> {
    let mut generated = vec![
        method_names(items, rpcs, "Command"),
        method_names(items, rpcs, "Reply"),
    ];
    generated.extend(numbers(items, rpcs));
    generated.push(without_content(items, rpcs));
    generated.push(run_in_parallel(items));
    generated
}

/// Generates `methods(&self)`, which returns the names of the methods whose fields are set in a
/// `Command` or a `Reply`.
fn method_names(items: &[Item], rpcs: &[Rpc], message: &str) -> Item {
    let fields = rpcs.iter().filter_map(|rpc| {
        let name = &rpc.name;
        let field = &rpc.ident;
        field_of(items, message, rpc).map(|_| quote!((#name, self.#field.is_some())))
    });
    let message = format_ident!("{message}");
    parse_quote! {
        impl #message {
            /// Returns the names of the methods that have a field set: one, if the message is
            /// well-formed.
            pub(crate) fn methods(&self) -> impl ::core::iter::Iterator<Item = &'static str> {
                let fields = [#(#fields),*];
                fields.into_iter().filter(|field| field.1).map(|field| field.0)
            }
        }
    }
}

/// Generates the numbers of the fields that batches consist of, and a table of the fields of
/// `Reply`: number and method.
fn numbers(items: &[Item], rpcs: &[Rpc]) -> [Item; 2] {
    let commands = number(items, "BatchRequest", "commands");
    let parallel = parallel(items).unwrap_or_default();
    let replies = number(items, "BatchResponse", "replies");
    let error = number(items, "Reply", "error");
    let reply = find(items, &parse_quote!(Reply));
    let fields = rpcs.iter().filter_map(|rpc| {
        let name = &rpc.name;
        let tag = tag(reply?, &rpc.ident)?;
        Some(quote!((#tag, #name)))
    });
    [
        parse_quote! {
            pub(crate) const BATCH_TAGS: crate::api::wire::BatchTags = crate::api::wire::BatchTags {
                commands: #commands,
                parallel: #parallel,
                replies: #replies,
                error: #error,
            };
        },
        parse_quote! {
            pub(crate) const REPLY_FIELDS: &[(u32, &str)] = &[#(#fields),*];
        },
    ]
}

/// Returns the number of a field, or 0 if the schema does not have the field.
fn number(items: &[Item], message: &str, field: &str) -> u32 {
    let message = format_ident!("{message}");
    let field = format_ident!("{field}");
    find(items, &parse_quote!(#message))
        .and_then(|message| tag(message, &field))
        .unwrap_or_default()
}

/// Generates the names of the methods whose results have no fields, so that a reply may omit them.
fn without_content(items: &[Item], rpcs: &[Rpc]) -> Item {
    let empty = rpcs.iter().filter(|rpc| is_empty(items, rpc));
    let names = empty.map(|rpc| &rpc.name);
    parse_quote! {
        pub(crate) const WITHOUT_CONTENT: &[&str] = &[#(#names),*];
    }
}

/// Returns the number of the flag `BatchRequest.parallel`, which schemas have since Centrifugo 5.2.
pub(super) fn parallel(items: &[Item]) -> Option<u32> {
    let batch = find(items, &parse_quote!(BatchRequest))?;
    let ty = field_type(batch, "parallel")?;
    is_named(ty, "bool").then(|| tag(batch, &format_ident!("parallel")))?
}

/// Generates `run_in_parallel(&mut self)` of a batch, which is not called with a schema without the flag.
fn run_in_parallel(items: &[Item]) -> Item {
    let set = parallel(items).map(|_| quote!(self.parallel = true;));
    parse_quote! {
        impl BatchRequest {
            pub(crate) fn run_in_parallel(&mut self) {
                #set
            }
        }
    }
}
