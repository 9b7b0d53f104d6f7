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
