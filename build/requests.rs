//! What makes requests pleasant to write: `new(required…)`, one setter a field, `binary_…` setters.

use std::collections::HashSet;

use quote::{format_ident, quote};
use syn::visit::Visit;
use syn::{Fields, Ident, ImplItem, Item, ItemStruct, parse_quote};

use super::fields::Field;
use super::methods::Rpc;

/// What Centrifugo requires, by its API documentation, in the order in which `new` takes it. A field that the
/// schema at hand lacks is left out; a message that is not listed requires nothing.
const REQUIRED: &[(&str, &[&str])] = &[
    ("BatchRequest", &["commands"]),
    ("BlockUserRequest", &["user"]),
    ("BoolValue", &["value"]),
    ("BroadcastRequest", &["channels", "data"]),
    ("CancelPushRequest", &["uid"]),
    ("DeleteUserStatusRequest", &["users"]),
    ("DeviceRegisterRequest", &["provider", "token", "platform"]),
    ("DeviceTopicUpdateRequest", &["device_id", "op", "topics"]),
    ("Disconnect", &["code", "reason"]),
    ("DisconnectRequest", &["user"]),
    ("GetUserStatusRequest", &["users"]),
    ("HistoryRemoveRequest", &["channel"]),
    ("HistoryRequest", &["channel"]),
    ("Int32Value", &["value"]),
    ("InvalidateUserTokensRequest", &["user"]),
    ("MapClearRequest", &["channel"]),
    ("MapPublishRequest", &["channel", "key", "data"]),
    ("MapReadStateRequest", &["channel"]),
    ("MapReadStreamRequest", &["channel"]),
    ("MapRemoveRequest", &["channel", "key"]),
    ("MapStatsRequest", &["channel"]),
    ("PresenceRequest", &["channel"]),
    ("PresenceStatsRequest", &["channel"]),
    ("PublishRequest", &["channel", "data"]),
    ("RefreshRequest", &["user"]),
    ("RevokeTokenRequest", &["uid"]),
    ("RpcRequest", &["method"]),
    ("SendPushNotificationRequest", &["recipient", "notification"]),
    ("SharedPollPublishRequest", &["channel", "key", "data", "version"]),
    ("StreamPosition", &["offset", "epoch"]),
    ("SubscribeRequest", &["user", "channel"]),
    ("UnblockUserRequest", &["user"]),
    ("UnsubscribeRequest", &["user", "channel"]),
    ("UpdatePushStatusRequest", &["analytics_uid", "status"]),
    ("UpdateUserStatusRequest", &["users"]),
    ("UserTopicUpdateRequest", &["user", "op", "topics"]),
];

/// Adds constructors and setters to every message that a request can hold.
pub fn add_to(file: &mut syn::File, rpcs: &[Rpc]) {
    let written = written(&file.items, rpcs);
    add_to_items(&mut file.items, &written);
}

fn add_to_items(items: &mut Vec<Item>, written: &HashSet<String>) {
    let mut added = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    add_to_items(items, written);
                }
            }
            Item::Struct(message) if written.contains(&message.ident.to_string()) => {
                let fields = fields(message);
                added.push(writers(&message.ident, &fields));
                added.extend(value_conversion(&message.ident, &fields));
            }
            _ => {}
        }
    }
    items.extend(added);
}

/// The names of the messages that requests hold, directly or inside others.
fn written(items: &[Item], rpcs: &[Rpc]) -> HashSet<String> {
    let mut types = Vec::new();
    collect_types(items, &mut types);
    let mut names = HashSet::new();
    let mut found = Names::default();
    rpcs.iter().for_each(|rpc| found.visit_type(&rpc.request));
    while let Some(name) = found.0.pop() {
        if names.insert(name.clone()) {
            types.iter().filter(|(ident, _)| **ident == name).for_each(|(_, item)| found.visit_item(item));
        }
    }
    names
}

