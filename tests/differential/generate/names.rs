//! Names of channels, users and keys, and payloads.

use super::Generator;
use crate::json::Json;
use crate::messages::BINARY;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Stream,
    /// Streams with presence.
    Presence,
    /// Streams with history.
    History,
    Map,
    Poll,
}

const ODD_CHANNELS: [&str; 12] = [
    "",
    "nope:a-«n»",
    ":a-«n»",
    "a-«n»",
    "$plain:a-«n»",
    "plain::a-«n»",
    "plain:a:b-«n»",
    "plain:a#alice-«n»",
    "plain:*-«n»",
    "plain:ключ-«n»",
    "Plain:a-«n»",
    "plain: a&b-«n»",
];

impl Generator {
    pub(super) fn channel(&mut self, kind: Kind) -> String {
        match self.rng.below(100) {
            0..3 => return self.rng.pick(&ODD_CHANNELS).to_owned(),
            3..9 => {
                let kind = self.rng.pick(&[Kind::Stream, Kind::Map, Kind::Poll]);
                return self.channel_of(kind);
            }
            _ => {}
        }
        self.channel_of(kind)
    }

    pub(super) fn channel_of(&mut self, kind: Kind) -> String {
        let favourites = match kind {
            Kind::Stream | Kind::Presence | Kind::History => &self.streams,
            Kind::Map => &self.maps,
            Kind::Poll => &Vec::new(),
        };
        if favourites.is_empty() || self.rng.chance(20) {
            self.any_channel_of(kind)
        } else {
            self.rng.pick(favourites)
        }
    }

    pub(super) fn any_channel_of(&mut self, kind: Kind) -> String {
        let namespace = match kind {
            Kind::Stream => self.rng.weighted(&[
                (8, "plain"),
                (3, "nohist"),
                (3, "bin"),
                (5, "small"),
                (3, "json"),
                (3, "object"),
                (4, "pos"),
                (3, "joins"),
                (3, "closed"),
            ]),
            Kind::Presence => self.rng.weighted(&[
                (8, "plain"),
                (4, "small"),
                (2, "json"),
                (4, "pos"),
                (2, "closed"),
                (1, "joins"),
            ]),
            Kind::History => self.rng.weighted(&[
                (8, "plain"),
                (3, "bin"),
                (6, "small"),
                (2, "json"),
                (2, "object"),
                (4, "pos"),
                (3, "closed"),
                (1, "nohist"),
            ]),
            Kind::Map => self
                .rng
                .weighted(&[(5, "map"), (3, "eph"), (4, "pers"), (4, "short")]),
            Kind::Poll => self
                .rng
                .weighted(&[(5, "poll"), (1, "pollro"), (1, "polled")]),
        };
        let name = self.rng.weighted(&[(4, "a"), (1, "b")]);
        format!("{namespace}:{name}-«n»")
    }

    /// Returns a channel to which clients subscribe themselves.
    pub(super) fn client_channel(&mut self) -> String {
        if self.rng.chance(90) {
            self.channel_of(Kind::Stream)
        } else {
            self.rng
                .pick(&[
                    "nope:a-«n»",
                    "map:a-«n»",
                    "poll:a-«n»",
                    "a-«n»",
                    "plain:a:b-«n»",
                ])
                .to_owned()
        }
    }

    /// Returns a user's name, empty for the anonymous user.
    pub(super) fn user(&mut self) -> String {
        self.rng
            .weighted(&[(6, "alice-«n»"), (4, "bob-«n»"), (2, "")])
            .to_owned()
    }

    pub(super) fn key(&mut self) -> String {
        self.rng
            .weighted(&[(5, "k"), (4, "l"), (3, "m"), (2, "é"), (1, "")])
            .to_owned()
    }

    /// Returns a payload in JSON.
    pub(super) fn payload(&mut self) -> Json {
        let text = match self.rng.below(100) {
            0..50 => format!("{{\"n\":{}}}", self.rng.below(3)),
            50..56 => r#""text""#.to_owned(),
            56..58 => "null".to_owned(),
            58..60 => "[]".to_owned(),
            60..62 => "{}".to_owned(),
            62..64 => r#""""#.to_owned(),
            64..66 => "true".to_owned(),
            66..68 => "1.0".to_owned(),
            68..70 => "-1e400".to_owned(),
            70..73 => "123456789012345678901234567890".to_owned(),
            73..76 => "\"<a href='&'>\u{2028}\u{2029}\u{7f}é\u{1f600}\"".to_owned(),
            76..79 => r#""\u003c\u2028\/\"\\\b\u00e9""#.to_owned(),
            79..82 => r#"{"a":1,"a":2}"#.to_owned(),
            82..86 => "{ \"b\" : [ 1 ,\n\t2 ] , \"a\" : { } }".to_owned(),
            86..88 => r#""\ud800""#.to_owned(),
            88..90 => format!("\"{}\"", "long ".repeat(700)),
            90 => format!("{}{}", "[".repeat(150), "]".repeat(150)),
            91 => {
                // Go reads values that are nested up to 10,000 times, including what surrounds the
                // payload in a body.
                let depth = 9_994 + self.rng.below(9);
                format!("{}{}", "[".repeat(depth), "]".repeat(depth))
            }
            92..94 => return Json::text(&b"\"\xff\""[..]),
            _ => BINARY.to_owned(),
        };
        Json::text(text)
    }

    /// Returns base64 of some bytes, valid or not.
    pub(super) fn base64(&mut self) -> Json {
        let text = self.rng.weighted(&[
            (6, "eyJuIjoxfQ=="),
            (3, "AP8="),
            (2, "bnVsbA=="),
            (1, ""),
            (1, "AP8"),
            (1, "_-8="),
            (1, "AP8=\\n"),
            (1, "!"),
        ]);
        Json::string(text)
    }

    pub(super) fn tags(&mut self) -> Json {
        self.rng.pick(&[
            object! { "kind": Json::string("alarm") },
            object! { "b": Json::string("2"), "a": Json::string("1"), "<": Json::string("&") },
            object! { "": Json::string("") },
            object! {},
        ])
    }
}
