//! Constructors and setters.

use super::tables::Declared;
use super::{Tested, WHOLE, core_and, generate};

/// The arguments of `new`, by Centrifugo's API documentation.
const REQUIRED: &str = "\
ApnsPushNotification payload
BatchRequest commands
BlockUserRequest user
BoolValue value
BroadcastRequest channels data
CancelPushRequest uid
DeleteUserStatusRequest users
DeviceLocaleUpdate locale
DeviceMetaUpdate meta
DeviceRegisterRequest provider token platform
DeviceTimezoneUpdate timezone
DeviceTopicUpdateRequest device_id op topics
DeviceTopicsUpdate op topics
DeviceUserUpdate user
Disconnect code reason
DisconnectRequest user
FcmPushNotification message
GetUserStatusRequest users
HistoryRemoveRequest channel
HistoryRequest channel
HmsPushNotification message
InvalidateUserTokensRequest user
MapClearRequest channel
MapPublishRequest channel key data
MapReadStateRequest channel
MapReadStreamRequest channel
MapRemoveRequest channel key
MapStatsRequest channel
PresenceRequest channel
PresenceStatsRequest channel
PublishRequest channel data
PushTimeLimitStrategy send_after_time send_before_time
RateLimitPolicy rate interval_ms
RefreshRequest user
RevokeTokenRequest uid
RpcRequest method
SendPushNotificationRequest recipient notification
SharedPollPublishRequest channel key data version
StreamPosition offset epoch
SubscribeRequest user channel
UnblockUserRequest user
UnsubscribeRequest user channel
UpdatePushStatusRequest analytics_uid status
UpdateUserStatusRequest users
UserTopicUpdateRequest user op topics
WebPushPushNotification payload";

#[test]
fn new_takes_the_fields_that_centrifugo_requires() -> Tested {
    let declared = Declared::by(&WHOLE[0].1.messages)?;
    let required: Vec<_> = declared
        .required
        .iter()
        .map(|(of, names)| format!("{of} {}", names.join(" ")))
        .collect();
    assert_eq!(required.join("\n"), REQUIRED);
    Ok(())
}

#[test]
fn setter_never_has_the_name_of_another_function() -> Tested {
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