fn collect_types<'a>(items: &'a [Item], types: &mut Vec<(&'a Ident, &'a Item)>) {
    for item in items {
        match item {
            Item::Mod(module) => {
                collect_types(module.content.as_ref().map_or(&[], |(_, items)| items), types)
            }
            Item::Struct(message) => types.push((&message.ident, item)),
            Item::Enum(oneof) => types.push((&oneof.ident, item)),
            _ => {}
        }
    }
}

/// The last names of all paths in what it visits.
#[derive(Default)]
struct Names(Vec<String>);

impl<'a> Visit<'a> for Names {
    fn visit_type_path(&mut self, path: &'a syn::TypePath) {
        self.0.extend(path.path.segments.last().map(|segment| segment.ident.to_string()));
        syn::visit::visit_type_path(self, path);
    }
}

fn fields(message: &ItemStruct) -> Vec<Field<'_>> {
    match &message.fields {
        Fields::Named(fields) => fields.named.iter().filter_map(Field::of).collect(),
        _ => Vec::new(),
    }
}

fn writers(message: &Ident, fields: &[Field<'_>]) -> Item {
    let new = constructor(message, fields);
    let setters = fields.iter().map(|field| setter(field, fields));
    let binary_setters = fields.iter().filter_map(|field| binary_setter(field, fields));
    parse_quote! {
        impl #message {
            #new
            #(#setters)*
            #(#binary_setters)*
        }
    }
}

fn constructor(message: &Ident, fields: &[Field<'_>]) -> ImplItem {
    let required = REQUIRED.iter().find(|(name, _)| message == name).map_or(&[][..], |(_, names)| names);
    let required: Vec<_> =
        required.iter().filter_map(|name| fields.iter().find(|field| field.plain_name() == *name)).collect();
    let listed: Vec<String> = required.iter().map(|field| format!("`{}`", field.plain_name())).collect();
    let docs = match listed.as_slice() {
        [] => " Creates one in which nothing is set.".to_owned(),
        names => format!(" Creates one with what Centrifugo requires: {}.", names.join(", ")),
    };
    let names = required.iter().map(|field| field.name);
    let values = required.iter().map(|field| field.value());
    let arguments = required.iter().map(|field| field.argument());
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn new(#(#arguments),*) -> Self {
            Self { #(#names: #values,)* ..::core::default::Default::default() }
        }
    }
}

fn setter(field: &Field<'_>, siblings: &[Field<'_>]) -> ImplItem {
    let (name, setter, argument, value) = (field.name, field.setter_name(), field.argument(), field.value());
    let docs = format!(" Sets [`{0}`](#structfield.{0}).", field.plain_name());
    let forget_twin = twin(field, siblings).map(|twin| quote!(self.#twin.clear();));
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #setter(mut self, #argument) -> Self {
            #forget_twin
            self.#name = #value;
            self
        }
    }
}

/// `binary_data(bytes)` for a payload `data` that has a twin `b64data`.
fn binary_setter(field: &Field<'_>, siblings: &[Field<'_>]) -> Option<ImplItem> {
    let twin = twin(field, siblings)?;
    let (name, setter) = (field.name, format_ident!("binary_{}", field.plain_name()));
    let docs = format!(
        " Sets a payload of any bytes in place of [`{0}`](#structfield.{0}): it travels as base64 in `{twin}`, \
         and Centrifugo decodes it.",
        field.plain_name()
    );
    Some(parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #setter(mut self, bytes: impl ::core::convert::AsRef<[u8]>) -> Self {
            self.#name.clear();
            self.#twin = crate::payload::base64(bytes.as_ref());
            self
        }
    })
}

fn twin<'a>(field: &Field<'_>, siblings: &[Field<'a>]) -> Option<&'a Ident> {
    let name = format!("b64{}", field.plain_name());
    siblings.iter().find(|sibling| sibling.plain_name() == name).map(|sibling| sibling.name)
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
