//! Rewrites pbjson-build's output as syntax, and refuses output that it does not know: this guards the
//! range of releases in `Cargo.toml`.
//!
//! | pbjson-build generates | it becomes | because |
//! |---|---|---|
//! | `deserializer.deserialize_struct(…)` | `json::message(deserializer, …)` | `null` is a message in which nothing is set |
//! | `map_.next_value::<BytesDeserialize<_>>()` | `json::next_payload(&mut map_)` | `null` is a payload |
//! | `map_.next_value()` | `json::NullAsDefault(&mut map_).next_value()` | any other `null` is the default |
//! | `pbjson::private::…` | `json::…` | payloads are embedded JSON, not base64 |
//! | `HashMap` | `BTreeMap` | the keys of a map are written in order |
//! | `serde::`, `std::`, `Vec` | `::serde::`, `::std::`, `::std::vec::Vec` | a schema may have messages of these names |
//! | `gen` | `r#gen` | a schema may have fields of this name, which is a keyword since Rust 2024 |
//!
//! `json` is the SDK's `crate::api::json`.

use quote::{ToTokens, format_ident};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprMethodCall, GenericArgument, Ident, ItemUse, Macro, Path, Token, Type, UseTree,
    parse_quote,
};

use super::counts::Counts;
use crate::fields::inner;

/// The first names of paths that are left as they are: pbjson-build declares what they lead to.
const KNOWN_PATHS: &[&str] = &["Self", "GeneratedField", "S", "D", "V", "E"];

/// Names of protobuf's JSON mapping that must not appear alone.
const UNWANTED: &[&str] = &["HashMap", "NumberDeserialize", "ToString", "pbjson"];

/// A oneof that prost and pbjson-build name differently.
pub(super) struct RenamedOneof {
    /// Its path in pbjson-build's output, from the module of the messages on.
    pub(super) pbjson: Vec<String>,
    /// Its name in prost's output.
    pub(super) prost: Ident,
    /// True if pbjson-build's output has it.
    is_found: bool,
}

impl RenamedOneof {
    pub(super) fn new(pbjson: Vec<String>, prost: Ident) -> Self {
        Self {
            pbjson,
            prost,
            is_found: false,
        }
    }
}

/// Rewrites the output of pbjson-build.
///
/// # Errors
///
/// A text that says what is unexpected in the output, and which release of pbjson-build is known to
/// work.
pub(super) fn rewrite(
    code: &mut syn::File,
    renamed: Vec<RenamedOneof>,
    expected: Counts,
) -> Result<(), String> {
    let mut rewriter = Rewriter {
        renamed,
        counts: Counts::default(),
        unexpected: None,
    };
    rewriter.visit_file_mut(code);
    match rewriter.problem(expected) {
        Some(problem) => Err(format!(
            "pbjson-build generated {problem}: this release of pbjson-build is not supported. \
             Use the one that is: `cargo update -p pbjson-build --precise 0.9.0`"
        )),
        None => Ok(()),
    }
}

struct Rewriter {
    renamed: Vec<RenamedOneof>,
    counts: Counts,
    /// The first code that must not appear.
    unexpected: Option<String>,
}

