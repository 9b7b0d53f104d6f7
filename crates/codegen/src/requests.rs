//! What makes requests pleasant to write: `new(required…)`, one setter a field, `binary_…` setters.

use std::collections::HashSet;

use quote::{format_ident, quote};
use syn::{Fields, Ident, ImplItem, Item, ItemStruct, parse_quote};

use crate::facts;
use crate::fields::Field;

/// Adds a constructor and setters to every message: results have them too, for tests and scripts that make them.
pub(crate) fn add_to(file: &mut syn::File) {
    add_to_items(&mut file.items);
}

fn add_to_items(items: &mut Vec<Item>) {
    let mut added = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    add_to_items(items);
                }
            }
            Item::Struct(message) => {
                let fields = fields(message);
                added.push(writers(&message.ident, &fields));
                added.extend(value_conversion(&message.ident, &fields));
                added.extend(pair_conversion(&message.ident, &fields));
                added.extend(user_request(&message.ident, &fields));
            }
            _ => {}
        }
    }
    items.extend(added);
}

pub(crate) fn fields(message: &ItemStruct) -> Vec<Field<'_>> {
    match &message.fields {
        Fields::Named(fields) => fields.named.iter().filter_map(Field::of).collect(),
        _ => Vec::new(),
    }
}

fn writers(message: &Ident, fields: &[Field<'_>]) -> Item {
    let names = setter_names(message, fields);
    let new = constructor(message, fields, &names);
    let setters = fields
        .iter()
        .zip(&names)
        .map(|(field, name)| setter(field, name, fields));
    let binary_setters = fields
        .iter()
        .filter_map(|field| binary_setter(field, fields, &names));
    parse_quote! {
        impl #message {
            #new
            #(#setters)*
            #(#binary_setters)*
        }
    }
}

