//! `Command` and `Reply`, which have a field per method: the code that makes requests commands of a batch.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{GenericArgument, Ident, Item, ItemStruct, Lit, PathArguments, Type, parse_quote};

use crate::fields::inner;
use crate::messages::{field_type, find, path};
use crate::methods::Rpc;

/// Generates the impls that make requests commands of a batch.
pub(crate) fn impls(items: &[Item], rpcs: &[Rpc]) -> Vec<Item> {
    let batched = rpcs
        .iter()
        .filter_map(|rpc| Some((rpc, batch_tag(items, rpc)?)));
    let mut generated: Vec<Item> = batched
        .flat_map(|(rpc, tag)| {
            [
                conversion(rpc),
                batch_command(rpc),
                batch_item(items, rpc, tag),
            ]
        })
        .collect();
    generated.push(command_methods(items, rpcs));
    generated
}

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

/// Returns how a batch carries the request: an expression for its `Method`.
pub(crate) fn slot(items: &[Item], rpc: &Rpc) -> TokenStream {
    let Some(tag) = batch_tag(items, rpc) else {
        return quote!(::core::option::Option::None);
    };
    let has_payloads = has_bytes(items, &rpc.result, &mut HashSet::new());
    quote! {
        ::core::option::Option::Some(crate::api::method::BatchSlot {
            tag: #tag,
            has_payloads: #has_payloads,
            read: crate::request::batch::item::read::<Self>,
        })
    }
}

/// Returns the number of the field of `Command` that has the request, if a batch carries it.
fn batch_tag(items: &[Item], rpc: &Rpc) -> Option<u32> {
    if !is_batched(items, rpc) {
        return None;
    }
    tag(find(items, &parse_quote!(Command))?, &rpc.ident)
}

/// Returns whether `Command` has the request in the field of the method's name, and `Reply` the result.
fn is_batched(items: &[Item], rpc: &Rpc) -> bool {
    let has = |message: &str, ty: &Type| {
        part(items, &format_ident!("{message}"), rpc).is_some_and(|part| path(part) == path(ty))
    };
    has("Command", &rpc.request) && has("Reply", &rpc.result)
}

/// Returns the type of the field of `Command` or `Reply` that is named after the method, without its box.
pub(crate) fn part<'a>(items: &'a [Item], message: &Ident, rpc: &Rpc) -> Option<&'a Type> {
    let message = find(items, &parse_quote!(#message))?;
    let field = field_type(message, &rpc.ident.to_string())?;
    inner(inner(field, "Option")?, "Box")
}

/// Returns the number of a message's field.
pub(crate) fn tag(message: &ItemStruct, name: &Ident) -> Option<u32> {
    let mut fields = message.fields.iter();
    let field = fields.find(|field| field.ident.as_ref() == Some(name))?;
    let mut tag = None;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("prost"))
    {
        let _ = attribute.parse_nested_meta(|meta| {
            let value = meta
                .value()
                .ok()
                .map(|value| value.parse::<Lit>())
                .transpose()?;
            if let Some(Lit::Str(number)) = value
                && meta.path.is_ident("tag")
            {
                tag = number.value().parse().ok();
            }
            Ok(())
        });
    }
    tag
}

/// Returns whether the result has no fields.
fn is_empty(items: &[Item], rpc: &Rpc) -> bool {
    find(items, &rpc.result).is_some_and(|result| result.fields.is_empty())
}

/// Returns whether a message, or one within it, has a field of bytes.
fn has_bytes(items: &[Item], message: &Type, seen: &mut HashSet<String>) -> bool {
    if !seen.insert(quote!(#message).to_string()) {
        return false;
    }
    let Some(message) = find(items, message) else {
        return false;
    };
    let types = message.fields.iter().flat_map(|field| types(&field.ty));
    types
        .into_iter()
        .any(|ty| is_bytes(&ty) || has_bytes(items, &ty, seen))
}

fn is_bytes(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Bytes"),
        _ => false,
    }
}

