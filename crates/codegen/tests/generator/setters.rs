//! Constructors and setters.

use super::declared::Declared;
use super::{Tested, WHOLE, core_and, generate};

/// The arguments of `new`: what Centrifugo's API documentation requires, but never two texts.
const CONSTRUCTORS: &str = "\
ApnsPushNotification payload
BatchRequest commands
BlockUserRequest user
BoolValue value
BroadcastRequest channels data
CancelPushRequest uid
DeleteUserStatusRequest users
DeviceLocaleUpdate locale
DeviceMetaUpdate meta
DeviceRegisterRequest provider
DeviceTimezoneUpdate timezone
DeviceTopicUpdateRequest device_id topics
DeviceTopicsUpdate op topics
DeviceUserUpdate user
Disconnect code reason
DisconnectRequest user
Error code message
FcmPushNotification message
GetUserStatusRequest users
HistoryRemoveRequest channel
HistoryRequest channel
HmsPushNotification message
Int32Value value
InvalidateUserTokensRequest user
MapClearRequest channel
MapPublishRequest channel data
MapReadStateRequest channel
MapReadStreamRequest channel
MapRemoveRequest channel
MapStatsRequest channel
PresenceRequest channel
PresenceStatsRequest channel
PublishRequest channel data
RateLimitPolicy rate interval_ms
RefreshRequest user
RevokeTokenRequest uid
RpcRequest method
SendPushNotificationRequest recipient notification
SharedPollPublishRequest channel data version
StreamPosition offset epoch
SubscribeRequest channel
UnblockUserRequest user
UnsubscribeRequest channel
UpdatePushStatusRequest analytics_uid
UpdateUserStatusRequest users
UserTopicUpdateRequest user topics
WebPushPushNotification payload";

#[test]
fn constructor_takes_required_fields() -> Tested {
    let (_, shipped) = &WHOLE[0];
    let constructors = Declared::by(&shipped.messages)?.constructors;
    let listed: Vec<String> = constructors
        .into_iter()
        .map(|(message, arguments)| {
            let names = arguments.into_iter().map(|(name, _)| name);
            [vec![message], names.collect()].concat().join(" ")
        })
        .collect();
    assert_eq!(listed.join("\n"), CONSTRUCTORS);
    Ok(())
}

#[test]
fn constructor_never_takes_two_texts() -> Tested {
    const TEXT: &str = "impl::core::convert::Into<::prost::alloc::string::String>";
    for (path, generated) in WHOLE.iter() {
        let mut with_text = 0;
        for (message, arguments) in Declared::by(&generated.messages)?.constructors {
            let texts = arguments.iter().filter(|(_, ty)| ty == TEXT).count();
            assert!(texts < 2, "{path}: {message}::new takes {arguments:?}");
            with_text += texts;
        }
        assert!(
            with_text > 5,
            "{path}: only {with_text} constructors take a text"
        );
    }
    Ok(())
}

#[test]
fn setter_never_has_name_of_other_function() -> Tested {
    let request =
        "message AskRequest { string new = 1; bool default = 2; bool with_new = 3; bool with_default = 4;
        optional bool maybe = 5; Level level = 6; bool set_level = 7; map<string, Level> levels = 8;
        bool get_levels = 9; bytes data = 10; string b64data = 11; bool binary_data = 12;
        bytes info = 13; string b64info = 14; optional bytes more = 15; string b64more = 16; }
        enum Level { LOW = 0; } message Answer {}";
    let generated = generate(&core_and("rpc Ask(AskRequest) returns (Answer);", request))?;
    let declared = Declared::by(&generated.messages)?;
    let expected = [
        "new",
        "payload_set_twice",
        "visit_twins",
        "with_with_new",
        "with_with_default",
        "with_new",
        "with_default",
        "with_maybe",
        "with_level",
        "with_set_level",
        "levels",
        "with_get_levels",
        "data",
        "b64data",
        "binary_data",
        "info",
        "b64info",
        "binary_info",
        "with_more",
        "b64more",
    ];
    assert_eq!(
        declared.functions["AskRequest"],
        expected.map(String::from).into()
    );
    Ok(())
}
