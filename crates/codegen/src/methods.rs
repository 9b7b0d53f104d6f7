//! The method table: an impl of `Method` for each rpc's request, and what ties commands to their replies.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use prost_build::Comments;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Ident, Item, Type, parse_quote};

use crate::batch::tag;
use crate::facts::{self, MethodFacts, Repeat};
use crate::fields::{Field, inner};
use crate::messages::{Messages, field_type, find, is_named, path};
use crate::requests::fields;
use crate::schema::Schema;

/// One rpc, in Rust's names.
pub(crate) struct Rpc {
    /// The method's name over HTTP: `presence_stats`.
    pub(crate) name: String,
    /// The same as a name in Rust: `r#move`.
    pub(crate) ident: Ident,
    /// The documentation, and `#[deprecated]` where the schema says so.
    pub(crate) docs: Vec<syn::Attribute>,
    pub(crate) request: Type,
    /// What a successful call answers.
    pub(crate) result: Type,
    pub(crate) response: Type,
    pub(crate) shape: Shape,
    pub(crate) grpc_path: String,
}

/// What a response message holds.
pub(crate) enum Shape {
    /// Fields `error` and `result`: the call answers what `result` holds.
    Outcome,
    /// A field `error` and no `result`: the call answers the message.
    ErrorOnly,
    /// No field `error`, as in `BatchResponse`: the call answers the message.
    Plain,
}

impl Rpc {
    /// Returns whether this is the method whose result has hand-written outcomes per channel.
    pub(crate) fn is_broadcast(&self) -> bool {
        self.name == "broadcast"
    }

