//! Constructors and setters of messages: `new(required…)`, one setter per field, `binary_…`
//! setters.

use std::collections::HashSet;

use quote::{format_ident, quote};
use syn::{Ident, ImplItem, Item, parse_quote};

use crate::fields::{Field, fields};
use crate::profile::Profile;
use crate::twins::{payload_of, twin};

/// Adds a constructor, setters and conversions to all messages. Results have them too, so that
/// tests can make results.
pub(crate) fn add_to(items: &mut Vec<Item>, profile: &Profile) {
    let mut added = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    add_to(items, profile);
                }
            }
            Item::Struct(message) => {
                let fields = fields(message);
                added.push(constructor_and_setters(&message.ident, &fields, profile));
                added.extend(value_conversion(&message.ident, &fields));
                added.extend(pair_conversion(&message.ident, &fields, profile));
                added.extend(user_request(&message.ident, &fields, profile));
            }
            _ => {}
        }
    }
    items.extend(added);
}

/// Generates the impl of a message with its constructor and its setters.
fn constructor_and_setters(message: &Ident, fields: &[Field<'_>], profile: &Profile) -> Item {
    let names = setter_names(message, fields);
    let new = constructor(message, fields, &names, profile);
    let setters = fields
        .iter()
        .zip(&names)
        .map(|(field, name)| setter(field, name, fields));
    let binary_setters = fields
        .iter()
        .filter_map(|field| binary_setter(field, fields, &names, profile));
    parse_quote! {
        impl #message {
            #new
            #(#setters)*
            #(#binary_setters)*
        }
    }
}

/// The functions of each message whose names a setter cannot have.
const TAKEN: &[&str] = &[
    "new",
    "default",
    "clone",
    "payload_set_twice",
    "visit_twins",
    "says_temporary",
    "say_temporary",
    "run_in_parallel",
];

/// The functions of `Command` and `Reply` whose names a setter cannot have.
const TAKEN_IN_COMMANDS: &[&str] = &[
    "methods",
    "channel",
    "check",
    "check_json",
    "key",
    "set_key",
    "settle",
    "is_repeatable",
];

