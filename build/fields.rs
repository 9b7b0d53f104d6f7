//! How a field of a message is set: the type of a setter's argument, and its conversion.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{GenericArgument, Ident, PathArguments, Type};

/// A field of a message, as prost generated it.
pub struct Field<'a> {
    pub name: &'a Ident,
    pub ty: &'a Type,
    /// The type of a field that prost keeps as `i32`.
    enumeration: Option<Type>,
    /// Whether prost generates an accessor under the field's name.
    has_accessor: bool,
}

impl<'a> Field<'a> {
    pub fn of(field: &'a syn::Field) -> Option<Self> {
        let mut enumeration = None;
        let mut optional = false;
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("prost")) {
            // The other parts of the attribute are of no use here, and have shapes of their own.
            let _ = attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("enumeration") {
                    enumeration = Some(meta.value()?.parse::<syn::LitStr>()?.parse::<Type>()?);
                } else {
                    optional |= meta.path.is_ident("optional");
                    if meta.input.peek(syn::Token![=]) {
                        meta.value()?.parse::<syn::Lit>()?;
                    }
                }
                Ok(())
            });
        }
        let held = generic(&field.ty, "Option").map(|arguments| kind(arguments[0]));
        let optional_scalar = optional && !matches!(held, Some(Kind::Message | Kind::Boxed(_)));
        Some(Self {
            name: field.ident.as_ref()?,
            ty: &field.ty,
            has_accessor: enumeration.is_some() || optional_scalar,
            enumeration,
        })
    }

    /// The name without `r#`.
    pub fn plain_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The field's own name, unless a function of that name exists.
    pub fn setter_name(&self) -> Ident {
        match self.has_accessor || self.name == "new" {
            true => format_ident!("with_{}", self.plain_name()),
            false => self.name.clone(),
        }
    }

    /// `name: type`
    pub fn argument(&self) -> TokenStream {
        let (name, ty) = (self.name, self.argument_type(self.ty));
        quote!(#name: #ty)
    }

    /// The argument, converted into what the field holds.
    pub fn value(&self) -> TokenStream {
        let name = self.name;
        self.converted(quote!(#name), self.ty)
    }

    fn argument_type(&self, ty: &Type) -> TokenStream {
        match (kind(ty), &self.enumeration) {
            (Kind::Option(held), _) => self.argument_type(held),
            (Kind::Boxed(held), _) => self.argument_type(held),
            (Kind::List(item), _) => {
                let item = self.argument_type(item);
                quote!(impl ::core::iter::IntoIterator<Item = #item>)
            }
            (Kind::Map(key, value), _) => {
                let (key, value) = (self.argument_type(key), self.argument_type(value));
                quote!(impl ::core::iter::IntoIterator<Item = (#key, #value)>)
            }
            (Kind::Payload, _) => quote!(impl ::core::convert::Into<crate::Payload>),
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
            Kind::Map(key, held) => {
                let (key, held) = (self.converted(quote!(key), key), self.converted(quote!(value), held));
                quote!(#value.into_iter().map(|(key, value)| (#key, #held)).collect())
            }
            Kind::Payload => quote!(::core::convert::Into::<crate::Payload>::into(#value).into_bytes()),
            Kind::Plain if self.enumeration.is_some() => quote!(::core::primitive::i32::from(#value)),
            Kind::Plain => value,
            Kind::Text | Kind::Message => quote!(::core::convert::Into::into(#value)),
        }
    }
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
    let Type::Path(path) = ty else { return Kind::Plain };
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
    let last = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
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
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// `T` of `::…::Name<T>`.
pub fn inner<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    generic(ty, name)?.first().copied()
}
