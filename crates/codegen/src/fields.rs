//! The fields of messages, and how each is set: the type of a setter's argument, and its
//! conversion.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Attribute, Fields, GenericArgument, Ident, Item, ItemStruct, PathArguments, Type};

use crate::messages::{find, path};

/// A field of a message, as prost generated it.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) is_deprecated: bool,
    /// The enum of a field, or of a map's values, which prost keeps as `i32`.
    enumeration: Option<Type>,
    /// The names of the functions that prost generates for the field.
    pub(crate) accessors: Vec<String>,
}

/// Returns the fields of a message.
pub(crate) fn fields(message: &ItemStruct) -> Vec<Field<'_>> {
    match &message.fields {
        Fields::Named(fields) => fields.named.iter().filter_map(Field::new).collect(),
        _ => Vec::new(),
    }
}

/// Returns the fields of the message that a path leads to.
pub(crate) fn fields_of<'a>(items: &'a [Item], message: &Type) -> Vec<Field<'a>> {
    find(items, message).map(fields).unwrap_or_default()
}

impl<'a> Field<'a> {
    fn new(field: &'a syn::Field) -> Option<Self> {
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
        let is_deprecated = field
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("deprecated"));
        Some(Self {
            name,
            ty: &field.ty,
            is_deprecated,
            enumeration,
            accessors,
        })
    }

    /// Returns the name without `r#`.
    pub(crate) fn plain_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Returns whether the field is one payload, which is empty if it is not set.
    pub(crate) fn is_plain_payload(&self) -> bool {
        matches!(kind(self.ty), Kind::Payload)
    }

    /// Returns whether the field of a request is not set, as an expression.
    pub(crate) fn is_unset(&self) -> TokenStream {
        let name = self.name;
        match kind(self.ty) {
            Kind::Option(_) => quote!(request.#name.is_none()),
            _ => quote!(request.#name.is_empty()),
        }
    }

    /// Returns the type of the messages that the field is a list of.
    pub(crate) fn listed_message(&self) -> Option<&Type> {
        let item = inner(self.ty, "Vec")?;
        matches!(kind(item), Kind::Message).then_some(item)
    }

    /// Returns whether the field is one text, which is empty if it is not set.
    pub(crate) fn is_plain_text(&self) -> bool {
        matches!(kind(self.ty), Kind::Text)
    }

    /// Returns whether the field is a number that is not optional.
    pub(crate) fn is_number(&self) -> bool {
        let is_integer = matches!(kind(self.ty), Kind::Plain) && self.enumeration.is_none();
        is_integer && path(self.ty).is_some_and(|path| path.len() == 1 && path[0] != "bool")
    }

    /// Returns the argument of a setter: `name: type`.
    pub(crate) fn argument(&self) -> TokenStream {
        let name = self.name;
        let ty = self.argument_type(self.ty);
        quote!(#name: #ty)
    }

    /// Returns the argument, converted into the field's type.
    pub(crate) fn value(&self) -> TokenStream {
        let name = self.name;
        self.converted(quote!(#name), self.ty)
    }

    /// Returns the type of a setter's argument for a field of type `ty`.
    fn argument_type(&self, ty: &Type) -> TokenStream {
        match (kind(ty), &self.enumeration) {
            (Kind::Option(held) | Kind::Boxed(held), _) => self.argument_type(held),
            (Kind::List(item), _) => {
                let item = self.argument_type(item);
                quote!(impl ::core::iter::IntoIterator<Item = #item>)
            }
            (Kind::Map(key, value), _) => {
                let key = key_type(key);
                let value = self.argument_type(value);
                quote!(impl ::core::iter::IntoIterator<Item = (#key, #value)>)
            }
            (Kind::Payload, _) => quote!(impl crate::api::payload::IntoPayload),
            (Kind::Plain, Some(enumeration)) => quote!(#enumeration),
            (Kind::Plain, None) => quote!(#ty),
            (Kind::Text | Kind::Message, _) => quote!(impl ::core::convert::Into<#ty>),
        }
    }

    /// Returns the expression that converts `value` into `ty`.
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

/// Returns the type of a setter's argument for a map's keys, which are texts, numbers or bools.
fn key_type(ty: &Type) -> TokenStream {
    match kind(ty) {
        Kind::Text => quote!(impl ::core::convert::Into<#ty>),
        _ => quote!(#ty),
    }
}

/// Returns the enum in `#[prost(enumeration = "Color", …)]` or
/// `#[prost(btree_map = "string, enumeration(Color)", …)]`.
fn enumeration(attribute: &Attribute) -> Option<Type> {
    if !attribute.path().is_ident("prost") {
        return None;
    }
    let mut found = None;
    // Parts of another shape, which are errors, do not name an enum.
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

/// The kind of a field's type.
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
    if let Some(held) = inner(ty, "Option") {
        return Kind::Option(held);
    }
    if let Some(held) = inner(ty, "Box") {
        return Kind::Boxed(held);
    }
    if let Some(item) = inner(ty, "Vec") {
        return Kind::List(item);
    }
    if let Some([key, value]) = generic(ty, "BTreeMap").as_deref() {
        return Kind::Map(key, value);
    }
    let segments = &path.path.segments;
    let last = segments.last().map(|segment| segment.ident.to_string());
    let is_absolute = path.path.leading_colon.is_some();
    match last.as_deref() {
        Some("String") if is_absolute => Kind::Text,
        Some("Bytes") if is_absolute => Kind::Payload,
        Some("bool" | "i32" | "i64" | "u32" | "u64" | "f32" | "f64") => Kind::Plain,
        _ => Kind::Message,
    }
}

/// Returns the types in `::…::Name<…>`. The path of a message never has a leading `::`.
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

/// Returns the `T` of `::…::Name<T>`.
pub(crate) fn inner<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    generic(ty, name)?.first().copied()
}