/// Returns the names of the setters: that of the field, with `with_` in front if there is a
/// function of the name.
fn setter_names(message: &Ident, fields: &[Field<'_>]) -> Vec<Ident> {
    let mut taken: HashSet<String> = TAKEN.iter().map(|name| String::from(*name)).collect();
    if message == "Command" || message == "Reply" {
        taken.extend(TAKEN_IN_COMMANDS.iter().map(|name| String::from(*name)));
    }
    for field in fields {
        taken.extend(field.accessors.iter().cloned());
    }
    // Setters that can have their field's name come first: a field `with_x` keeps its name beside a
    // field `x`.
    let mut names: Vec<Option<Ident>> = Vec::new();
    for field in fields {
        let is_free = taken.insert(field.plain_name());
        names.push(is_free.then(|| field.name.clone()));
    }
    let with_names = fields.iter().zip(names);
    with_names
        .map(|(field, name)| name.unwrap_or_else(|| free_name(field, &mut taken)))
        .collect()
}

/// Returns the first free name with `with_` in front, and takes it.
fn free_name(field: &Field<'_>, taken: &mut HashSet<String>) -> Ident {
    let mut name = format!("with_{}", field.plain_name());
    while !taken.insert(name.clone()) {
        name.insert_str(0, "with_");
    }
    format_ident!("{name}")
}

fn constructor(
    message: &Ident,
    fields: &[Field<'_>],
    setters: &[Ident],
    profile: &Profile,
) -> ImplItem {
    let mut names = Vec::new();
    let mut arguments = Vec::new();
    let mut calls = Vec::new();
    for name in profile.constructor(message) {
        let mut with_setters = fields.iter().zip(setters);
        if let Some((field, setter)) = with_setters.find(|(field, _)| field.plain_name() == *name) {
            let argument = field.name;
            names.push(format!("`{name}`"));
            arguments.push(field.argument());
            calls.push(quote!(.#setter(#argument)));
        }
    }
    let created = quote!(<Self as ::core::default::Default>::default() #(#calls)*);
    let docs = if names.is_empty() {
        " Creates a message in which nothing is set.".to_owned()
    } else {
        format!(" Creates a message with {}.", names.join(", "))
    };
    if user(message, fields, profile).is_some() {
        return parse_quote! {
            #[doc = #docs]
            #[doc = ""]
            #[doc = " Complete it with `.user(…)`, for the connections of a user, or with `.anonymous()`, for those of all anonymous users."]
            #[allow(clippy::new_ret_no_self)]
            pub fn new(#(#arguments),*) -> crate::api::user::NeedsUser<Self> {
                crate::api::user::NeedsUser::new(#created)
            }
        };
    }
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn new(#(#arguments),*) -> Self {
            #created
        }
    }
}

/// Returns the field for the user of a request whose constructor does not take the user.
fn user<'a>(message: &Ident, fields: &[Field<'a>], profile: &Profile) -> Option<&'a Ident> {
    if !profile.needs_user.iter().any(|name| message == name) {
        return None;
    }
    let mut fields = fields.iter();
    let user = fields.find(|field| field.plain_name() == "user" && field.is_plain_text());
    user.map(|field| field.name)
}

/// Generates the impl of a request whose constructor does not take the user.
fn user_request(message: &Ident, fields: &[Field<'_>], profile: &Profile) -> Option<Item> {
    let user = user(message, fields, profile)?;
    Some(parse_quote! {
        impl crate::api::user::UserRequest for #message {
            fn with_user(mut self, user: ::std::string::String) -> Self {
                self.#user = user;
                self
            }
        }
    })
}

fn setter(field: &Field<'_>, setter: &Ident, siblings: &[Field<'_>]) -> ImplItem {
    let name = field.name;
    let argument = field.argument();
    let docs = format!(" Sets [`{0}`](#structfield.{0}).", field.plain_name());
    let deprecated = field.is_deprecated.then(|| quote!(#[deprecated]));
    let set = if let Some(twin) = twin(field, siblings) {
        quote! {
            (self.#name, self.#twin) = crate::api::payload::twins(#name);
        }
    } else {
        let value = field.value();
        let clear_payload =
            payload_of(field, siblings).map(|payload| quote!(self.#payload.clear();));
        quote!(#clear_payload self.#name = #value;)
    };
    parse_quote! {
        #[doc = #docs]
        #deprecated
        #[must_use]
        pub fn #setter(mut self, #argument) -> Self {
            #set
            self
        }
    }
}

/// Generates `binary_data(bytes)` for a payload `data` that has a twin `b64data`.
fn binary_setter(
    field: &Field<'_>,
    siblings: &[Field<'_>],
    setters: &[Ident],
    profile: &Profile,
) -> Option<ImplItem> {
    let twin = twin(field, siblings)?;
    let name = field.name;
    let setter = format_ident!("binary_{}", field.plain_name());
    if setters.contains(&setter) {
        return None;
    }
    let payload = field.plain_name();
    let kept = profile.binary.replace("{b64data}", &twin.to_string());
    let kept = kept.replace("{data}", &payload);
    let docs = format!(
        " Sets a payload of any bytes instead of [`{payload}`](#structfield.{payload}). {kept}"
    );
    Some(parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #setter(mut self, bytes: impl ::core::convert::AsRef<[u8]>) -> Self {
            (self.#name, self.#twin) = crate::api::payload::twins(crate::api::payload::binary(bytes.as_ref()));
            self
        }
    })
}

/// Generates the conversion of a bare value into a message such as `BoolValue`, which wraps one
/// field so that it can be absent.
fn value_conversion(message: &Ident, fields: &[Field<'_>]) -> Option<Item> {
    let [field] = fields else { return None };
    if field.plain_name() != "value" || !message.to_string().ends_with("Value") {
        return None;
    }
    let ty = field.ty;
    Some(parse_quote! {
        impl ::core::convert::From<#ty> for #message {
            fn from(value: #ty) -> Self {
                Self { value }
            }
        }
    })
}

/// Generates the conversion of a pair into a message of a number and a text, such as
/// `StreamPosition`.
fn pair_conversion(message: &Ident, fields: &[Field<'_>], profile: &Profile) -> Option<Item> {
    if message.to_string().ends_with("Request") {
        return None;
    }
    let [number, text] = profile.constructor(message) else {
        return None;
    };
    let number = fields.iter().find(|field| field.plain_name() == *number)?;
    let text = fields.iter().find(|field| field.plain_name() == *text)?;
    if number.is_plain_text() || !text.is_plain_text() {
        return None;
    }
    let number_name = number.name;
    let number_type = number.ty;
    let text_name = text.name;
    Some(parse_quote! {
        impl<T: ::core::convert::Into<::std::string::String>> ::core::convert::From<(#number_type, T)> for #message {
            fn from((#number_name, #text_name): (#number_type, T)) -> Self {
                Self::new(#number_name, #text_name)
            }
        }
    })
}
