//! Requests that Centrifugo accepts.

use super::Generator;
use super::names::Kind;
use crate::json::Json;

/// Members of a request, some of which are added at random.
pub(super) struct Members(pub(super) Vec<(String, Json)>);

impl Members {
    pub(super) fn push(&mut self, name: &str, value: Json) {
        self.0.push((name.to_owned(), value));
    }
}

macro_rules! optional {
    ($generator:ident, $members:ident, $($percent:literal $name:literal: $value:expr),+ $(,)?) => {
        $(if $generator.rng.chance($percent) {
            let value = $value;
            $members.push($name, value);
        })+
    };
}
pub(super) use optional;

impl Generator {
    /// Returns a request for the method.
    pub(super) fn request(&mut self, method: &str) -> Json {
        match method {
            "publish" => self.publish(),
            "broadcast" => self.broadcast(),
            "subscribe" => self.subscribe(),
            "unsubscribe" => self.unsubscribe(),
            "disconnect" => self.disconnect(),
            "refresh" => self.refresh(),
            "presence" | "presence_stats" => {
                object! { "channel": Json::string(&self.channel(Kind::Presence)) }
            }
            "history" => self.history(),
            "history_remove" => object! { "channel": Json::string(&self.channel(Kind::History)) },
            "channels" => object! { "pattern": Json::string(self.rng.pick(&PATTERNS)) },
            "rpc" => {
                object! { "method": Json::string(self.rng.pick(&["sum", "", "publish"])), "params": self.payload() }
            }
            "map_publish" => self.map_publish(),
            "map_remove" => self.map_remove(),
            "map_read_state" => self.map_read_state(),
            "map_read_stream" => self.map_read_stream(),
            "map_stats" | "map_clear" => {
                object! { "channel": Json::string(&self.channel(Kind::Map)) }
            }
            "shared_poll_publish" => self.shared_poll_publish(),
            _ => object! {},
        }
    }

    fn publish(&mut self) -> Json {
        let channel = self.channel(Kind::Stream);
        self.positions.push((self.id, channel.clone()));
        let mut members = Members(vec![("channel".to_owned(), Json::string(&channel))]);
        self.publication(&mut members);
        Json::Object(members.0)
    }

    fn broadcast(&mut self) -> Json {
        // Centrifugo publishes to the channels concurrently, so the offsets of a repeated channel
        // are random.
        let mut channels: Vec<String> = (0..self.rng.below(4))
            .map(|_| self.channel(Kind::Stream))
            .collect();
        channels.sort();
        channels.dedup();
        let channels = channels
            .iter()
            .map(|channel| Json::string(channel))
            .collect();
        let mut members = Members(vec![("channels".to_owned(), Json::Array(channels))]);
        self.publication(&mut members);
        Json::Object(members.0)
    }

    fn publication(&mut self, members: &mut Members) {
        optional! { self, members,
            92 "data": self.payload(),
            8 "b64data": self.base64(),
            8 "skip_history": Json::bool(true),
            12 "tags": self.tags(),
            15 "idempotency_key": Json::string(self.rng.pick(&["i", "j", ""])),
            5 "delta": Json::bool(true),
            12 "version": Json::number(self.rng.below(4) as u64),
            10 "version_epoch": Json::string(self.rng.pick(&["e", "f"])),
        }
    }

    fn history(&mut self) -> Json {
        let channel = self.channel(Kind::History);
        let mut members = Members(vec![("channel".to_owned(), Json::string(&channel))]);
        optional! { self, members,
            80 "limit": Json::number(self.rng.pick(&[-1, -1, 0, 1, 2, 3, 100, i32::MAX, i32::MIN])),
            45 "since": self.position(&channel),
            25 "reverse": Json::bool(true),
        }
        self.positions.push((self.id, channel));
        Json::Object(members.0)
    }

