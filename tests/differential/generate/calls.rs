//! Calls over HTTP, by command lines and over gRPC.

use super::{Generator, Theme};
use crate::json::Json;
use crate::messages;
use crate::steps::{Action, Frame, GrpcCall, HttpCall, may_disconnect};

/// The methods, the weight of each, and the theme that has it more often.
const METHODS: [(usize, &str, Theme); 21] = [
    (20, "publish", Theme::Streams),
    (6, "broadcast", Theme::Streams),
    (14, "subscribe", Theme::Users),
    (8, "unsubscribe", Theme::Users),
    (3, "disconnect", Theme::Users),
    (3, "refresh", Theme::Users),
    (7, "presence", Theme::Users),
    (3, "presence_stats", Theme::Users),
    (16, "history", Theme::Streams),
    (2, "history_remove", Theme::Streams),
    (3, "channels", Theme::Users),
    (1, "info", Theme::All),
    (1, "rpc", Theme::All),
    (14, "map_publish", Theme::Maps),
    (5, "map_remove", Theme::Maps),
    (10, "map_read_state", Theme::Maps),
    (9, "map_read_stream", Theme::Maps),
    (2, "map_stats", Theme::Maps),
    (1, "map_clear", Theme::Maps),
    (4, "shared_poll_publish", Theme::All),
    (7, "batch", Theme::All),
];
/// Methods in parallel batches.
const COMMUTING: [(usize, &str); 9] = [
    (4, "publish"),
    (3, "presence"),
    (1, "presence_stats"),
    (4, "history"),
    (1, "channels"),
    (3, "map_read_state"),
    (3, "map_read_stream"),
    (1, "map_stats"),
    (1, "rpc"),
];
/// Methods of Centrifugo PRO, and names that are not methods.
const LACKING: [&str; 6] = [
    "connections",
    "get_user_status",
    "device_list",
    "cancel_push",
    "nonsense",
    "Publish",
];
const LACKING_RPCS: [&str; 4] = ["Connections", "GetUserStatus", "DeviceList", "CancelPush"];
/// Numbers of methods on the legacy command endpoint, and other numbers.
const NUMBERS: [&str; 14] = [
    "0", "1", "6", "7", "4", "8", "33", "35", "13", "14", "40", "-1", "1.0", "\"6\"",
];

const KEY: (&str, &str) = ("X-API-Key", "http-key");

impl Generator {
    pub(super) fn call(&mut self) -> Action {
        match self.rng.below(100) {
            0..50 => Action::Http(self.http_call()),
            50..85 => Action::Grpc(self.grpc_call()),
            _ => Action::Http(self.legacy_call()),
        }
    }

