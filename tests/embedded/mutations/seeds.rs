//! A request of each method, which the server answers without an error.

use centrifugo_api::*;
use centrifugo_api_testing::{ServedMethod, Server};

use crate::malformed_grpc::frame;

/// A request in all its forms.
pub(crate) struct Seed {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) json: Vec<u8>,
    pub(crate) protobuf: Vec<u8>,
}

impl Seed {
    /// Returns the request as a command line.
    pub(crate) fn line(&self) -> Vec<u8> {
        let head = format!("{{\"id\":7,\"method\":\"{}\",\"params\":", self.method);
        [head.as_bytes(), &self.json, b"}"].concat()
    }

    /// Returns all bytes of an HTTP/1.1 connection.
    pub(crate) fn http1(&self) -> Vec<u8> {
        let head = format!(
            "POST /api/{} HTTP/1.1\r\nHost: a\r\nX-API-Key: secret\r\nContent-Length: {}\r\n\r\n",
            self.method,
            self.json.len()
        );
        [head.as_bytes(), &self.json].concat()
    }

    pub(crate) fn http2(&self) -> Vec<u8> {
        const SETTINGS: u8 = 4;
        const HEADERS: u8 = 1;
        const DATA: u8 = 0;
        const END_HEADERS: u8 = 4;
        const END_STREAM: u8 = 1;
        let headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", self.path),
            (":authority", "a"),
            ("content-type", "application/grpc"),
            ("authorization", "apikey secret"),
        ];
        // Literals that are not indexed, each with its length in one byte.
        let literal = |text: &str| {
            [
                &[u8::try_from(text.len()).unwrap_or_default()],
                text.as_bytes(),
            ]
            .concat()
        };
        let block: Vec<u8> = headers
            .iter()
            .flat_map(|(name, value)| [vec![0], literal(name), literal(value)].concat())
            .collect();
        [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            http2_frame(SETTINGS, 0, 0, &[]),
            http2_frame(HEADERS, END_HEADERS, 1, &block),
            http2_frame(DATA, END_STREAM, 1, &frame(0, &self.protobuf)),
        ]
        .concat()
    }
}

fn http2_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or_default()
        .to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn seed<M: Method>(request: M) -> Seed {
    let json = serde_json::to_vec(&request).expect("the request can be JSON");
    Seed {
        method: M::NAME,
        path: M::GRPC_PATH,
        json,
        protobuf: request.encode_to_vec(),
    }
}

/// Returns a request of a method that needs a script.
fn pro<M: ServedMethod>(server: &Server, request: M) -> Seed
where
    M::Result: Default,
{
    server.on(|_: M| Ok(M::Result::default()));
    seed(request)
}

pub(crate) fn all(server: &Server) -> Vec<Seed> {
    let mut seeds = open_source(server);
    seeds.extend(of_users(server));
    seeds.extend(of_push(server));
    seeds
}

fn open_source(server: &Server) -> Vec<Seed> {
    let publish = || {
        PublishRequest::new("news", r#"{"a":["é",1.0,null]}"#)
            .tags([("a", "b")])
            .version(1)
    };
    let since = StreamPosition::new(0, "");
    vec![
        seed(publish().idempotency_key("key")),
        seed(publish().data(binary([0xff, 0x00]))),
        seed(BroadcastRequest::new(["a", "b"], r#""text""#).skip_history(true)),
        seed(
            SubscribeRequest::new("news")
                .user("alice")
                .info("1")
                .data("{}")
                .recover_since(since.clone())
                .r#override(
                    SubscribeOptionOverride::new()
                        .presence(true)
                        .force_recovery(BoolValue::new(false)),
                ),
        ),
        seed(
            UnsubscribeRequest::new("news")
                .user("alice")
                .client("client"),
        ),
        seed(
            DisconnectRequest::new("alice")
                .disconnect(Disconnect::new(4000, "bye"))
                .whitelist(["client"]),
        ),
        seed(
            RefreshRequest::new("alice")
                .expire_at(32_503_680_000)
                .info("{}"),
        ),
        seed(PresenceRequest::new("news")),
        seed(PresenceStatsRequest::new("news")),
        seed(
            HistoryRequest::new("news")
                .limit(-1)
                .since(since)
                .reverse(false),
        ),
        seed(HistoryRemoveRequest::new("news")),
        seed(ChannelsRequest::new().pattern("n*{e,w}[a-z]?")),
        seed(InfoRequest::new()),
        pro(server, RpcRequest::new("echo").params("[1]")),
        seed(BatchRequest::new([
            publish().into(),
            Command::from(HistoryRequest::new("news").limit(1)),
        ])),
        seed(BatchRequest::new([Command::from(InfoRequest::new())]).parallel(true)),
        seed(
            MapPublishRequest::new("map:1", "{}")
                .key("key")
                .version(1)
                .tags([("a", "b")]),
        ),
        seed(
            MapRemoveRequest::new("map:1")
                .key("key")
                .idempotency_key("key"),
        ),
        seed(MapReadStateRequest::new("map:1").limit(-1)),
        seed(
            MapReadStreamRequest::new("map:1")
                .limit(10)
                .since_offset(0)
                .reverse(true),
        ),
        seed(MapStatsRequest::new("map:1")),
        seed(MapClearRequest::new("map:1")),
        seed(SharedPollPublishRequest::new("poll:1", "{}", 1).key("key")),
    ]
}

fn of_users(server: &Server) -> Vec<Seed> {
    vec![
        pro(
            server,
            ConnectionsRequest::new().user("alice").expression("true"),
        ),
        pro(
            server,
            UpdateUserStatusRequest::new(["alice", "bob"]).state("online"),
        ),
        pro(server, GetUserStatusRequest::new(["alice"])),
        pro(server, DeleteUserStatusRequest::new(["alice"])),
        pro(server, BlockUserRequest::new("alice").expire_at(1)),
        pro(server, UnblockUserRequest::new("alice")),
        pro(server, RevokeTokenRequest::new("uid")),
        pro(server, InvalidateUserTokensRequest::new("alice")),
    ]
}

fn of_push(server: &Server) -> Vec<Seed> {
    let filter = DeviceFilter::new().users(["alice"]);
    let recipient = PushRecipient::new().filter(filter.clone());
    let message = FcmPushNotification::new(r#"{"title":"a"}"#);
    vec![
        pro(
            server,
            DeviceRegisterRequest::new("fcm")
                .token("token")
                .platform("ios")
                .meta([("a", "b")])
                .topics(["news"]),
        ),
        pro(
            server,
            DeviceUpdateRequest::new()
                .ids(["1"])
                .meta_update(DeviceMetaUpdate::new([("a", "b")])),
        ),
        pro(
            server,
            DeviceRemoveRequest::new().ids(["1"]).users(["alice"]),
        ),
        pro(server, DeviceListRequest::new().filter(filter).limit(1)),
        pro(
            server,
            DeviceTopicListRequest::new().filter(DeviceTopicFilter::new().topics(["news"])),
        ),
        pro(
            server,
            DeviceTopicUpdateRequest::new("1", ["news"]).op("add"),
        ),
        pro(
            server,
            UserTopicListRequest::new().filter(UserTopicFilter::new().users(["alice"])),
        ),
        pro(
            server,
            UserTopicUpdateRequest::new("alice", ["news"]).op("add"),
        ),
        pro(
            server,
            SendPushNotificationRequest::new(recipient, PushNotification::new().fcm(message)),
        ),
        pro(
            server,
            UpdatePushStatusRequest::new("uid").status("delivered"),
        ),
        pro(server, CancelPushRequest::new("uid")),
    ]
}
