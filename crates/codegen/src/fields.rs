//! How a field of a message is set: the type of a setter's argument, and its conversion.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{GenericArgument, Ident, PathArguments, Type};

use crate::messages::path;

/// A field of a message, as prost generated it.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) deprecated: bool,
    /// The type of a field, or of a map's values, that prost keeps as `i32`.
    enumeration: Option<Type>,
    /// The functions that prost generates for it.
    pub(crate) accessors: Vec<String>,
}

impl<'a> Field<'a> {
    pub(crate) fn of(field: &'a syn::Field) -> Option<Self> {
        let name = field.ident.as_ref()?;
        let enumeration = field.attrs.iter().find_map(enumeration);
        let plain = name.unraw().to_string();
        let accessors = match (kind(&field.ty), &enumeration) {
            (Kind::Map(..), Some(_)) => vec![format!("get_{plain}"), format!("insert_{plain}")],
            (_, Some(_)) => vec![format!("set_{plain}"), format!("push_{plain}"), plain],
            (Kind::Option(held), None) if !matches!(kind(held), Kind::Message | Kind::Boxed(_)) => {
                vec![plain]
            }
            _ => Vec::new(),
        };
        let deprecated = field
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("deprecated"));
        Some(Self {
            name,
            ty: &field.ty,
            deprecated,
            enumeration,
            accessors,
        })
    }

    /// The name without `r#`.
    pub(crate) fn plain_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Whether it is one payload, empty where it is not set.
    pub(crate) fn is_plain_payload(&self) -> bool {
        matches!(kind(self.ty), Kind::Payload)
    }

    /// Whether it is one text, empty where it is not set.
    pub(crate) fn is_plain_text(&self) -> bool {
        matches!(kind(self.ty), Kind::Text)
    }

    /// Returns whether it is a number that is not optional.
    pub(crate) fn is_number(&self) -> bool {
        let is_integer = matches!(kind(self.ty), Kind::Plain) && self.enumeration.is_none();
        is_integer && path(self.ty).is_some_and(|path| path.len() == 1 && path[0] != "bool")
    }

    /// `name: type`
    pub(crate) fn argument(&self) -> TokenStream {
        let (name, ty) = (self.name, self.argument_type(self.ty));
        quote!(#name: #ty)
    }

    /// The argument, converted into what the field holds.
    pub(crate) fn value(&self) -> TokenStream {
        let name = self.name;
        self.converted(quote!(#name), self.ty)
    }

    fn argument_type(&self, ty: &Type) -> TokenStream {
        match (kind(ty), &self.enumeration) {
            (Kind::Option(held) | Kind::Boxed(held), _) => self.argument_type(held),
            (Kind::List(item), _) => {
                let item = self.argument_type(item);
                quote!(impl ::core::iter::IntoIterator<Item = #item>)
            }
            (Kind::Map(key, value), _) => {
                let (key, value) = (key_type(key), self.argument_type(value));
                quote!(impl ::core::iter::IntoIterator<Item = (#key, #value)>)
            }
            (Kind::Payload, _) => quote!(impl crate::api::payload::IntoPayload),
            (Kind::Plain, Some(enumeration)) => quote!(#enumeration),
            (Kind::Plain, None) => quote!(#ty),
            (Kind::Text | Kind::Message, _) => quote!(impl ::core::convert::Into<#ty>),
        }
    }

    fn converted(&self, value: TokenStream, ty: &Type) -> TokenStream {
        match kind(ty) {
            Kind::Option(held) => {
                let value = self.converted(value, held);
                quote!(::core::option::Option::Some(#value))
            }
            Kind::Boxed(held) => {
                let value = self.converted(value, held);
                quote!(::std::boxed::Box::new(#value))
            }
            Kind::List(item) => {
                let item = self.converted(quote!(item), item);
                quote!(#value.into_iter().map(|item| #item).collect())
            }
            Kind::Map(_, held) => {
                let held = self.converted(quote!(value), held);
                quote!(#value.into_iter().map(|(key, value)| (::core::convert::Into::into(key), #held)).collect())
            }
            Kind::Payload => {
                quote!(crate::api::payload::IntoPayload::into_payload(#value).into_bytes())
            }
            Kind::Plain if self.enumeration.is_some() => {
                quote!(::core::primitive::i32::from(#value))
            }
            Kind::Plain => value,
            Kind::Text | Kind::Message => quote!(::core::convert::Into::into(#value)),
        }
    }
}

/// A map's keys are texts, numbers or bools.
fn key_type(ty: &Type) -> TokenStream {
    match kind(ty) {
        Kind::Text => quote!(impl ::core::convert::Into<#ty>),
        _ => quote!(#ty),
    }
}

/// The enum in `#[prost(enumeration = "Color", …)]` or `#[prost(btree_map = "string, enumeration(Color)", …)]`.
fn enumeration(attribute: &syn::Attribute) -> Option<Type> {
    if !attribute.path().is_ident("prost") {
        return None;
    }
    let mut found = None;
    // An error is a part of a shape of its own, which is of no use here.
    let _ = attribute.parse_nested_meta(|meta| {
        if !meta.input.peek(syn::Token![=]) {
            return Ok(());
        }
        let value = meta.value()?.parse::<syn::LitStr>()?.value();
        if meta.path.is_ident("enumeration") {
            found = Some(value);
        } else if let Some((_, value)) = value.split_once("enumeration(") {
            found = Some(value.trim_end_matches(')').to_owned());
        }
        Ok(())
    });
    syn::parse_str(&found?).ok()
}

enum Kind<'a> {
    Option(&'a Type),
    Boxed(&'a Type),
    List(&'a Type),
    Map(&'a Type, &'a Type),
    Text,
    Payload,
    /// A number or a bool.
    Plain,
    /// A message or a oneof.
    Message,
}

fn kind(ty: &Type) -> Kind<'_> {
    let Type::Path(path) = ty else {
        return Kind::Plain;
    };
    let arguments = |name| generic(ty, name).filter(|arguments| !arguments.is_empty());
    if let Some(arguments) = arguments("Option") {
        return Kind::Option(arguments[0]);
    }
    if let Some(arguments) = arguments("Box") {
        return Kind::Boxed(arguments[0]);
    }
    if let Some(arguments) = arguments("Vec") {
        return Kind::List(arguments[0]);
    }
    if let Some([key, value]) = arguments("BTreeMap").as_deref() {
        return Kind::Map(key, value);
    }
    let last = path
        .path
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
        .unwrap_or_default();
    match (path.path.leading_colon.is_some(), last.as_str()) {
        (true, "String") => Kind::Text,
        (true, "Bytes") => Kind::Payload,
        (_, "bool" | "i32" | "i64" | "u32" | "u64" | "f32" | "f64") => Kind::Plain,
        _ => Kind::Message,
    }
}

/// The types in `::…::Name<…>`; a schema's own message never has a path with a leading `::`.
fn generic<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(path) = ty else { return None };
    path.path.leading_colon?;
    let last = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// `T` of `::…::Name<T>`.
pub(crate) fn inner<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    generic(ty, name)?.first().copied()
}
