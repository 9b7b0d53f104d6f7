//! Batches: `Command` and `Reply` have a field per method, and requests become commands.

mod tables;

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{GenericArgument, Item, PathArguments, Type, parse_quote};

pub(crate) use self::tables::tables;
use crate::facts;
use crate::fields::inner;
use crate::messages::{field_type, find, path, tag};
use crate::rpcs::Rpc;

/// Generates the impls that make requests commands of a batch.
pub(crate) fn impls(items: &[Item], rpcs: &[Rpc]) -> Vec<Item> {
    let mut impls = Vec::new();
    for rpc in rpcs {
        if let Some(tag) = command_tag(items, rpc) {
            impls.push(conversion(rpc));
            impls.push(batch_command(rpc));
            impls.push(batch_item(items, rpc, tag));
        }
    }
    impls.push(command_methods(items, rpcs));
    if tables::parallel(items).is_some() {
        impls.push(parse_quote! {
            impl<B> crate::request::batch::InSchema for crate::request::batch::Parallel<B> {}
        });
    }
    impls
}

/// Generates the expression for how a batch carries the request.
pub(crate) fn slot(items: &[Item], rpc: &Rpc) -> TokenStream {
    let Some(tag) = command_tag(items, rpc) else {
        return quote!(::core::option::Option::None);
    };
    let has_payloads = has_bytes(items, &rpc.result, &mut HashSet::new());
    let is_unbounded = facts::method(&rpc.name).is_some_and(|facts| facts.is_unbounded);
    quote! {
        ::core::option::Option::Some(crate::api::method::BatchSlot {
            tag: #tag,
            has_payloads: #has_payloads,
            is_unbounded: #is_unbounded,
            read: crate::request::batch::item::read::<Self>,
        })
    }
}

/// Returns the number of the field of `Command` that carries the request, if a batch can carry it.
fn command_tag(items: &[Item], rpc: &Rpc) -> Option<u32> {
    if !is_batched(items, rpc) {
        return None;
    }
    tag(find(items, &parse_quote!(Command))?, &rpc.ident)
}

/// Returns whether a batch can carry the request: the field of the method's name has the request in
/// `Command`, and the result in `Reply`.
fn is_batched(items: &[Item], rpc: &Rpc) -> bool {
    let has_request = has_field(items, "Command", rpc, &rpc.request);
    let has_result = has_field(items, "Reply", rpc, &rpc.result);
    has_request && has_result
}

/// Returns whether `Command` or `Reply` has a field of that type that is named after the method.
fn has_field(items: &[Item], message: &str, rpc: &Rpc, ty: &Type) -> bool {
    field_of(items, message, rpc).is_some_and(|field| path(field) == path(ty))
}

/// Returns the type of the field of `Command` or `Reply` that is named after the method, without
/// its box.
pub(crate) fn field_of<'a>(items: &'a [Item], message: &str, rpc: &Rpc) -> Option<&'a Type> {
    let message = format_ident!("{message}");
    let message = find(items, &parse_quote!(#message))?;
    let field = field_type(message, &rpc.ident.to_string())?;
    inner(inner(field, "Option")?, "Box")
}

/// Returns whether the result has no fields.
fn is_empty(items: &[Item], rpc: &Rpc) -> bool {
    find(items, &rpc.result).is_some_and(|result| result.fields.is_empty())
}

/// Returns whether a message, or a message within it, has a field of bytes. `seen` are the messages
/// that were looked at.
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
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident == "Bytes")
}

/// Returns a type and its generic arguments, at all depths.
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

/// Generates the conversion of a request into a command.
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

/// Generates the impl of a command in batches of several types.
fn batch_command(rpc: &Rpc) -> Item {
    let request = &rpc.request;
    let result = rpc.result_path(&quote!(api));
    let outcome = batch_outcome(rpc);
    parse_quote! {
        impl crate::request::batch::BatchCommand for api::#request {
            type Result = #result;
            type Commands = crate::request::batch::typed::TypedBatch<Self>;
            fn commands(commands: ::std::vec::Vec<Self>, parallel: bool) -> Self::Commands {
                crate::request::batch::typed::TypedBatch::new(commands, parallel)
            }
            fn outcomes(
                _: Self::Commands,
                result: <Self::Commands as crate::api::method::Method>::Result,
            ) -> ::std::vec::Vec<::core::result::Result<Self::Result, crate::error::ApiError>> {
                result.outcomes
            }
            #outcome
        }
    }
}