    /// Returns the path of the result of a call, where messages are found at `messages`.
    pub(crate) fn result_path(&self, messages: &TokenStream) -> TokenStream {
        if self.is_broadcast() {
            return quote!(crate::request::broadcast::BroadcastResult);
        }
        let result = &self.result;
        quote!(#messages::#result)
    }
}

/// The schema's rpcs.
pub(crate) fn rpcs(schema: &Schema, messages: &Messages) -> Result<Vec<Rpc>, String> {
    let mut rpcs: Vec<Rpc> = Vec::new();
    for method in &messages.service.methods {
        let rpc = rpc(schema, messages, method)?;
        if rpcs.iter().any(|other| other.name == rpc.name) {
            return Err(format!(
                "two rpcs in the schema are both the method `{}`; rename one",
                rpc.name
            ));
        }
        rpcs.push(rpc);
    }
    Ok(rpcs)
}

fn rpc(schema: &Schema, messages: &Messages, method: &prost_build::Method) -> Result<Rpc, String> {
    let parse = |name: &str| -> Result<Type, String> {
        syn::parse_str(name).map_err(|error| format!("`{name}` is no type name: {error}"))
    };
    let mut docs = docs(&method.comments)?;
    if docs.is_empty() {
        let text = format!(" Calls `{}`.", method.proto_name);
        docs.push(parse_quote!(#[doc = #text]));
    }
    if method.options.deprecated() {
        docs.push(parse_quote!(#[deprecated]));
    }
    let (request, response) = (parse(&method.input_type)?, parse(&method.output_type)?);
    let ident = name(&messages.file.items, method, &request)?;
    let (shape, result) = shape(&messages.file.items, &response);
    Ok(Rpc {
        // `Self` and its like have no raw form, and got a `_`.
        name: ident.unraw().to_string().trim_end_matches('_').to_owned(),
        ident,
        docs,
        request,
        result: result.unwrap_or_else(|| response.clone()),
        shape,
        response,
        grpc_path: format!(
            "/{}.{}/{}",
            schema.package, messages.service.proto_name, method.proto_name
        ),
    })
}

/// The method's name: that of its part of a `Command`, since a server may spell it otherwise than prost does, or
/// else the rpc's.
fn name(items: &[Item], method: &prost_build::Method, request: &Type) -> Result<Ident, String> {
    let own = syn::parse_str::<Ident>(&method.name).map_err(|error| {
        format!(
            "the rpc `{}` cannot be a name in Rust: {error}; rename it",
            method.proto_name
        )
    })?;
    let command = find(items, &parse_quote!(Command));
    let mut parts = command
        .iter()
        .flat_map(|command| &command.fields)
        .filter_map(|field| {
            let held = inner(inner(&field.ty, "Option")?, "Box")?;
            field.ident.as_ref().filter(|_| path(held) == path(request))
        });
    let first = parts.next();
    match first.into_iter().chain(parts).any(|part| *part == own) {
        true => Ok(own),
        false => Ok(first.cloned().unwrap_or(own)),
    }
}

fn docs(comments: &Comments) -> Result<Vec<syn::Attribute>, String> {
    let mut text = String::new();
    comments.append_with_indent(0, &mut text);
    let parse = syn::parse::Parser::parse_str(syn::Attribute::parse_outer, &text);
    parse.map_err(|error| format!("a comment does not become documentation: {error}"))
}

/// The shape of a response, and what its `result` holds, if that is what calls answer.
fn shape(items: &[Item], response: &Type) -> (Shape, Option<Type>) {
    let Some(message) = find(items, response) else {
        return (Shape::Plain, None);
    };
    let held = |name: &str| {
        let path = path(inner(field_type(message, name)?, "Option")?)?;
        let is_scalar = path.last()?.to_string().starts_with(char::is_lowercase);
        (!is_scalar).then(|| from_module_of(response, &path))
    };
    match (
        held("error").is_some_and(|error| is_named(&error, "Error")),
        held("result"),
    ) {
        (true, Some(result)) => (Shape::Outcome, Some(result)),
        (true, None) => (Shape::ErrorOnly, None),
        (false, _) => (Shape::Plain, None),
    }
}

/// A path that means in the outermost module what `path` means beside `message`.
fn from_module_of(message: &Type, path: &[&Ident]) -> Type {
    let mut absolute = self::path(message).unwrap_or_default();
    absolute.pop();
    for segment in path {
        match *segment == "super" {
            true => drop(absolute.pop()),
            false => absolute.push(segment),
        }
    }
    parse_quote!(#(#absolute)::*)
}

/// Generates the impls of `Method` and `ConsumerMethod`.
pub(crate) fn impls(rpcs: &[Rpc], items: &[Item], with_twins: &HashSet<String>) -> Vec<Item> {
    let mut impls: Vec<Item> = rpcs
        .iter()
        .map(|rpc| method(rpc, items, with_twins))
        .collect();
    let consumed = rpcs
        .iter()
        .filter(|rpc| facts(rpc).is_some_and(|facts| facts.is_consumed));
    impls.extend(consumed.map(consumer_method));
    impls
}

/// Generates the list of all methods' names, and the functions about `Error.temporary`.
pub(crate) fn tables(rpcs: &[Rpc], items: &[Item]) -> Vec<Item> {
    vec![names(rpcs), temporary_flag(items)]
}

fn facts(rpc: &Rpc) -> Option<&'static MethodFacts> {
    facts::method(&rpc.name)
}

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
    let generated = generated(rpc, items);
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
                None => Some(Ok(response)),
            }
        },
        Shape::Plain => quote!(Some(Ok(response))),
    }
}

/// Generates the check of a request: its required fields, and payloads that are set twice.
fn check(rpc: &Rpc, items: &[Item], with_twins: &HashSet<String>) -> Option<TokenStream> {
    if rpc.name == "batch" {
        return Some(quote! {
            fn check(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
                crate::request::batch::raw::check(self)
            }
        });
    }
    let required = facts(rpc).map_or(&[][..], |facts| facts.required);
    let fields = find(items, &rpc.request).map(fields).unwrap_or_default();
    let missing: Vec<TokenStream> = required
        .iter()
        .filter_map(|name| fields.iter().find(|field| field.plain_name() == *name))
        .filter_map(missing)
        .collect();
    let request = &rpc.request;
    let has_twins = with_twins.contains(&quote!(#request).to_string());
    let set_twice = has_twins.then(|| {
        quote! {
            if let Some(field) = self.payload_set_twice() {
                return Err(crate::api::method::InvalidRequest::set_twice(field));
            }
        }
    });
    if missing.is_empty() && set_twice.is_none() {
        return None;
    }
    Some(quote! {
        fn check(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
            #(#missing)*
            #set_twice
            Ok(())
        }
    })
}

/// Generates the check that a required field is set. A field of another type than Centrifugo's is not checked.
fn missing(field: &Field<'_>) -> Option<TokenStream> {
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

/// Generates the check of a result with parts, which hand-written code does.
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

fn is_repeatable(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    let is_repeatable = match facts(rpc).map(|facts| facts.repeat) {
        _ if rpc.name == "batch" => quote!(self.commands.iter().all(api::Command::is_repeatable)),
        Some(Repeat::Yes) => quote!(true),
        Some(Repeat::WithKey) if has_key(rpc, items) => quote!(!self.idempotency_key.is_empty()),
        _ => return None,
    };
    Some(quote! {
        fn is_repeatable(&self) -> bool {
            #is_repeatable
        }
    })
}

fn has_key(rpc: &Rpc, items: &[Item]) -> bool {
    has_text(rpc, items, "idempotency_key")
}

/// Returns whether the request has a text of that name.
fn has_text(rpc: &Rpc, items: &[Item], name: &str) -> bool {
    let fields = find(items, &rpc.request).map(fields).unwrap_or_default();
    let mut fields = fields.iter();
    fields.any(|field| field.plain_name() == name && field.is_plain_text())
}

/// Generates the hidden member of `Method`.
fn generated(rpc: &Rpc, items: &[Item]) -> TokenStream {
    let payloads = payloads(rpc, items);
    let channel = has_text(rpc, items, "channel").then(
        || quote!(channel: |request| ::core::option::Option::Some(request.channel.as_str()),),
    );
    let is_keyed = facts(rpc).is_some_and(|facts| facts.repeat == Repeat::WithKey);
    let set_key = if rpc.name == "batch" {
        Some(quote! {
            set_key: |request, key| crate::request::batch::raw::set_keys(&mut request.commands, key),
        })
    } else if is_keyed && has_key(rpc, items) {
        Some(quote! {
            set_key: |request, key| {
                let is_new = request.idempotency_key.is_empty();
                if is_new {
                    request.idempotency_key = key.to_owned();
                }
                is_new
            },
        })
    } else {
        None
    };
    let parts = match rpc.name.as_str() {
        "batch" => {
            Some(quote!(parts: ::core::option::Option::Some(crate::request::batch::raw::PARTS),))
        }
        "broadcast" => {
            Some(quote!(parts: ::core::option::Option::Some(crate::request::broadcast::PARTS),))
        }
        _ => None,
    };
    let slot = crate::batch::slot(items, rpc);
    quote! {
        #[allow(clippy::needless_update)]
        const GENERATED: crate::api::method::Generated<Self> = crate::api::method::Generated {
            #payloads
            #channel
            #set_key
            batch: #slot,
            #parts
            ..crate::api::method::Generated::NONE
        };
    }
}

/// Generates the fields of a request that are payloads, which are found by their numbers.
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

fn consumer_method(rpc: &Rpc) -> Item {
    let request = &rpc.request;
    parse_quote! {
        impl crate::request::ConsumerMethod for api::#request {}
    }
}

fn names(rpcs: &[Rpc]) -> Item {
    let names = rpcs.iter().map(|rpc| &rpc.name);
    parse_quote! {
        /// The names of all methods of the schema that the crate was built from, as HTTP has them.
        pub const METHODS: &[&str] = &[#(#names),*];
    }
}

/// Generates the functions about `Error.temporary`, which schemas have since Centrifugo 6.10.
fn temporary_flag(items: &[Item]) -> Item {
    let error = find(items, &parse_quote!(Error));
    let ty = error.and_then(|error| field_type(error, "temporary"));
    let is_flag = ty.is_some_and(|ty| is_named(ty, "bool"));
    let is_optional_flag = ty
        .and_then(|ty| inner(ty, "Option"))
        .is_some_and(|ty| is_named(ty, "bool"));
    let (read, write) = if is_flag {
        (quote!(self.temporary), quote!(self.temporary = temporary;))
    } else if is_optional_flag {
        (
            quote!(self.temporary == Some(true)),
            quote!(self.temporary = Some(temporary);),
        )
    } else {
        (quote!(false), quote!())
    };
    parse_quote! {
        impl Error {
            /// Returns whether the server said that the error is temporary.
            pub(crate) fn says_temporary(&self) -> bool {
                #read
            }
            #[allow(unused_variables)]
            pub(crate) fn say_temporary(&mut self, temporary: bool) {
                #write
            }
        }
    }
}
