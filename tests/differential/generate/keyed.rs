//! Requests for map and shared poll channels.

use super::Generator;
use super::names::Kind;
use super::requests::{Members, optional};
use crate::json::Json;

impl Generator {
    pub(super) fn map_publish(&mut self) -> Json {
        let channel = self.channel(Kind::Map);
        self.positions.push((self.id, channel.clone()));
        let mut members = Members(vec![
            ("channel".to_owned(), Json::string(&channel)),
            ("key".to_owned(), Json::string(&self.key())),
        ]);
        optional! { self, members,
            90 "data": self.payload(),
            6 "b64data": self.base64(),
            4 "stream_data": self.payload(),
            10 "tags": self.tags(),
            15 "idempotency_key": Json::string(self.rng.pick(&["i", "j", ""])),
            4 "delta": Json::bool(true),
            18 "version": Json::number(self.rng.below(4) as u64),
            10 "version_epoch": Json::string(self.rng.pick(&["e", "f"])),
            5 "score": Json::number(self.rng.below(3) as u64),
            15 "key_mode": Json::string(self.rng.pick(&["if_new", "if_exists", "", "other"])),
        }
        Json::Object(members.0)
    }

    pub(super) fn map_remove(&mut self) -> Json {
        let channel = self.channel(Kind::Map);
        self.positions.push((self.id, channel.clone()));
        let mut members = Members(vec![
            ("channel".to_owned(), Json::string(&channel)),
            ("key".to_owned(), Json::string(&self.key())),
        ]);
        optional! { self, members, 15 "idempotency_key": Json::string(self.rng.pick(&["i", "j"])) }
        Json::Object(members.0)
    }

    pub(super) fn map_read_state(&mut self) -> Json {
        let channel = self.channel(Kind::Map);
        let cursors: Vec<usize> = self
            .cursors
            .iter()
            .filter(|(_, known)| *known == channel)
            .map(|(id, _)| *id)
            .collect();
        let cursor = if cursors.is_empty() || self.rng.chance(20) {
            Json::string(self.rng.pick(&["k", "a", "zz", "\\u0000", "MQ==", "1"]))
        } else {
            Json::string(&format!("«cursor {}»", self.rng.pick(&cursors)))
        };
        let revision = self.position(&channel);
        let mut members = Members(vec![("channel".to_owned(), Json::string(&channel))]);
        optional! { self, members,
            85 "limit": Json::number(self.rng.pick(&[-1, -2, 0, 1, 1, 1, 2, 100, i32::MAX, i32::MIN])),
            30 "cursor": cursor,
            12 "key": Json::string(&self.key()),
            20 "asc": Json::bool(true),
        }
        if self.rng.chance(15) {
            self.flatten(&mut members, revision, "revision");
        }
        self.positions.push((self.id, channel.clone()));
        self.cursors.push((self.id, channel));
        Json::Object(members.0)
    }

    /// Adds a position as two members.
    fn flatten(&self, members: &mut Members, position: Json, prefix: &str) {
        if let Json::Object(parts) = position {
            members.0.extend(
                parts
                    .into_iter()
                    .map(|(name, value)| (format!("{prefix}_{name}"), value)),
            );
        }
    }

    pub(super) fn map_read_stream(&mut self) -> Json {
        let channel = self.channel(Kind::Map);
        let since = self.position(&channel);
        let mut members = Members(vec![("channel".to_owned(), Json::string(&channel))]);
        optional! { self, members,
            85 "limit": Json::number(self.rng.pick(&[-1, -2, 0, 1, 2, 100, i32::MAX])),
            25 "reverse": Json::bool(true),
        }
        if self.rng.chance(45) {
            self.flatten(&mut members, since, "since");
        }
        self.positions.push((self.id, channel));
        Json::Object(members.0)
    }

    pub(super) fn shared_poll_publish(&mut self) -> Json {
        let mut members = Members(vec![
            (
                "channel".to_owned(),
                Json::string(&self.channel(Kind::Poll)),
            ),
            ("key".to_owned(), Json::string(&self.key())),
        ]);
        optional! { self, members,
            90 "data": self.payload(),
            10 "b64data": self.base64(),
            90 "version": Json::number(self.rng.below(3) as u64),
            20 "epoch": Json::string("e"),
        }
        Json::Object(members.0)
    }
}
