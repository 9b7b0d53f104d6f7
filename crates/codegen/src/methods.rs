//! The method table: an impl of `Method` for each rpc's request, and what ties commands to their replies.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use prost_build::Comments;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Ident, Item, Type, parse_quote};

use crate::fields::{Field, inner};
use crate::messages::{Messages, field_type, find, is_named, path};
use crate::parts::tag;
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

/// Methods whose replies have as many parts as the request; hand-written code checks that.
const CHECKED_PARTS: &[&str] = &["batch", "broadcast"];

/// What Centrifugo's asynchronous consumers execute.
const CONSUMED: &[&str] = &[
    "broadcast",
    "disconnect",
    "history_remove",
    "publish",
    "refresh",
    "subscribe",
    "unsubscribe",
];

/// Methods that can be sent again when nobody knows whether they ran: they only read, or do the same however often
/// they run. Not among them: `subscribe`, which fails when repeated; `history_remove` and `map_clear`, which would
/// remove what came between; `device_register` and `send_push_notification`, which may make another device and
/// another push; `rpc`, which is anything.
const REPEATABLE: &[&str] = &[
    "block_user",
    "cancel_push",
    "channels",
    "connections",
    "delete_user_status",
    "device_list",
    "device_remove",
    "device_topic_list",
    "device_topic_update",
    "device_update",
    "disconnect",
    "get_user_status",
    "history",
    "info",
    "invalidate_user_tokens",
    "map_read_state",
    "map_read_stream",
    "map_stats",
    "presence",
    "presence_stats",
    "refresh",
    "revoke_token",
    // An old version changes nothing.
    "shared_poll_publish",
    "unblock_user",
    "unsubscribe",
    "update_push_status",
    "update_user_status",
    "user_topic_list",
    "user_topic_update",
];

/// Methods that can be sent again with the same idempotency key.
const KEYED: &[&str] = &["broadcast", "map_publish", "map_remove", "publish"];

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

/// The impls of `Method` and `ConsumerMethod`, and the list of all methods' names.
pub(crate) fn table(rpcs: &[Rpc], items: &[Item], checked: &HashSet<String>) -> Vec<Item> {
    let mut table: Vec<Item> = rpcs.iter().map(|rpc| method(rpc, items, checked)).collect();
    table.extend(
        rpcs.iter()
            .filter(|rpc| CONSUMED.contains(&rpc.name.as_str()))
            .map(consumer_method),
    );
    table.push(names(rpcs));
    table.push(temporary_flag(items));
    table
}

fn method(rpc: &Rpc, items: &[Item], checked: &HashSet<String>) -> Item {
    let Rpc {
        name,
        grpc_path,
        request,
        response,
        result,
        ..
    } = rpc;
    let outcome = match rpc.shape {
        Shape::Outcome => quote! {
            match (response.error, response.result) {
                (Some(error), _) => Some(Err(error)),
                (None, Some(result)) => Some(Ok(result)),
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
    };
    let (repeatable, carried) = (repeatable(rpc, items), crate::parts::carried(items, rpc));
    let payloads = payloads(rpc, items);
    let verify = CHECKED_PARTS.contains(&name.as_str()).then(|| {
        let module = format_ident!("{name}");
        quote! {
            fn verify(&self, result: &Self::Result) -> ::core::result::Result<(), ::std::string::String> {
                crate::#module::verify(self, result)
            }
        }
    });
    let check = checked.contains(&quote!(#request).to_string()).then(|| {
        quote! {
            fn check(&self) -> ::core::result::Result<(), ::std::string::String> {
                self.payload_set_twice().map_or(Ok(()), |path| Err(crate::payload::set_twice(&path)))
            }
        }
    });
    parse_quote! {
        impl crate::Method for #request {
            const NAME: &'static str = #name;
            const GRPC_PATH: &'static str = #grpc_path;
            type Response = #response;
            type Result = #result;
            #payloads
            #carried
            fn outcome(
                response: Self::Response,
            ) -> ::core::option::Option<::core::result::Result<Self::Result, crate::ApiError>> {
                #outcome
            }
            #check
            #verify
            #repeatable
        }
    }
}

/// The fields of a request that are payloads, which are found by their numbers.
fn payloads(rpc: &Rpc, items: &[Item]) -> TokenStream {
    let Some(request) = find(items, &rpc.request) else {
        return TokenStream::new();
    };
    let payloads = fields(request).into_iter().filter(Field::is_plain_payload);
    let payloads = payloads.filter_map(|field| Some((tag(request, field.name)?, field.name)));
    let (tags, names): (Vec<u32>, Vec<&Ident>) = payloads.unzip();
    if tags.is_empty() {
        return TokenStream::new();
    }
    quote! {
        const PAYLOADS: &'static [u32] = &[#(#tags),*];
        fn payload_at(&mut self, tag: u32) -> ::core::option::Option<&mut ::prost::bytes::Bytes> {
            match tag {
                #(#tags => Some(&mut self.#names),)*
                _ => None,
            }
        }
    }
}

/// Whether a request may be sent again, and how it gets a key with which it may.
fn repeatable(rpc: &Rpc, items: &[Item]) -> TokenStream {
    let has_key = find(items, &rpc.request)
        .and_then(|request| field_type(request, "idempotency_key"))
        .is_some_and(|ty| quote!(#ty).to_string().ends_with("String"));
    let (is_repeatable, give_key) = match rpc.name.as_str() {
        name if REPEATABLE.contains(&name) => (quote!(true), None),
        name if KEYED.contains(&name) && has_key => (
            quote!(!self.idempotency_key.is_empty()),
            Some(quote! {
                let is_new = self.idempotency_key.is_empty();
                if is_new {
                    self.idempotency_key = key.to_owned();
                }
                is_new
            }),
        ),
        "batch" => (
            quote!(self.commands.iter().all(Command::is_repeatable)),
            Some(quote!(crate::batch::give_keys(&mut self.commands, key))),
        ),
        _ => return TokenStream::new(),
    };
    let give_key = give_key.map(|body| {
        quote! {
            fn give_key(&mut self, key: &str) -> bool {
                #body
            }
        }
    });
    quote! {
        fn is_repeatable(&self) -> bool {
            #is_repeatable
        }
        #give_key
    }
}

fn consumer_method(rpc: &Rpc) -> Item {
    let request = &rpc.request;
    parse_quote! {
        impl crate::ConsumerMethod for #request {}
    }
}

fn names(rpcs: &[Rpc]) -> Item {
    let names = rpcs.iter().map(|rpc| &rpc.name);
    parse_quote! {
        /// The names of all methods of the schema that the crate was built from, as HTTP has them.
        pub const METHODS: &[&str] = &[#(#names),*];
    }
}

/// `Error.temporary`, which schemas have since Centrifugo 6.10.
fn temporary_flag(items: &[Item]) -> Item {
    let ty = find(items, &parse_quote!(Error)).and_then(|error| field_type(error, "temporary"));
    let flag = match ty {
        Some(ty) if is_named(ty, "bool") => quote!(self.temporary),
        Some(ty) if inner(ty, "Option").is_some_and(|ty| is_named(ty, "bool")) => {
            quote!(self.temporary == Some(true))
        }
        _ => quote!(false),
    };
    parse_quote! {
        impl Error {
            pub fn says_temporary(&self) -> bool {
                #flag
            }
        }
    }
}
