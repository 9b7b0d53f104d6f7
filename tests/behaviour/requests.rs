//! A request of each method except `batch`.

/// Passes `METHOD: REQUEST,` for each method of the open-source server to a macro, in an order that
/// makes sense while
/// alice is connected.
macro_rules! each_open_source_method {
    ($macro:ident) => {
        $macro! {
            publish: PublishRequest::new("plain:a", r#"{"n":1}"#).tags([("kind", "alarm")]).delta(true),
            broadcast: BroadcastRequest::new(["plain:a", "invalid:a", "nohist:a"], "[2]").idempotency_key("key"),
            history: HistoryRequest::new("plain:a").limit(10).since(StreamPosition::new(0, "")),
            subscribe: SubscribeRequest::new("plain:a").user("alice").info(r#"{"seat":7}"#).data("null"),
            presence: PresenceRequest::new("plain:a"),
            presence_stats: PresenceStatsRequest::new("plain:a"),
            channels: ChannelsRequest::new().pattern("plain:*"),
            unsubscribe: UnsubscribeRequest::new("plain:a").user("alice"),
            history_remove: HistoryRemoveRequest::new("plain:a"),
            refresh: RefreshRequest::new("alice").expire_at(4_000_000_000).info("{}"),
            rpc: RpcRequest::new("sum").params("[1,2]"),
            map_publish: MapPublishRequest::new("map:a", r#"{"n":1}"#).key("key").tags([("kind", "alarm")]).version(3),
            map_read_state: MapReadStateRequest::new("map:a").limit(-1),
            map_remove: MapRemoveRequest::new("map:a").key("missing"),
            map_read_stream: MapReadStreamRequest::new("map:a").limit(-1).reverse(true),
            map_stats: MapStatsRequest::new("map:a"),
            map_clear: MapClearRequest::new("map:a"),
            shared_poll_publish: SharedPollPublishRequest::new("poll:a", "1", 1).key("key").epoch("e"),
            disconnect: DisconnectRequest::new("alice").disconnect(Disconnect::new(4999, "enough")),
            info: InfoRequest::new(),
        }
    };
}

/// Passes `METHOD: REQUEST,` for each method of Centrifugo PRO to a macro.
macro_rules! each_pro_method {
    ($macro:ident) => {
        $macro! {
            connections: ConnectionsRequest::new()
                .user("alice")
                .label_filter(FilterNode::new().key("app").cmp("eq").val("news")),
            update_user_status: UpdateUserStatusRequest::new(["alice"]).state("away"),
            get_user_status: GetUserStatusRequest::new(["alice"]),
            delete_user_status: DeleteUserStatusRequest::new(["alice"]),
            block_user: BlockUserRequest::new("alice").expire_at(4_000_000_000),
            unblock_user: UnblockUserRequest::new("alice"),
            revoke_token: RevokeTokenRequest::new("token").expire_at(4_000_000_000),
            invalidate_user_tokens: InvalidateUserTokensRequest::new("alice").issued_before(1_700_000_000),
            device_register: DeviceRegisterRequest::new("fcm").token("token").platform("android")
                .meta([("app", "news")])
                .topics(["news"]),
            device_update: DeviceUpdateRequest::new()
                .ids(["device"])
                .user_update(DeviceUserUpdate::new("bob")),
            device_remove: DeviceRemoveRequest::new().ids(["device"]),
            device_list: DeviceListRequest::new()
                .filter(DeviceFilter::new().users(["alice"]))
                .include_meta(true),
            device_topic_list: DeviceTopicListRequest::new()
                .filter(DeviceTopicFilter::new().topic_prefix("n"))
                .limit(10),
            device_topic_update: DeviceTopicUpdateRequest::new("device", ["news"]).op("add"),
            user_topic_list: UserTopicListRequest::new()
                .filter(UserTopicFilter::new().users(["alice"]))
                .cursor("cursor"),
            user_topic_update: UserTopicUpdateRequest::new("alice", ["news"]).op("set"),
            send_push_notification: SendPushNotificationRequest::new(
                PushRecipient::new().fcm_topic("news"),
                PushNotification::new().fcm(FcmPushNotification::new(r#"{"data":{"n":"1"}}"#)),
            ),
            update_push_status: UpdatePushStatusRequest::new("push").status("delivered"),
            cancel_push: CancelPushRequest::new("push"),
        }
    };
}