/// Generates `outcome`: the result or the error of a command, with the channels that it was about.
fn batch_outcome(rpc: &Rpc) -> TokenStream {
    let field = &rpc.ident;
    let result = rpc.result_path(&quote!(api));
    let finished = if rpc.is_broadcast() {
        quote! {
            let key = command.key();
            let channels = command.broadcast.map(|request| request.channels);
            Ok(result.of_request(channels.unwrap_or_default(), key))
        }
    } else {
        quote!(Ok(result))
    };
    quote! {
        #[allow(unused_variables)]
        fn outcome(
            command: api::Command,
            reply: ::core::result::Result<api::Reply, crate::error::ApiError>,
        ) -> ::core::result::Result<Self::Result, crate::error::ApiError> {
            let result: #result = reply?.#field.map(|result| *result).unwrap_or_default().into();
            #finished
        }
    }
}

/// Generates the impl of a command in a batch of one type.
fn batch_item(items: &[Item], rpc: &Rpc, tag: u32) -> Item {
    let request = &rpc.request;
    let reply = &rpc.result;
    let is_empty = is_empty(items, rpc);
    let read_usual = read_usual(rpc);
    parse_quote! {
        impl crate::request::batch::item::BatchItem for api::#request {
            const TAG: u32 = #tag;
            const IS_EMPTY: bool = #is_empty;
            type Reply = api::#reply;
            #read_usual
            fn result(reply: Self::Reply) -> Self::Result {
                reply.into()
            }
        }
    }
}

/// Generates the reader of a result that batches return by the thousand.
fn read_usual(rpc: &Rpc) -> Option<TokenStream> {
    let read = match rpc.name.as_str() {
        "publish" => quote!(publish_result),
        "broadcast" => quote!(broadcast_result),
        _ => return None,
    };
    Some(quote! {
        fn read_usual(
            reader: &mut crate::api::json::usual::Reader<'_>,
        ) -> ::core::option::Option<Self::Reply> {
            reader.#read()
        }
    })
}

/// Generates the functions of a `Command` that call those of its request.
fn command_methods(items: &[Item], rpcs: &[Rpc]) -> Item {
    let mut fields = Vec::new();
    let mut names = Vec::new();
    let mut requests = Vec::new();
    for rpc in rpcs {
        if has_field(items, "Command", rpc, &rpc.request) {
            fields.push(&rpc.ident);
            names.push(&rpc.name);
            requests.push(&rpc.request);
        }
    }
    let suppressible = rpcs
        .iter()
        .filter(|rpc| is_batched(items, rpc) && crate::keys::is_suppressible(rpc, items));
    let settled: Vec<_> = suppressible.clone().map(|rpc| &rpc.ident).collect();
    let settled_requests: Vec<_> = suppressible.map(|rpc| &rpc.request).collect();
    parse_quote! {
        impl api::Command {
            /// Settles the result of its request.
            #[allow(unused_variables)]
            pub(crate) fn settle(&self, reply: &mut api::Reply, key: &str) {
                #(if let (Some(request), Some(result)) = (&self.#settled, &mut reply.#settled) {
                    (<api::#settled_requests as crate::api::method::Method>::GENERATED.settle)(&**request, &mut **result, key);
                })*
            }
            /// Returns whether all its requests are repeatable.
            pub(crate) fn is_repeatable(&self) -> bool {
                true #(&& self.#fields.as_ref().is_none_or(|request| crate::api::method::Method::is_repeatable(&**request)))*
            }
            /// Gives its requests an idempotency key if they take one and have none.
            pub(crate) fn set_key(&mut self, key: &str) {
                #(if let Some(request) = &mut self.#fields {
                    (<api::#requests as crate::api::method::Method>::GENERATED.set_key)(&mut **request, key);
                })*
            }
            /// Returns the idempotency key of its request.
            pub(crate) fn key(&self) -> ::core::option::Option<::std::string::String> {
                #(if let Some(request) = &self.#fields {
                    return (<api::#requests as crate::api::method::Method>::GENERATED.keys)(&**request).pop().flatten();
                })*
                ::core::option::Option::None
            }
            /// Returns the channel that its request is about.
            pub(crate) fn channel(&self) -> ::core::option::Option<&str> {
                #(if let Some(request) = &self.#fields {
                    return (<api::#requests as crate::api::method::Method>::GENERATED.channel)(&**request);
                })*
                ::core::option::Option::None
            }
            /// Checks its requests. The error names the method.
            pub(crate) fn check(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
                #(if let Some(request) = &self.#fields {
                    crate::api::method::Method::check(&**request).map_err(|problem| problem.within(#names))?;
                })*
                Ok(())
            }
            /// Checks that the payloads of its requests are JSON. The error names the method.
            pub(crate) fn check_json(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
                #(if let Some(request) = &self.#fields {
                    let check = <api::#requests as crate::api::method::Method>::GENERATED.check_json;
                    check(&**request).map_err(|problem| problem.within(#names))?;
                })*
                Ok(())
            }
        }
    }
}
