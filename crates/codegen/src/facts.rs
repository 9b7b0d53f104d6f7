//! All facts about Centrifugo's server API that its schema does not contain.

/// The facts about a method.
pub(crate) struct MethodFacts {
    /// The method's name over HTTP.
    pub(crate) name: &'static str,
    /// The circumstances under which the method may be called twice when its outcome is unknown.
    pub(crate) repeat: Repeat,
    /// The fields without which every Centrifugo refuses the request (error 107). They are checked
    /// before a request is sent.
    pub(crate) required: &'static [&'static str],
    /// True if Centrifugo's asynchronous consumers execute the method.
    pub(crate) is_consumed: bool,
    /// True if the open-source Centrifugo serves the method.
    pub(crate) is_open_source: bool,
    /// True if the method asks all nodes or lists all there is: it may take long, and its reply may
    /// be large, however small the request is.
    pub(crate) is_unbounded: bool,
}

/// The circumstances under which a method may be called twice when its outcome is unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Running it twice may have another effect than running it once.
    No,
    /// It only reads, or its effect is the same however often it runs.
    Yes,
    /// With the same idempotency key, it has an effect only once.
    WithKey,
    /// It may be called twice if the number of that name is set.
    WithNumber(&'static str),
}

use Repeat::{No, WithKey, WithNumber, Yes};

/// The methods that have facts. Those of the open-source server are in the order in which the server looks for them in a
/// command. A method that the schema does not have is ignored.
///
/// The comments say what a second call would do to what came between the two.
pub(crate) const METHODS: &[MethodFacts] = &[
    // Without a key, a second publication. With a key, nothing.
    open_source("publish", WithKey, &["channel"]).consumed(),
    // The same, in each channel.
    open_source("broadcast", WithKey, &["channels"]).consumed(),
    // Fails if the user is subscribed already.
    open_source("subscribe", No, &["channel"]).consumed(),
    // Ends subscriptions that began in between too, as a slower first call would have done. Without
    // a channel, it succeeds up to 6.9.
    open_source("unsubscribe", Yes, &[]).consumed(),
    // Closes connections that were made in between too, as a slower first call would have done:
    // clients reconnect, if their code lets them.
    open_source("disconnect", Yes, &[]).consumed(),
    // Reads.
    open_source("history", Yes, &["channel"]),
    // A second call would also remove what was published in between: it would be lost.
    open_source("history_remove", No, &["channel"]).consumed(),
    // Reads.
    open_source("presence", Yes, &["channel"]),
    // Reads.
    open_source("presence_stats", Yes, &["channel"]),
    // Reads.
    open_source("info", Yes, &[]),
    // May do anything.
    open_source("rpc", No, &["method"]),
    // The time is absolute.
    open_source("refresh", Yes, &[]).consumed(),
    // Reads.
    open_source("channels", Yes, &[]).unbounded(),
    // Without a key, it would set the value back that was set in between.
    open_source("map_publish", WithKey, &["channel", "key"]),
    // Without a key, it would remove the value that was set in between.
    open_source("map_remove", WithKey, &["channel", "key"]),
    // Reads.
    open_source("map_read_state", Yes, &["channel"]),
    // Reads.
    open_source("map_read_stream", Yes, &["channel"]),
    // Reads.
    open_source("map_stats", Yes, &["channel"]),
    // A second call would also remove what was published in between: it would be lost.
    open_source("map_clear", No, &["channel"]),
    // An old version changes nothing.
    open_source("shared_poll_publish", Yes, &["channel", "key", "version"]),
    // It depends on the commands.
    open_source("batch", No, &[]),
    // Blocks until the same time, even if the user was unblocked in between.
    pro("block_user", Yes),
    // The push has a unique id, and is cancelled for good.
    pro("cancel_push", Yes),
    // Reads.
    pro("connections", Yes).unbounded(),
    // A status that was set in between is set again by the user's next activity.
    pro("delete_user_status", Yes),
    // Reads.
    pro("device_list", Yes).unbounded(),
    // May register a second device.
    pro("device_register", No),
    // A device that was registered in between has an id of its own.
    pro("device_remove", Yes),
    // Reads.
    pro("device_topic_list", Yes).unbounded(),
    // Adds, removes or sets named topics: the last call wins, as a slower first call would have.
    pro("device_topic_update", Yes),
    // Sets values: the last call wins, as a slower first call would have.
    pro("device_update", Yes),
    // Reads.
    pro("get_user_status", Yes),
    // Without a time it means the tokens up to now, and would invalidate those that were issued in
    // between: the user has just signed in again.
    pro("invalidate_user_tokens", WithNumber("issued_before")),
    // A token has a unique id, and is revoked for good.
    pro("revoke_token", Yes),
    // May send a second push.
    pro("send_push_notification", No),
    // Unblocks the user, even if blocked again in between, as a slower first call would have done.
    pro("unblock_user", Yes),
    // Sets a value: the last call wins, as a slower first call would have.
    pro("update_push_status", Yes),
    // Sets the time of the last activity, which was just now in any case.
    pro("update_user_status", Yes),
    // Reads.
    pro("user_topic_list", Yes).unbounded(),
    // Adds, removes or sets named topics: the last call wins, as a slower first call would have.
    pro("user_topic_update", Yes),
];

