//! The public items that generated or hand-written code declares.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens as _;
use syn::visit::Visit;
use syn::{Expr, FnArg, ImplItem, ItemConst, ItemImpl, Lit, Pat, PatType, Signature, Type};

/// An `impl Client`: its documentation and its functions.
pub(crate) type Block = (String, Vec<String>);

/// The declarations in generated or hand-written code.
#[derive(Default)]
pub(crate) struct Declared {
    /// The method's name and its gRPC path, by request.
    pub(crate) methods: BTreeMap<String, (String, String)>,
    /// The names in `METHODS`.
    pub(crate) names: Vec<String>,
    /// The functions of each type, except those of its traits.
    pub(crate) functions: BTreeMap<String, BTreeSet<String>>,
    /// The names and types of the arguments of `new` of each type.
    pub(crate) constructors: BTreeMap<String, Vec<(String, String)>>,
    /// The blocks of the client, in their order.
    pub(crate) client_blocks: Vec<Block>,
}

impl Declared {
    pub(crate) fn by(code: &str) -> Result<Self, syn::Error> {
        let mut declared = Self::default();
        declared.visit_file(&syn::parse_file(code)?);
        Ok(declared)
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let ty = spelled(&item.self_ty);
        let ty = ty.strip_prefix("api::").unwrap_or(&ty);
        match &item.trait_ {
            None => self.add_functions(ty, item),
            Some((_, path, _)) => {
                let name = path.segments.last().map(|segment| &segment.ident);
                if name.is_some_and(|name| name == "Method") {
                    let name = constant(item, "NAME");
                    let path = constant(item, "GRPC_PATH");
                    self.methods
                        .extend(name.zip(path).map(|texts| (ty.to_owned(), texts)));
                }
            }
        }
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        if item.ident == "METHODS" {
            self.names = texts(&item.expr);
        }
    }
}

impl Declared {
    fn add_functions(&mut self, ty: &str, item: &ItemImpl) {
        let functions: Vec<&Signature> = item
            .items
            .iter()
            .filter_map(|item| match item {
                ImplItem::Fn(function) => Some(&function.sig),
                _ => None,
            })
            .collect();
        let names = functions.iter().map(|function| function.ident.to_string());
        let names: Vec<String> = names.collect();
        if ty == "Client" {
            self.client_blocks.push((docs(item), names.clone()));
        }
        let declared = self.functions.entry(ty.to_owned()).or_default();
        declared.extend(names);
        let mut functions = functions.into_iter();
        if let Some(new) = functions.find(|function| function.ident == "new")
            && !new.inputs.is_empty()
        {
            self.constructors.insert(ty.to_owned(), arguments(new));
        }
    }
}

/// Returns an item's documentation.
fn docs(item: &ItemImpl) -> String {
    let docs = item.attrs.iter().filter_map(|attribute| {
        let syn::Meta::NameValue(docs) = &attribute.meta else {
            return None;
        };
        text(&docs.value)
    });
    docs.collect::<String>().trim().to_owned()
}

/// Returns the names and the types of a function's arguments.
fn arguments(signature: &Signature) -> Vec<(String, String)> {
    let arguments = signature.inputs.iter().filter_map(|argument| {
        let FnArg::Typed(PatType { pat, ty, .. }) = argument else {
            return None;
        };
        let Pat::Ident(name) = &**pat else {
            return None;
        };
        Some((name.ident.to_string(), spelled(ty)))
    });
    arguments.collect()
}

/// Returns a type's tokens without spaces.
fn spelled(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace(' ', "")
}

/// Returns the text of a constant.
fn constant(item: &ItemImpl, name: &str) -> Option<String> {
    item.items.iter().find_map(|item| match item {
        ImplItem::Const(constant) if constant.ident == name => text(&constant.expr),
        _ => None,
    })
}

/// Returns the texts in `&["…", …]`.
pub(crate) fn texts(expression: &Expr) -> Vec<String> {
    let Expr::Reference(list) = expression else {
        return Vec::new();
    };
    let Expr::Array(list) = &*list.expr else {
        return Vec::new();
    };
    list.elems.iter().filter_map(text).collect()
}

fn text(expression: &Expr) -> Option<String> {
    let Expr::Lit(literal) = expression else {
        return None;
    };
    match &literal.lit {
        Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}