    fn method(&mut self) -> &'static str {
        let often = if self.theme == Theme::All { 1 } else { 8 };
        let weights = METHODS.map(|(weight, method, theme)| {
            if theme == self.theme {
                (weight * often, method)
            } else {
                (weight, method)
            }
        });
        self.rng.weighted(&weights)
    }

    fn method_of_batches(&mut self) -> &'static str {
        match self.method() {
            "batch" => "publish",
            method => method,
        }
    }

    fn body_of(&mut self, method: &str) -> Json {
        match method {
            "batch" => self.batch(),
            _ => self.request(method),
        }
    }

    fn http_call(&mut self) -> HttpCall {
        let method = self.method();
        let mut body = self.body_of(method);
        if self.rng.chance(10) {
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
        let mut lines = (0..count).map(|_| self.command_line()).collect();
        self.put_closing_last(&mut lines);
        self.finish_http("/api".to_owned(), lines)
    }

    fn command_line(&mut self) -> Json {
        let method = self.method_of_batches();
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
        if self.rng.chance(10) {
            self.twist(&mut line);
        }
        line
    }

    fn finish_http(&mut self, mut path: String, body: Vec<Json>) -> HttpCall {
        let verb = if self.rng.chance(2) {
            self.rng.pick(&["GET", "PUT", "DELETE", "OPTIONS"])
        } else {
            "POST"
        };
        let mut headers = vec![KEY];
        if self.rng.chance(4) {
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
            let queries = [
                "",
                "",
                "?api_key=http-key",
                "?api_key=wrong",
                "?api_key=http%2Dkey&x",
                "?API_KEY=http-key",
            ];
            path += self.rng.pick(&queries);
        }
        if self.rng.chance(30) {
            let modes = ["transport", "transport", "transport", "Transport", ""];
            headers.push(("X-Centrifugo-Error-Mode", self.rng.pick(&modes)));
        }
        if self.rng.chance(30) {
            headers.push((
                "Content-Type",
                self.rng.pick(&["application/json", "text/plain"]),
            ));
        }
        HttpCall {
            verb,
            path,
            headers,
            body,
        }
    }

    fn grpc_call(&mut self) -> GrpcCall {
        let method = self.method();
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
                call.path = format!(
                    "/centrifugal.centrifugo.api.CentrifugoApi/{}",
                    self.rng.pick(&LACKING_RPCS)
                );
                call.method = None;
            }
            2..4 => {
                let service = "/centrifugal.centrifugo.api.CentrifugoApi";
                let paths =
                    ["/Nonsense", "/publish", "/"].map(|method| format!("{service}{method}"));
                let others = ["/nope.Service/Publish", "/"].map(str::to_owned);
                call.path = self.rng.pick(&[&paths[..], &others].concat());
                call.method = None;
            }
            4..7 => {
                call.metadata = self.rng.pick(&[
                    vec![],
                    vec![("authorization", "apikey wrong")],
                    vec![("authorization", "ApiKey grpc-key")],
                    vec![("authorization", "apikey  grpc-key")],
                    vec![("authorization", "apikey http-key")],
                    vec![("x-api-key", "grpc-key")],
                    vec![
                        ("authorization", "apikey wrong"),
                        ("authorization", "apikey grpc-key"),
                    ],
                    vec![
                        ("authorization", "apikey grpc-key"),
                        ("authorization", "apikey wrong"),
                    ],
                ]);
            }
            7..13 => call.frame = self.frame(),
            _ => {}
        }
        if self.rng.chance(30) {
            call.metadata.push((
                "x-centrifugo-error-mode",
                self.rng.pick(&["transport", "transport", "Transport"]),
            ));
        }
        call
    }

    fn frame(&mut self) -> Frame {
        match self.rng.below(14) {
            0 => Frame::Compressed,
            9.. => Frame::Flipped {
                at: self.rng.below(64),
                bits: self.rng.pick(&[1, 2, 4, 7, 8, 0x80]),
            },
            1..4 => Frame::Cut(1 + self.rng.below(4)),
            // A field that no message has, and the channel for a second time.
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
        let mut used = Vec::new();
        let mut commands: Vec<Json> = Vec::new();
        for _ in 0..count {
            let command = if parallel {
                self.commuting_command(&mut used)
            } else {
                self.command()
            };
            commands.push(command);
        }
        self.put_closing_last(&mut commands);
        let mut members = Vec::new();
        if count > 0 || self.rng.chance(50) {
            members.push(("commands".to_owned(), Json::Array(commands)));
        }
        if parallel {
            members.push(("parallel".to_owned(), Json::bool(true)));
        }
        Json::Object(members)
    }

    /// Keeps only one command that closes connections, as the last: the server closes them after
    /// its reply.
    fn put_closing_last(&mut self, commands: &mut Vec<Json>) {
        let (mut closing, others): (Vec<_>, Vec<_>) = std::mem::take(commands)
            .into_iter()
            .partition(may_disconnect);
        *commands = others;
        commands.extend(closing.pop());
    }

    fn command(&mut self) -> Json {
        if self.rng.chance(4) {
            return self
                .rng
                .pick(&[object! {}, object! { "connections": object! {} }]);
        }
        let method = self.method_of_batches();
        Json::Object(vec![(method.to_owned(), self.request(method))])
    }

    /// Returns a command whose result does not depend on the other commands: it has a separate
    /// channel, since even
    /// reading creates an epoch.
    fn commuting_command(&mut self, used: &mut Vec<Json>) -> Json {
        let method = self.rng.weighted(&COMMUTING);
        let request = self.request(method);
        if let Json::Object(members) = &request
            && let Some((_, channel)) = members.iter().find(|(name, _)| name == "channel")
        {
            if used.contains(channel) {
                return object! {};
            }
            used.push(channel.clone());
        }
        Json::Object(vec![(method.to_owned(), request)])
    }
}