impl VisitMut for Rewriter {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Some(rewritten) = self.rewritten(expression) {
            *expression = rewritten;
        }
        visit_mut::visit_expr_mut(self, expression);
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        if call.method == "to_string" {
            self.refuse(call);
        }
        visit_mut::visit_expr_method_call_mut(self, call);
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        self.rewrite_path(path);
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_item_use_mut(&mut self, item: &mut ItemUse) {
        match &item.tree {
            UseTree::Path(path) if path.ident == "serde" => {
                item.leading_colon = Some(<Token![::]>::default());
            }
            _ => self.refuse(item),
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        match call.parse_body_with(parser) {
            Ok(mut arguments) if call.path.is_ident("write") => {
                for argument in &mut arguments {
                    self.visit_expr_mut(argument);
                }
                call.tokens = arguments.into_token_stream();
            }
            _ => self.refuse(call),
        }
    }

    fn visit_ident_mut(&mut self, name: &mut Ident) {
        if name == "gen" {
            *name = Ident::new_raw("gen", name.span());
        }
    }
}

impl Rewriter {
    /// Returns what an expression becomes if it reads a value or a message.
    fn rewritten(&mut self, expression: &Expr) -> Option<Expr> {
        match expression {
            Expr::Try(attempt) => {
                let Expr::MethodCall(call) = &*attempt.expr else {
                    return None;
                };
                self.optional_payload_read(call)
            }
            Expr::MethodCall(call) if is_call(call, "map_", "next_value") => {
                Some(self.value_read(call))
            }
            Expr::MethodCall(call) if is_call(call, "deserializer", "deserialize_struct") => {
                self.counts.messages += 1;
                let arguments = &call.args;
                Some(parse_quote!(crate::api::json::message(deserializer, #arguments)))
            }
            _ => None,
        }
    }

    /// Returns what `map_.next_value::<Option<BytesDeserialize<_>>>()?` becomes.
    fn optional_payload_read(&mut self, call: &ExprMethodCall) -> Option<Expr> {
        if !is_call(call, "map_", "next_value") {
            return None;
        }
        let payload = inner(value_type(call)?, "Option")?;
        inner(payload, "BytesDeserialize")?;
        self.counts.payloads_read += 1;
        Some(parse_quote!(Some(crate::api::json::next_payload(
            &mut map_
        )?)))
    }

    /// Returns what `map_.next_value()` becomes.
    fn value_read(&mut self, call: &ExprMethodCall) -> Expr {
        let is_payload = value_type(call).is_some_and(|ty| inner(ty, "BytesDeserialize").is_some());
        if is_payload {
            self.counts.payloads_read += 1;
            return parse_quote!(crate::api::json::next_payload(&mut map_));
        }
        self.counts.values_read += 1;
        let mut call = call.clone();
        *call.receiver = parse_quote!(crate::api::json::NullAsDefault(&mut map_));
        Expr::MethodCall(call)
    }

    /// Rewrites the names of types and functions, and refuses those that are not known.
    fn rewrite_path(&mut self, path: &mut Path) {
        let names = plain_names(path);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match names[..] {
            ["pbjson", "private", "base64", "encode"] => {
                self.counts.payloads_written += 1;
                lead_to_sdk(path);
            }
            ["pbjson", "private", "BytesDeserialize"] => lead_to_sdk(path),
            ["std", "collections", "HashMap"] => {
                self.counts.payload_maps += 1;
                path.segments[2].ident = format_ident!("BTreeMap");
                make_absolute(path);
            }
            ["serde" | "std", ..] => make_absolute(path),
            ["Vec"] => {
                let vec = &path.segments[0];
                *path = parse_quote!(::std::vec::#vec);
            }
            ["crate", "api", "messages", ref names @ ..] => self.rename_oneof(path, names),
            ["crate", "api", "json", ..] => {}
            [name] if !UNWANTED.contains(&name) => {}
            [first, _, ..] if KNOWN_PATHS.contains(&first) => {}
            _ => self.refuse(path),
        }
    }

    /// Names a oneof as prost does, in the path of one of its variants: `names` are those after
    /// `crate::api::messages`.
    fn rename_oneof(&mut self, path: &mut Path, names: &[&str]) {
        let Some((_variant, oneof)) = names.split_last() else {
            return;
        };
        let mut renamed = self.renamed.iter_mut();
        if let Some(renamed) = renamed.find(|renamed| renamed.pbjson == oneof) {
            let last_but_one = path.segments.len() - 2;
            path.segments[last_but_one].ident = renamed.prost.clone();
            renamed.is_found = true;
        }
    }

    /// Returns what was unexpected, after all has been visited.
    fn problem(self, expected: Counts) -> Option<String> {
        if let Some(unexpected) = self.unexpected {
            return Some(format!("`{unexpected}`"));
        }
        if self.counts != expected {
            let found = self.counts;
            return Some(format!(
                "other code than the schema needs (found {found}; expected {expected})"
            ));
        }
        let missing = self.renamed.iter().find(|oneof| !oneof.is_found)?;
        Some(format!(
            "nothing that names the oneof `{}`",
            missing.pbjson.join("::")
        ))
    }

    /// Remembers code that must not appear.
    fn refuse(&mut self, code: &impl ToTokens) {
        if self.unexpected.is_none() {
            self.unexpected = Some(code.to_token_stream().to_string().replace(' ', ""));
        }
    }
}

/// Returns whether a method of that name is called on a variable.
fn is_call(call: &ExprMethodCall, variable: &str, method: &str) -> bool {
    let is_variable = matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident(variable));
    is_variable && call.method == method
}

/// Returns the type in `next_value::<…>()`.
fn value_type(call: &ExprMethodCall) -> Option<&Type> {
    match call.turbofish.as_ref()?.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Returns the names that a path consists of, without `r#`.
fn plain_names(path: &Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments
        .map(|segment| segment.ident.unraw().to_string())
        .collect()
}

/// Turns a path in `pbjson::private` into the same in the SDK's JSON code.
fn lead_to_sdk(path: &mut Path) {
    let names = path.segments.iter().skip(2);
    *path = parse_quote!(crate::api::json::#(#names)::*);
}

/// Makes a path begin with `::`.
fn make_absolute(path: &mut Path) {
    path.leading_colon = Some(<Token![::]>::default());
}
