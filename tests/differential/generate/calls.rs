//! Calls, over the three ways in.

use super::Generator;
use super::names::Kind;
use crate::json::Json;
use crate::messages;
use crate::steps::{Action, Frame, GrpcCall, HttpCall};

const METHODS: [(usize, &str); 21] = [
    (20, "publish"),
    (7, "broadcast"),
    (12, "subscribe"),
    (5, "unsubscribe"),
    (3, "disconnect"),
    (3, "refresh"),
    (6, "presence"),
    (3, "presence_stats"),
    (16, "history"),
    (3, "history_remove"),
    (3, "channels"),
    (1, "info"),
    (1, "rpc"),
    (14, "map_publish"),
    (5, "map_remove"),
    (9, "map_read_state"),
    (8, "map_read_stream"),
    (2, "map_stats"),
    (2, "map_clear"),
    (4, "shared_poll_publish"),
    (7, "batch"),
];
const READING: [(usize, &str); 8] = [
    (3, "presence"),
    (1, "presence_stats"),
    (4, "history"),
    (1, "channels"),
    (3, "map_read_state"),
    (3, "map_read_stream"),
    (1, "map_stats"),
    (1, "rpc"),
];
/// Of Centrifugo PRO, and of none.
const LACKING: [&str; 6] =
    ["connections", "get_user_status", "device_list", "cancel_push", "nonsense", "Publish"];
const LACKING_RPCS: [&str; 4] = ["Connections", "GetUserStatus", "DeviceList", "CancelPush"];
/// Methods by their numbers on the legacy command endpoint, and numbers of none.
const NUMBERS: [&str; 14] =
    ["0", "1", "6", "7", "4", "8", "33", "35", "13", "14", "40", "-1", "1.0", "\"6\""];

const KEY: (&str, &str) = ("X-API-Key", "http-key");

impl Generator {
    pub(super) fn call(&mut self) -> Action {
        match self.rng.below(100) {
            0..50 => Action::Http(self.http_call()),
            50..85 => Action::Grpc(self.grpc_call()),
            _ => Action::Http(self.legacy_call()),
        }
    }

    fn body_of(&mut self, method: &str) -> Json {
        match method {
            "batch" => self.batch(),
            _ => self.request(method),
        }
    }

    fn http_call(&mut self) -> HttpCall {
        let method = self.rng.weighted(&METHODS);
        let mut body = self.body_of(method);
        if self.rng.chance(15) {
            self.twist(&mut body);
        }
        let mut path = format!("/api/{method}");
        if self.rng.chance(2) {
            path = format!("/api/{}", self.rng.pick(&LACKING));
        }
        if self.rng.chance(2) {
            let paths = [
                "/",
                "/publish",
                "/api/",
                "/api//publish",
                "/api/publish/",
                "/API/publish",
                "/api/../api/info",
            ];
            path = self.rng.pick(&paths).to_owned();
        }
        self.finish_http(path, vec![body])
    }

    fn legacy_call(&mut self) -> HttpCall {
        let count = self.rng.weighted(&[(6, 1), (2, 2), (1, 3), (1, 0)]);
        let lines = (0..count).map(|_| self.command_line()).collect();
        self.finish_http("/api".to_owned(), lines)
    }

    fn command_line(&mut self) -> Json {
        let method = self.rng.weighted(&METHODS[..METHODS.len() - 1]);
        let params = self.body_of(method);
        let name = match self.rng.below(100) {
            0..75 => Json::string(method),
            75..83 => Json::string(&method.to_uppercase()),
            83..93 => Json::text(self.rng.pick(&NUMBERS)),
            93..96 => Json::string(self.rng.pick(&LACKING)),
            _ => Json::string("batch"),
        };
        let mut members = vec![("method".to_owned(), name), ("params".to_owned(), params)];
        if self.rng.chance(40) {
            members.insert(0, ("id".to_owned(), Json::number(self.rng.below(3) as u64)));
        }
        let mut line = Json::Object(members);
        if self.rng.chance(15) {
            self.twist(&mut line);
        }
        line
    }