/// Returns the facts about a method, if there are any.
pub(crate) fn method(name: &str) -> Option<&'static MethodFacts> {
    METHODS.iter().find(|facts| facts.name == name)
}

const fn open_source(
    name: &'static str,
    repeat: Repeat,
    required: &'static [&'static str],
) -> MethodFacts {
    MethodFacts {
        name,
        repeat,
        required,
        is_consumed: false,
        is_open_source: true,
        is_unbounded: false,
    }
}

const fn pro(name: &'static str, repeat: Repeat) -> MethodFacts {
    MethodFacts {
        is_open_source: false,
        ..open_source(name, repeat, &[])
    }
}

impl MethodFacts {
    const fn consumed(self) -> Self {
        Self {
            is_consumed: true,
            ..self
        }
    }

    const fn unbounded(self) -> Self {
        Self {
            is_unbounded: true,
            ..self
        }
    }
}

/// The arguments of each message's `new`: the fields that Centrifugo's API documentation requires,
/// but never two texts, which could be swapped unnoticed. A field that the schema does not have is
/// left out. The `new` of a message that is not listed takes no arguments.
pub(crate) const CONSTRUCTORS: &[(&str, &[&str])] = &[
    ("ApnsPushNotification", &["payload"]),
    ("BatchRequest", &["commands"]),
    ("BlockUserRequest", &["user"]),
    ("BoolValue", &["value"]),
    ("BroadcastRequest", &["channels", "data"]),
    ("CancelPushRequest", &["uid"]),
    ("DeleteUserStatusRequest", &["users"]),
    ("DeviceLocaleUpdate", &["locale"]),
    ("DeviceMetaUpdate", &["meta"]),
    ("DeviceRegisterRequest", &["provider"]),
    ("DeviceTimezoneUpdate", &["timezone"]),
    ("DeviceTopicUpdateRequest", &["device_id", "topics"]),
    ("DeviceTopicsUpdate", &["op", "topics"]),
    ("DeviceUserUpdate", &["user"]),
    ("Disconnect", &["code", "reason"]),
    ("DisconnectRequest", &["user"]),
    ("Error", &["code", "message"]),
    ("FcmPushNotification", &["message"]),
    ("GetUserStatusRequest", &["users"]),
    ("HistoryRemoveRequest", &["channel"]),
    ("HistoryRequest", &["channel"]),
    ("HmsPushNotification", &["message"]),
    ("Int32Value", &["value"]),
    ("InvalidateUserTokensRequest", &["user"]),
    ("MapClearRequest", &["channel"]),
    ("MapPublishRequest", &["channel", "data"]),
    ("MapReadStateRequest", &["channel"]),
    ("MapReadStreamRequest", &["channel"]),
    ("MapRemoveRequest", &["channel"]),
    ("MapStatsRequest", &["channel"]),
    ("PresenceRequest", &["channel"]),
    ("PresenceStatsRequest", &["channel"]),
    ("PublishRequest", &["channel", "data"]),
    ("RateLimitPolicy", &["rate", "interval_ms"]),
    ("RefreshRequest", &["user"]),
    ("RevokeTokenRequest", &["uid"]),
    ("RpcRequest", &["method"]),
    (
        "SendPushNotificationRequest",
        &["recipient", "notification"],
    ),
    ("SharedPollPublishRequest", &["channel", "data", "version"]),
    ("StreamPosition", &["offset", "epoch"]),
    ("SubscribeRequest", &["channel"]),
    ("UnblockUserRequest", &["user"]),
    ("UnsubscribeRequest", &["channel"]),
    ("UpdatePushStatusRequest", &["analytics_uid"]),
    ("UpdateUserStatusRequest", &["users"]),
    ("UserTopicUpdateRequest", &["user", "topics"]),
    ("WebPushPushNotification", &["payload"]),
];