/// A setter has its field's name, or that with `with_` in front where a function of the name exists.
fn setter_names(message: &Ident, fields: &[Field<'_>]) -> Vec<Ident> {
    let mut taken: HashSet<String> = fields
        .iter()
        .flat_map(|field| field.accessors.clone())
        .collect();
    taken.extend(
        [
            "new",
            "default",
            "clone",
            "payload_set_twice",
            "says_temporary",
            "say_temporary",
            "run_in_parallel",
        ]
        .map(String::from),
    );
    if ["Command", "Reply"].iter().any(|name| message == name) {
        taken.extend(["methods", "check", "set_key", "is_repeatable"].map(String::from));
    }
    let has_own_name: Vec<bool> = fields
        .iter()
        .map(|field| taken.insert(field.plain_name()))
        .collect();
    let name = |(field, has_own_name): (&Field<'_>, bool)| {
        if has_own_name {
            return field.name.clone();
        }
        let mut name = format!("with_{}", field.plain_name());
        while !taken.insert(name.clone()) {
            name.insert_str(0, "with_");
        }
        format_ident!("{name}")
    };
    fields.iter().zip(has_own_name).map(name).collect()
}

fn constructor(message: &Ident, fields: &[Field<'_>], setters: &[Ident]) -> ImplItem {
    let listed = facts::CONSTRUCTORS.iter().find(|(name, _)| message == name);
    let names = listed.map_or(&[][..], |(_, names)| names);
    let with_setters = || fields.iter().zip(setters);
    let taken: Vec<_> = names
        .iter()
        .filter_map(|name| with_setters().find(|(field, _)| field.plain_name() == *name))
        .collect();
    let taken_names: Vec<String> = taken
        .iter()
        .map(|(field, _)| format!("`{}`", field.plain_name()))
        .collect();
    let needs_user = facts::NEEDS_USER.iter().any(|name| message == name)
        && fields
            .iter()
            .any(|field| field.plain_name() == "user" && field.is_plain_text());
    let mut docs = match taken_names.as_slice() {
        [] => " Creates a message in which nothing is set.".to_owned(),
        names => format!(" Creates a message with {}.", names.join(", ")),
    };
    if needs_user {
        docs.push_str(
            "\n\n `.user(…)` or `.anonymous()` completes it, for the connections of a user or of all anonymous users.",
        );
    }
    let arguments = taken.iter().map(|(field, _)| field.argument());
    let calls = taken.iter().map(|(field, setter)| {
        let name = field.name;
        quote!(.#setter(#name))
    });
    let message = quote!(<Self as ::core::default::Default>::default() #(#calls)*);
    if needs_user {
        return parse_quote! {
            #[doc = #docs]
            #[allow(clippy::new_ret_no_self)]
            pub fn new(#(#arguments),*) -> crate::api::user::NeedsUser<Self> {
                crate::api::user::NeedsUser::new(#message)
            }
        };
    }
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn new(#(#arguments),*) -> Self {
            #message
        }
    }
}

/// Returns the impl for a request whose `new` is completed by a user.
fn user_request(message: &Ident, fields: &[Field<'_>]) -> Option<Item> {
    let needs_user = facts::NEEDS_USER.iter().any(|name| message == name);
    let user = fields
        .iter()
        .find(|field| field.plain_name() == "user" && field.is_plain_text())?
        .name;
    needs_user.then(|| {
        parse_quote! {
            impl crate::api::user::UserRequest for #message {
                fn with_user(mut self, user: ::std::string::String) -> Self {
                    self.#user = user;
                    self
                }
            }
        }
    })
}

fn setter(field: &Field<'_>, setter: &Ident, siblings: &[Field<'_>]) -> ImplItem {
    let (name, argument, value) = (field.name, field.argument(), field.value());
    let docs = format!(" Sets [`{0}`](#structfield.{0}).", field.plain_name());
    let deprecated = field.deprecated.then(|| quote!(#[deprecated]));
    let set = match twin(field, siblings) {
        Some(twin) => quote! {
            (self.#name, self.#twin) = crate::api::payload::IntoPayload::into_payload(#name).into_twins();
        },
        None => {
            let forget_payload =
                payload_of(field, siblings).map(|payload| quote!(self.#payload.clear();));
            quote!(#forget_payload self.#name = #value;)
        }
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

/// `binary_data(bytes)` for a payload `data` that has a twin `b64data`.
fn binary_setter(field: &Field<'_>, siblings: &[Field<'_>], setters: &[Ident]) -> Option<ImplItem> {
    let twin = twin(field, siblings)?;
    let (name, setter) = (field.name, format_ident!("binary_{}", field.plain_name()));
    if setters.contains(&setter) {
        return None;
    }
    let docs = format!(
        " Sets a payload of any bytes instead of [`{0}`](#structfield.{0}): it is sent as base64 in `{twin}`, \
         and Centrifugo decodes it.",
        field.plain_name()
    );
    Some(parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #setter(mut self, bytes: impl ::core::convert::AsRef<[u8]>) -> Self {
            (self.#name, self.#twin) = crate::api::payload::binary(bytes.as_ref()).into_twins();
            self
        }
    })
}

pub(crate) fn twin<'a>(field: &Field<'_>, siblings: &[Field<'a>]) -> Option<&'a Ident> {
    let name = format!("b64{}", field.plain_name());
    let is_twin = |sibling: &&Field<'_>| sibling.plain_name() == name && sibling.is_plain_text();
    siblings
        .iter()
        .find(is_twin)
        .filter(|_| field.is_plain_payload())
        .map(|sibling| sibling.name)
}

/// The payload that a `b64…` field is the twin of.
fn payload_of<'a>(twin: &Field<'_>, siblings: &[Field<'a>]) -> Option<&'a Ident> {
    let is_payload = |sibling: &&Field<'_>| self::twin(sibling, siblings) == Some(twin.name);
    siblings.iter().find(is_payload).map(|sibling| sibling.name)
}

/// `BoolValue` and its like wrap one field to tell absent from zero: the bare value converts into them.
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

/// A helper message that is a number and a text, such as a `StreamPosition`: a pair of them converts into it.
fn pair_conversion(message: &Ident, fields: &[Field<'_>]) -> Option<Item> {
    let (_, required) = facts::CONSTRUCTORS
        .iter()
        .find(|(name, _)| message == name && !name.ends_with("Request"))?;
    let [number, text] = required else {
        return None;
    };
    let field = |name: &str| fields.iter().find(|field| field.plain_name() == name);
    let (number, text) = (field(number)?, field(text)?);
    if number.is_plain_text() || !text.is_plain_text() {
        return None;
    }
    let (number_name, number_type, text_name) = (number.name, number.ty, text.name);
    Some(parse_quote! {
        impl<T: ::core::convert::Into<::std::string::String>> ::core::convert::From<(#number_type, T)> for #message {
            fn from((#number_name, #text_name): (#number_type, T)) -> Self {
                Self::new(#number_name, #text_name)
            }
        }
    })
}