    fn finish_http(&mut self, mut path: String, body: Vec<Json>) -> HttpCall {
        let verb =
            if self.rng.chance(2) { self.rng.pick(&["GET", "PUT", "DELETE", "OPTIONS"]) } else { "POST" };
        let mut headers = vec![KEY];
        if self.rng.chance(8) {
            headers = self.rng.pick(&[
                vec![],
                vec![("X-API-Key", "wrong")],
                vec![("X-API-Key", "")],
                vec![("X-API-Key", ""), ("Authorization", "apikey http-key")],
                vec![("X-API-Key", "wrong"), ("Authorization", "apikey http-key")],
                vec![("Authorization", "apikey http-key")],
                vec![("Authorization", "ApiKey   http-key")],
                vec![("authorization", "APIKEY http-key x")],
                vec![("Authorization", "Bearer http-key")],
                vec![("Authorization", "http-key")],
                vec![("X-API-Key", "grpc-key")],
            ]);
            let queries =
                ["", "", "?api_key=http-key", "?api_key=wrong", "?api_key=http%2Dkey&x", "?API_KEY=http-key"];
            path += self.rng.pick(&queries);
        }
        if self.rng.chance(30) {
            let modes = ["transport", "transport", "transport", "Transport", ""];
            headers.push(("X-Centrifugo-Error-Mode", self.rng.pick(&modes)));
        }
        if self.rng.chance(30) {
            headers.push(("Content-Type", self.rng.pick(&["application/json", "text/plain"])));
        }
        HttpCall { verb, path, headers, body }
    }

    fn grpc_call(&mut self) -> GrpcCall {
        let method = self.rng.weighted(&METHODS);
        let message = self.body_of(method);
        let mut call = GrpcCall {
            path: messages::path(method).to_owned(),
            method: Some(method),
            metadata: vec![("authorization", "apikey grpc-key")],
            message,
            frame: Frame::Whole,
        };
        match self.rng.below(100) {
            0..2 => {
                call.path =
                    format!("/centrifugal.centrifugo.api.CentrifugoApi/{}", self.rng.pick(&LACKING_RPCS));
                call.method = None;
            }
            2..4 => {
                let service = "/centrifugal.centrifugo.api.CentrifugoApi";
                let paths = ["/Nonsense", "/publish", "/"].map(|method| format!("{service}{method}"));
                let others = ["/nope.Service/Publish", "/"].map(str::to_owned);
                call.path = self.rng.pick(&[&paths[..], &others].concat());
                call.method = None;
            }
            4..10 => {
                call.metadata = self.rng.pick(&[
                    vec![],
                    vec![("authorization", "apikey wrong")],
                    vec![("authorization", "ApiKey grpc-key")],
                    vec![("authorization", "apikey  grpc-key")],
                    vec![("authorization", "apikey http-key")],
                    vec![("x-api-key", "grpc-key")],
                    vec![("authorization", "apikey wrong"), ("authorization", "apikey grpc-key")],
                    vec![("authorization", "apikey grpc-key"), ("authorization", "apikey wrong")],
                ]);
            }
            10..20 => call.frame = self.frame(),
            _ => {}
        }
        if self.rng.chance(30) {
            call.metadata
                .push(("x-centrifugo-error-mode", self.rng.pick(&["transport", "transport", "Transport"])));
        }
        call
    }

    fn frame(&mut self) -> Frame {
        match self.rng.below(9) {
            0 => Frame::Compressed,
            1 => Frame::Missing,
            2 | 3 => Frame::Cut(1 + self.rng.below(4)),
            // A field that no message has, and the channel once more.
            4 => Frame::Followed(vec![0xf8, 0x07, 0x01]),
            5 => Frame::Followed(b"\x0a\x06nope:a".to_vec()),
            _ => Frame::Instead(self.rng.pick(&[
                vec![],
                vec![0xff; 3],
                vec![0x0a, 0x01, 0xff],
                vec![0x08, 0x01],
                vec![0x0a, 0x7f],
                vec![0x00, 0x00],
            ])),
        }
    }

    fn batch(&mut self) -> Json {
        let parallel = self.rng.chance(25);
        let count = self.rng.below(5);
        let commands = (0..count).map(|index| self.command(parallel, index)).collect();
        let mut members = Vec::new();
        if count > 0 || self.rng.chance(50) {
            members.push(("commands".to_owned(), Json::Array(commands)));
        }
        if parallel {
            members.push(("parallel".to_owned(), Json::bool(true)));
        }
        Json::Object(members)
    }

    /// A command of a batch; those of parallel ones do not meet.
    fn command(&mut self, parallel: bool, index: usize) -> Json {
        if self.rng.chance(4) {
            return self.rng.pick(&[object! {}, object! { "connections": object! {} }]);
        }
        if parallel && self.rng.chance(40) {
            let mut request = self.request("publish");
            if let Json::Object(members) = &mut request
                && let Some((_, channel)) = members.iter_mut().find(|(name, _)| name == "channel")
            {
                let namespace = self.channel_of(Kind::Stream);
                *channel = Json::string(&format!("{}-{index}-«n»", namespace.trim_end_matches("-«n»")));
            }
            return object! { "publish": request };
        }
        let method = match parallel {
            true => self.rng.weighted(&READING),
            false => self.rng.weighted(&METHODS[..METHODS.len() - 1]),
        };
        Json::Object(vec![(method.to_owned(), self.request(method))])
    }
}