/// The requests whose `new` is completed by `.user(…)` or `.anonymous()`. An empty user means all anonymous users.
pub(crate) const NEEDS_USER: &[&str] = &["SubscribeRequest", "UnsubscribeRequest"];

/// The payloads that clients never receive, so that gRPC carries any bytes in them.
pub(crate) const ANY_BYTES: &[(&str, &str)] = &[
    // The proxy of the rpc gets them.
    ("RpcRequest", "params"),
];

/// The fields that Centrifugo writes even if they are zero: their tags in its Go code do not have
/// `omitempty`. A field that the schema does not have is ignored.
pub(crate) const ALWAYS_WRITTEN: &[(&str, &[&str])] = &[
    ("ChannelsResult", &["channels"]),
    ("ClientInfo", &["user", "client"]),
    ("ConnectionsResult", &["connections"]),
    ("DeviceListResult", &["items"]),
    ("DeviceTopicListResult", &["items"]),
    ("GetUserStatusResult", &["statuses"]),
    ("HistoryResult", &["publications", "epoch", "offset"]),
    (
        "NodeResult",
        &[
            "uid",
            "name",
            "version",
            "num_clients",
            "num_users",
            "num_channels",
            "num_subs",
        ],
    ),
    ("PresenceResult", &["presence"]),
    ("PresenceStatsResult", &["num_clients", "num_users"]),
    ("UserTopicListResult", &["items"]),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use quote::format_ident;
    use syn::{Item, Type, parse_quote};

    use super::*;
    use crate::fields::{Field, fields_of};
    use crate::rpcs::Rpc;
    use crate::{messages, profile, rpcs, schema};

    /// Returns the messages and the rpcs of the shipped schema.
    fn shipped() -> Result<(Vec<Item>, Vec<Rpc>), String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/api.proto");
        let schema = schema::load(&path, &profile::API)?;
        let messages = messages::generate(&schema)?;
        let rpcs = rpcs::rpcs(&schema, &messages)?;
        Ok((messages.file.items, rpcs))
    }

    fn has(fields: &[Field<'_>], name: &str) -> bool {
        fields.iter().any(|field| field.plain_name() == name)
    }

    #[test]
    fn facts_are_about_methods_and_fields_of_shipped_schema() -> Result<(), String> {
        let (items, rpcs) = shipped()?;
        for facts in METHODS {
            let name = facts.name;
            let mut rpcs = rpcs.iter();
            let rpc = rpcs.find(|rpc| rpc.name == name).ok_or(name)?;
            let fields = fields_of(&items, &rpc.request);
            for required in facts.required {
                assert!(has(&fields, required), "`{name}` has no field `{required}`");
            }
            match facts.repeat {
                WithKey => assert!(has(&fields, "idempotency_key"), "`{name}` takes no key"),
                WithNumber(field) => assert!(has(&fields, field), "`{name}` has no `{field}`"),
                No | Yes => {}
            }
        }
        Ok(())
    }

    #[test]
    fn method_has_facts_once() {
        for (index, facts) in METHODS.iter().enumerate() {
            let mut before = METHODS[..index].iter();
            assert!(
                before.all(|other| other.name != facts.name),
                "{}",
                facts.name
            );
        }
    }

    #[test]
    fn listed_fields_are_in_shipped_schema() -> Result<(), String> {
        let (items, _) = shipped()?;
        let with_user = NEEDS_USER.iter().map(|message| (*message, &["user"][..]));
        let constructors = CONSTRUCTORS.iter().copied();
        let always_written = ALWAYS_WRITTEN.iter().copied();
        for (message, field) in ANY_BYTES {
            let ident = format_ident!("{message}");
            let fields = fields_of(&items, &parse_quote!(#ident));
            assert!(has(&fields, field), "`{message}` has no field `{field}`");
        }
        for (message, names) in constructors.chain(always_written).chain(with_user) {
            let ident = format_ident!("{message}");
            let ty: Type = parse_quote!(#ident);
            let fields = fields_of(&items, &ty);
            for name in names {
                assert!(has(&fields, name), "`{message}` has no field `{name}`");
            }
        }
        Ok(())
    }
}
