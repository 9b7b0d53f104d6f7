//! The method table: an impl of `Method` for each rpc's request, and what ties commands to their replies.

use prost_build::Comments;
use quote::{format_ident, quote};
use syn::{Fields, Ident, Item, ItemStruct, Type, parse_quote};

use super::fields::inner;
use super::messages::Messages;
use super::schema::Schema;

/// One rpc, in Rust's names.
pub struct Rpc {
    /// The method's name over HTTP and in the client: `presence_stats`.
    pub name: String,
    pub docs: Vec<syn::Attribute>,
    pub request: Type,
    pub response: Type,
    pub shape: Shape,
    grpc_path: String,
}

/// What a response message holds.
pub enum Shape {
    /// Fields `error` and `result`: the call answers what `result` holds.
    Outcome(Type),
    /// A field `error` and no `result`: the call answers the message.
    ErrorOnly,
    /// No field `error`, as in `BatchResponse`: the call answers the message.
    Plain,
}

/// Methods whose replies have as many parts as the request; hand-written code checks that.
const CHECKED_PARTS: &[&str] = &["batch", "broadcast"];

/// The schema's rpcs.
pub fn rpcs(schema: &Schema, messages: &Messages) -> Result<Vec<Rpc>, String> {
    messages.service.methods.iter().map(|method| rpc(schema, messages, method)).collect()
}

fn rpc(schema: &Schema, messages: &Messages, method: &prost_build::Method) -> Result<Rpc, String> {
    let parse = |name: &str| -> Result<Type, String> {
        syn::parse_str(name).map_err(|error| format!("`{name}` is no type name: {error}"))
    };
    let response = parse(&method.output_type)?;
    Ok(Rpc {
        name: method.name.trim_start_matches("r#").to_owned(),
        docs: docs(&method.comments)?,
        request: parse(&method.input_type)?,
        shape: shape(&messages.file.items, &response),
        response,
        grpc_path: format!("/{}.{}/{}", schema.package, messages.service.proto_name, method.proto_name),
    })
}

fn docs(comments: &Comments) -> Result<Vec<syn::Attribute>, String> {
    let mut text = String::new();
    comments.append_with_indent(0, &mut text);
    let parse = syn::parse::Parser::parse_str(syn::Attribute::parse_outer, &text);
    parse.map_err(|error| format!("a comment does not become documentation: {error}"))
}

fn shape(items: &[Item], response: &Type) -> Shape {
    let Some(message) = find(items, &quote!(#response).to_string()) else { return Shape::Plain };
    let field =
        |name: &str| message.fields.iter().find(|field| field.ident.as_ref().is_some_and(|i| i == name));
    match (field("error"), field("result").and_then(|field| inner(&field.ty, "Option"))) {
        (Some(_), Some(result)) => Shape::Outcome(result.clone()),
        (Some(_), None) => Shape::ErrorOnly,
        (None, _) => Shape::Plain,
    }
}

/// The impls of `Method`, the list of all methods' names, and the parts of `Command` and `Reply`.
pub fn table(rpcs: &[Rpc], messages: &Messages) -> Vec<Item> {
    let mut items: Vec<Item> = rpcs.iter().map(method).collect();
    items.push(names(rpcs));
    items.push(part_name(&messages.file.items, "Command"));
    items.push(part_name(&messages.file.items, "Reply"));
    items.extend(command_conversions(&messages.file.items));
    items.push(temporary_flag(&messages.file.items));
    items
}

fn method(rpc: &Rpc) -> Item {
    let Rpc { name, grpc_path, request, response, .. } = rpc;
    let result = rpc.result();
    let outcome = match rpc.shape {
        Shape::Outcome(_) => quote! {
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
    let verify = CHECKED_PARTS.contains(&name.as_str()).then(|| {
        let module = format_ident!("{name}");
        quote! {
            fn verify(&self, result: &Self::Result) -> ::core::result::Result<(), ::std::string::String> {
                crate::#module::verify(self, result)
            }
        }
    });
    parse_quote! {
        impl crate::Method for #request {
            const NAME: &'static str = #name;
            const GRPC_PATH: &'static str = #grpc_path;
            type Response = #response;
            type Result = #result;
            fn outcome(
                response: Self::Response,
            ) -> ::core::option::Option<::core::result::Result<Self::Result, crate::ApiError>> {
                #outcome
            }
            #verify
        }
    }
}

impl Rpc {
    /// What a successful call answers.
    pub fn result(&self) -> &Type {
        match &self.shape {
            Shape::Outcome(result) => result,
            Shape::ErrorOnly | Shape::Plain => &self.response,
        }
    }
}

fn names(rpcs: &[Rpc]) -> Item {
    let names = rpcs.iter().map(|rpc| &rpc.name);
    parse_quote! {
        /// The names of all methods of the schema that the crate was built from, as HTTP has them.
        pub const METHODS: &[&str] = &[#(#names),*];
    }
}

/// `part(&self)`: the name of the one method that a `Command` or a `Reply` is about.
fn part_name(items: &[Item], message: &str) -> Item {
    let ident = format_ident!("{message}");
    let checks = parts(items, message).into_iter().map(|(field, _)| {
        let name = field.to_string().trim_start_matches("r#").to_owned();
        quote! {
            if self.#field.is_some() {
                parts.push(#name);
            }
        }
    });
    parse_quote! {
        impl #ident {
            /// The names of the methods that it has a part for: one, when it is well-formed.
            pub(crate) fn parts(&self) -> ::std::vec::Vec<&'static str> {
                let mut parts = ::std::vec::Vec::with_capacity(1);
                #(#checks)*
                parts
            }
        }
    }
}

fn command_conversions(items: &[Item]) -> Vec<Item> {
    let conversion = |(field, request): (Ident, Type)| -> Item {
        parse_quote! {
            impl ::core::convert::From<#request> for Command {
                fn from(request: #request) -> Self {
                    Self { #field: Some(::std::boxed::Box::new(request)), ..Self::default() }
                }
            }
        }
    };
    parts(items, "Command").into_iter().map(conversion).collect()
}

/// `Error.temporary`, which schemas have since Centrifugo 6.10.
fn temporary_flag(items: &[Item]) -> Item {
    let has_flag = find(items, "Error")
        .is_some_and(|error| error.fields.iter().any(|f| f.ident.as_ref().is_some_and(|i| i == "temporary")));
    let flag = if has_flag { quote!(self.temporary) } else { quote!(false) };
    parse_quote! {
        impl Error {
            pub(crate) fn says_temporary(&self) -> bool {
                #flag
            }
        }
    }
}

/// The boxed fields of `Command` or `Reply`, one a method.
fn parts(items: &[Item], message: &str) -> Vec<(Ident, Type)> {
    let Some(ItemStruct { fields: Fields::Named(fields), .. }) = find(items, message) else {
        return Vec::new();
    };
    let part = |field: &syn::Field| {
        let name = field.ident.clone()?;
        let held = inner(inner(&field.ty, "Option")?, "Box")?.clone();
        (name != "error").then_some((name, held))
    };
    fields.named.iter().filter_map(part).collect()
}

fn find<'a>(items: &'a [Item], name: &str) -> Option<&'a ItemStruct> {
    items.iter().find_map(|item| match item {
        Item::Struct(message) if message.ident == name => Some(message),
        _ => None,
    })
}
