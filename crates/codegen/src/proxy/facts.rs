//! All facts about Centrifugo's proxy protocol that its schema does not contain.

/// The arguments of each message's `new`, but never two texts, which could be swapped unnoticed. The `new` of a message
/// that is not listed takes no arguments.
pub(crate) const CONSTRUCTORS: &[(&str, &[&str])] = &[
    ("BoolValue", &["value"]),
    ("Disconnect", &["code", "reason"]),
    ("Error", &["code", "message"]),
    ("Int32Value", &["value"]),
    ("MapPublishRequest", &["channel", "data"]),
    ("MapRemoveRequest", &["channel"]),
    ("NotifyCacheEmptyRequest", &["channel"]),
    ("NotifyChannelStateRequest", &["events"]),
    ("Publication", &["data"]),
    ("PublishRequest", &["channel", "data"]),
    ("RefreshRequest", &["user"]),
    ("RpcRequest", &["method"]),
    ("SharedPollRefreshItem", &["key"]),
    ("SharedPollRefreshRequest", &["channel", "items"]),
    ("SharedPollRefreshResult", &["items"]),
    ("SharedPollRefreshResultItem", &["key"]),
    ("SubRefreshRequest", &["channel"]),
    ("SubscribeRequest", &["channel"]),
];

/// The fields of the shipped schema that another schema may lack, since Centrifugo 6.9 does.
pub(super) const OPTIONAL: &[(&str, &str)] = &[("SubRefreshResult", "server_tags_filter")];

/// The ends of the names of messages that belong to one event or one method: under the same name, the proxy protocol
/// and the server API mean different things.
pub(super) const NOT_SHARED: &[&str] = &["Publication", "Request", "Response", "Result"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use quote::format_ident;
    use syn::parse_quote;

    use super::*;
    use crate::fields::fields_of;
    use crate::{messages, profile, schema};

    #[test]
    fn listed_fields_are_in_shipped_schema() -> Result<(), String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proxy/proto/proxy.proto");
        let schema = schema::load(&path, &profile::PROXY)?;
        let items = messages::generate(&schema)?.file.items;
        let optional = OPTIONAL
            .iter()
            .map(|(message, field)| (*message, std::slice::from_ref(field)));
        for (message, names) in CONSTRUCTORS.iter().copied().chain(optional) {
            let ident = format_ident!("{message}");
            let fields = fields_of(&items, &parse_quote!(#ident));
            for name in names {
                let is_there = fields.iter().any(|field| field.plain_name() == *name);
                assert!(is_there, "`{message}` has no field `{name}`");
            }
        }
        Ok(())
    }
}
