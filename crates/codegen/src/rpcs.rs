//! The schema's rpcs, in Rust's names.

use proc_macro2::TokenStream;
use prost_build::Comments;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Ident, Item, Type, parse_quote};

use crate::facts::{self, MethodFacts};
use crate::fields::{fields_of, inner};
use crate::messages::{Messages, field_type, find, is_named, path};
use crate::schema::Schema;

/// An rpc.
pub(crate) struct Rpc {
    /// The method's name over HTTP: `presence_stats`.
    pub(crate) name: String,
    /// The method's name in Rust: `r#move`.
    pub(crate) ident: Ident,
    /// The heading that stands above the rpc in the schema.
    pub(crate) heading: Option<String>,
    /// The documentation, and `#[deprecated]` if the schema says so.
    pub(crate) docs: Vec<syn::Attribute>,
    /// The version of Centrifugo that brought the method, if the schema's comment tells it: `6.8`.
    pub(crate) since: Option<String>,
    pub(crate) request: Type,
    /// The message that a successful call returns.
    pub(crate) result: Type,
    pub(crate) response: Type,
    pub(crate) shape: Shape,
    pub(crate) grpc_path: String,
}

/// The shape of a response.
pub(crate) enum Shape {
    /// Fields `error` and `result`: a call returns the message in `result`.
    Outcome,
    /// A field `error` and no `result`: a call returns the response.
    ErrorOnly,
    /// No field `error`, as in `BatchResponse`: a call returns the response.
    Plain,
}

impl Rpc {
    /// Returns whether this is the method whose result has hand-written outcomes per channel.
    pub(crate) fn is_broadcast(&self) -> bool {
        self.name == "broadcast"
    }

    /// Returns whether this is the method whose result has hand-written outcomes per command.
    pub(crate) fn is_batch(&self) -> bool {
        self.name == "batch"
    }

    /// Returns the facts about the method, if it is one of Centrifugo's.
    pub(crate) fn facts(&self) -> Option<&'static MethodFacts> {
        facts::method(&self.name)
    }

    /// Returns whether the request has a text of that name.
    pub(crate) fn has_text(&self, items: &[Item], name: &str) -> bool {
        fields_of(items, &self.request)
            .iter()
            .any(|field| field.plain_name() == name && field.is_plain_text())
    }

    /// Returns the path of the result of a call, where messages are found at `messages`.
    pub(crate) fn result_path(&self, messages: &TokenStream) -> TokenStream {
        if self.is_broadcast() {
            return quote!(crate::request::broadcast::BroadcastResult);
        }
        if self.is_batch() {
            return quote!(crate::request::batch::Outcomes<#messages::Reply>);
        }
        let result = &self.result;
        quote!(#messages::#result)
    }
}

/// Returns the schema's rpcs, in its order.
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
    let items = &messages.file.items;
    let request = parse_type(&method.input_type)?;
    let response = parse_type(&method.output_type)?;
    let ident = name(items, method, &request)?;
    let shape = shape(items, &response);
    let result = match shape {
        Shape::Outcome => held(items, &response, "result"),
        Shape::ErrorOnly | Shape::Plain => None,
    };
    Ok(Rpc {
        // Keywords without a raw form, such as `Self`, end with a `_` in Rust.
        name: ident.unraw().to_string().trim_end_matches('_').to_owned(),
        ident,
        heading: schema.headings.get(&method.proto_name).cloned(),
        docs: docs(method)?,
        since: since(&method.comments),
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

fn parse_type(name: &str) -> Result<Type, String> {
    syn::parse_str(name).map_err(|error| format!("`{name}` is not the name of a type: {error}"))
}

/// Returns the version in the sentence `Since v6.8` of a comment.
fn since(comments: &Comments) -> Option<String> {
    let mut lines = comments.leading.iter();
    let version = lines.find_map(|line| line.split_once("Since v"))?.1;
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let version = version[..end.unwrap_or(version.len())].trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}

/// Returns the method's name: that of the field of `Command` that has the request, or else the
/// rpc's.
///
/// The server uses the field's name, which prost may spell differently from the rpc's.
fn name(items: &[Item], method: &prost_build::Method, request: &Type) -> Result<Ident, String> {
    let own = syn::parse_str::<Ident>(&method.name).map_err(|error| {
        format!(
            "the rpc `{}` cannot be a name in Rust: {error}; rename it",
            method.proto_name
        )
    })?;
    let fields = command_fields(items, request);
    if fields.contains(&&own) {
        return Ok(own);
    }
    Ok(fields.first().copied().cloned().unwrap_or(own))
}

/// Returns the names of the fields of `Command` that have the request.
fn command_fields<'a>(items: &'a [Item], request: &Type) -> Vec<&'a Ident> {
    let command = find(items, &parse_quote!(Command));
    let fields = command.iter().flat_map(|command| &command.fields);
    fields
        .filter_map(|field| {
            let held = inner(inner(&field.ty, "Option")?, "Box")?;
            field.ident.as_ref().filter(|_| path(held) == path(request))
        })
        .collect()
}

/// Returns the documentation of a method, and `#[deprecated]` if the schema says so.
fn docs(method: &prost_build::Method) -> Result<Vec<syn::Attribute>, String> {
    let mut docs = comment_docs(&method.comments)?;
    if docs.is_empty() {
        let text = format!(" Calls `{}`.", method.proto_name);
        docs.push(parse_quote!(#[doc = #text]));
    }
    if method.options.deprecated() {
        docs.push(parse_quote!(#[deprecated]));
    }
    Ok(docs)
}

fn comment_docs(comments: &Comments) -> Result<Vec<syn::Attribute>, String> {
    let mut text = String::new();
    comments.append_with_indent(0, &mut text);
    let parse = syn::parse::Parser::parse_str(syn::Attribute::parse_outer, &text);
    parse.map_err(|error| format!("a comment does not become documentation: {error}"))
}

fn shape(items: &[Item], response: &Type) -> Shape {
    let error = held(items, response, "error");
    let has_error = error.is_some_and(|error| is_named(&error, "Error"));
    let has_result = held(items, response, "result").is_some();
    if has_error && has_result {
        Shape::Outcome
    } else if has_error {
        Shape::ErrorOnly
    } else {
        Shape::Plain
    }
}

/// Returns the message in a field of a response, as a path from the outermost module.
fn held(items: &[Item], response: &Type, field: &str) -> Option<Type> {
    let message = find(items, response)?;
    let path = path(inner(field_type(message, field)?, "Option")?)?;
    let is_scalar = path.last()?.to_string().starts_with(char::is_lowercase);
    (!is_scalar).then(|| absolute(&path, response))
}

/// Returns the path from the outermost module of what is found at `path` beside `message`.
fn absolute(path: &[&Ident], message: &Type) -> Type {
    let mut absolute = self::path(message).unwrap_or_default();
    absolute.pop();
    for segment in path {
        if *segment == "super" {
            absolute.pop();
        } else {
            absolute.push(segment);
        }
    }
    parse_quote!(#(#absolute)::*)
}