/// Returns a type and those that it is generic over.
fn types(ty: &Type) -> Vec<Type> {
    let mut all = vec![ty.clone()];
    let Type::Path(path) = ty else { return all };
    for segment in &path.path.segments {
        let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
            continue;
        };
        for argument in &arguments.args {
            if let GenericArgument::Type(ty) = argument {
                all.extend(types(ty));
            }
        }
    }
    all
}

/// Generates `methods(&self)`: the names of the methods that a `Command` or a `Reply` has a field set for.
fn method_names(items: &[Item], rpcs: &[Rpc], message: &str) -> Item {
    let message = format_ident!("{message}");
    let checks = rpcs.iter().filter_map(|rpc| {
        let name = &rpc.name;
        let field = &rpc.ident;
        part(items, &message, rpc).map(|_| quote!((#name, self.#field.is_some())))
    });
    parse_quote! {
        impl #message {
            /// Returns the names of the methods that have a field set: one, if the message is well-formed.
            pub(crate) fn methods(&self) -> impl ::core::iter::Iterator<Item = &'static str> {
                let fields = [#(#checks),*];
                fields.into_iter().filter(|field| field.1).map(|field| field.0)
            }
        }
    }
}

/// Generates the numbers of the fields that batches consist of, and those of `Reply` with the names of their methods.
fn numbers(items: &[Item], rpcs: &[Rpc]) -> [Item; 2] {
    let tag_of = |message: &str, field: &Ident| {
        let message = format_ident!("{message}");
        find(items, &parse_quote!(#message)).and_then(|message| tag(message, field))
    };
    let number = |message, field| tag_of(message, &format_ident!("{field}")).unwrap_or_default();
    let commands = number("BatchRequest", "commands");
    let parallel = number("BatchRequest", "parallel");
    let replies = number("BatchResponse", "replies");
    let error = number("Reply", "error");
    let fields = rpcs.iter().filter_map(|rpc| {
        let name = &rpc.name;
        let tag = tag_of("Reply", &rpc.ident)?;
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

/// Generates the names of the methods whose results have no fields, so that a reply may omit them.
fn without_content(items: &[Item], rpcs: &[Rpc]) -> Item {
    let empty = rpcs.iter().filter(|rpc| is_empty(items, rpc));
    let names = empty.map(|rpc| &rpc.name);
    parse_quote! {
        pub(crate) const WITHOUT_CONTENT: &[&str] = &[#(#names),*];
    }
}

/// Generates `run_in_parallel(&mut self)` of a batch, which older schemas cannot express: there its commands run one after
/// another.
fn run_in_parallel(items: &[Item]) -> Item {
    let batch = find(items, &parse_quote!(BatchRequest));
    let has_field = batch
        .and_then(|batch| field_type(batch, "parallel"))
        .is_some();
    let set = has_field.then(|| quote!(self.parallel = true;));
    parse_quote! {
        impl BatchRequest {
            pub(crate) fn run_in_parallel(&mut self) {
                #set
            }
        }
    }
}

fn conversion(rpc: &Rpc) -> Item {
    let field = &rpc.ident;
    let request = &rpc.request;
    parse_quote! {
        impl ::core::convert::From<api::#request> for api::Command {
            fn from(request: api::#request) -> Self {
                Self {
                    #field: Some(::std::boxed::Box::new(request)),
                    ..::core::default::Default::default()
                }
            }
        }
    }
}

/// Generates the impl of a command in batches of several types. It keeps its channel for errors, and a broadcast the names
/// of its channels for the result.
fn batch_command(rpc: &Rpc) -> Item {
    let Rpc {
        ident,
        name,
        request,
        ..
    } = rpc;
    let result = rpc.result_path(&quote!(api));
    let (kept, keep, failed, finished) = if rpc.is_broadcast() {
        (
            quote!(::std::vec::Vec<::std::string::String>),
            quote!(self.channels.clone()),
            quote!(error),
            quote!(result.with_channels(kept)),
        )
    } else {
        (
            quote!(::core::option::Option<::std::string::String>),
            quote!(
                (<Self as crate::api::method::Method>::GENERATED.channel)(self).map(str::to_owned)
            ),
            quote!(error.about(kept.as_deref())),
            quote!(result),
        )
    };
    parse_quote! {
        impl crate::request::batch::BatchCommand for api::#request {
            type Result = #result;
            type Commands = crate::request::batch::typed::TypedBatch<Self>;
            fn commands(commands: ::std::vec::Vec<Self>, parallel: bool) -> Self::Commands {
                crate::request::batch::typed::TypedBatch::new(commands, parallel)
            }
            fn outcomes(
                result: <Self::Commands as crate::api::method::Method>::Result,
            ) -> ::std::vec::Vec<::core::result::Result<Self::Result, crate::error::ApiError>> {
                result.outcomes
            }
            type Kept = #kept;
            fn keep(&self) -> Self::Kept {
                #keep
            }
            fn outcome(
                kept: Self::Kept,
                reply: api::Reply,
            ) -> ::core::result::Result<Self::Result, crate::error::ApiError> {
                let reply = match crate::request::batch::raw::outcome(reply) {
                    Ok(reply) => reply,
                    Err(error) => {
                        let error = error.of(#name);
                        return Err(#failed);
                    }
                };
                let result: #result = reply.#ident.map(|result| *result).unwrap_or_default().into();
                Ok(#finished)
            }
        }
    }
}

/// Generates the impl of a command in a batch of one type.
fn batch_item(items: &[Item], rpc: &Rpc, tag: u32) -> Item {
    let request = &rpc.request;
    let reply = &rpc.result;
    let is_empty = is_empty(items, rpc);
    parse_quote! {
        impl crate::request::batch::item::BatchItem for api::#request {
            const TAG: u32 = #tag;
            const IS_EMPTY: bool = #is_empty;
            type Reply = api::#reply;
            fn result(reply: Self::Reply) -> Self::Result {
                reply.into()
            }
        }
    }
}

/// Generates the functions of a `Command` that call those of its request.
fn command_methods(items: &[Item], rpcs: &[Rpc]) -> Item {
    let is_command = |rpc: &&Rpc| {
        let part = part(items, &format_ident!("Command"), rpc);
        part.is_some_and(|ty| path(ty) == path(&rpc.request))
    };
    let fields: Vec<&Ident> = rpcs
        .iter()
        .filter(is_command)
        .map(|rpc| &rpc.ident)
        .collect();
    let requests: Vec<&Type> = rpcs
        .iter()
        .filter(is_command)
        .map(|rpc| &rpc.request)
        .collect();
    let names: Vec<&String> = rpcs
        .iter()
        .filter(is_command)
        .map(|rpc| &rpc.name)
        .collect();
    parse_quote! {
        impl api::Command {
            /// Returns whether all its requests are repeatable.
            pub(crate) fn is_repeatable(&self) -> bool {
                true #(&& self.#fields.as_ref().is_none_or(|request| crate::api::method::Method::is_repeatable(&**request)))*
            }
            /// Gives its requests an idempotency key where they take one, and returns whether any did.
            pub(crate) fn set_key(&mut self, key: &str) -> bool {
                let mut any = false;
                #(if let Some(request) = &mut self.#fields {
                    any |= (<api::#requests as crate::api::method::Method>::GENERATED.set_key)(&mut **request, key);
                })*
                any
            }
            /// Checks its requests. The error names the method.
            pub(crate) fn check(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
                #(if let Some(request) = &self.#fields {
                    crate::api::method::Method::check(&**request).map_err(|problem| problem.within(#names))?;
                })*
                Ok(())
            }
        }
    }
}