    /// Returns a position, usually one that this channel had.
    pub(super) fn position(&mut self, channel: &str) -> Json {
        let known: Vec<usize> = self
            .positions
            .iter()
            .filter(|(_, known)| known == channel)
            .map(|(id, _)| *id)
            .collect();
        let (offset, epoch) = if known.is_empty() || self.rng.chance(15) {
            (
                self.made_up_offset(),
                Json::string(self.rng.pick(&["", "", "epoch"])),
            )
        } else {
            let step = self.rng.pick(&known);
            let offset = if self.rng.chance(60) {
                Json::string(&format!("«offset {step}»"))
            } else {
                self.made_up_offset()
            };
            (offset, Json::string(&format!("«epoch {step}»")))
        };
        let mut members = Members(Vec::new());
        optional! { self, members, 95 "offset": offset, 85 "epoch": epoch }
        Json::Object(members.0)
    }

    fn made_up_offset(&mut self) -> Json {
        Json::number(self.rng.pick(&[0, 1, 2, 3, 4, 100, u64::MAX]))
    }

    /// Returns the user and the filters of calls that act on connections. The label filter is flat:
    /// the embedded server
    /// refuses filters that are nested deeper than 100 times.
    fn whose(&mut self, members: &mut Members) {
        let client = if self.has_connected.is_empty() {
            "nobody".to_owned()
        } else {
            format!("«client {}»", self.rng.pick(&self.has_connected))
        };
        optional! { self, members,
            95 "user": Json::string(&self.user()),
            20 "client": Json::string(&client),
            3 "session": Json::string("session"),
            3 "all_users": Json::bool(true),
            3 "label_filter": object! { "key": Json::string("app"), "cmp": Json::string("eq"), "val": Json::string("x") },
        }
    }

    fn subscribe(&mut self) -> Json {
        let channel = self.channel(Kind::Stream);
        let mut members = Members(Vec::new());
        self.whose(&mut members);
        optional! { self, members,
            99 "channel": Json::string(&channel),
            5 "expire_at": Json::number(self.rng.pick(&[0, -1, 1, 4_000_000_000_i64])),
            20 "info": self.payload(),
            4 "b64info": self.base64(),
            20 "data": self.payload(),
            4 "b64data": self.base64(),
            15 "recover_since": self.position(&channel),
            25 "override": self.overriding(),
        }
        Json::Object(members.0)
    }

    fn overriding(&mut self) -> Json {
        let mut members = Members(Vec::new());
        let value = |value| object! { "value": Json::bool(value) };
        optional! { self, members,
            30 "presence": value(self.rng.chance(60)),
            30 "join_leave": value(self.rng.chance(60)),
            30 "force_recovery": value(self.rng.chance(60)),
            30 "force_positioning": value(self.rng.chance(60)),
            30 "force_push_join_leave": value(self.rng.chance(60)),
        }
        Json::Object(members.0)
    }

    fn unsubscribe(&mut self) -> Json {
        let mut members = Members(Vec::new());
        self.whose(&mut members);
        optional! { self, members, 97 "channel": Json::string(&self.channel(Kind::Stream)) }
        Json::Object(members.0)
    }

    /// Returns a code other than 3000, with which the server may drop pending writes at random.
    fn disconnect(&mut self) -> Json {
        let mut members = Members(Vec::new());
        self.whose(&mut members);
        let clients: Vec<_> = self
            .has_connected
            .iter()
            .take(2)
            .map(|step| Json::string(&format!("«client {step}»")))
            .collect();
        optional! { self, members,
            15 "whitelist": Json::Array(clients),
            40 "disconnect": object! {
                "code": Json::number(self.rng.pick(&[0_u32, 1000, 1005, 2000, 3001, 3503, 4000, 4999, 5000, 70_000, u32::MAX])),
                "reason": Json::string(self.rng.pick(&["", "enough", "é<", &"long ".repeat(25)])),
            },
        }
        Json::Object(members.0)
    }

    fn refresh(&mut self) -> Json {
        let mut members = Members(Vec::new());
        self.whose(&mut members);
        optional! { self, members,
            15 "expired": Json::bool(true),
            50 "expire_at": Json::number(self.rng.pick(&[0, -1, 1, 4_000_000_000, i64::MAX])),
            30 "info": self.payload(),
        }
        Json::Object(members.0)
    }
}

const PATTERNS: [&str; 8] = [
    "*-«n»",
    "plain:*-«n»",
    "*:a-«n»",
    "pl?in:[ab]-«n»",
    "{plain,small}:*-«n»",
    "plain:a-«n»",
    "[-«n»",
    "nope-«n»",
];
