//! Requests that are slightly wrong.

use super::Generator;
use crate::json::Json;

const WRONG: [&str; 22] = [
    "null",
    "true",
    "false",
    "1",
    "-1",
    "0",
    "1.0",
    "1e1",
    "1.5",
    "-0",
    "99999999999999999999",
    "4294967296",
    "\"1\"",
    "\"\"",
    "\"text\"",
    "[]",
    "[1]",
    "{}",
    "{\"value\":true}",
    "{\"value\":1}",
    "[{}]",
    "[null]",
];
/// Strings that are not valid UTF-8 or UTF-16.
const STRINGS: [&[u8]; 6] = [
    b"\"\xff\"",
    b"\"\\ud800\"",
    b"\"a\\u0000b\"",
    b"\"\xed\xa0\x80\"",
    b"\"tab\there\"",
    b"\"\\x\"",
];
/// Bodies that replace a whole request.
const BODIES: [&[u8]; 20] = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"1",
    b"\"text\"",
    b"true",
    b"{",
    b"{}",
    b"{} {}",
    b"{},",
    b"{}x",
    b"\xef\xbb\xbf{}",
    b"{\"channel\"}",
    b"{'channel':1}",
    b"{\"a\":1,}",
    b"{\"a\" 1}",
    b"nul",
    b"{\"data\":01}",
    b"\0",
];

impl Generator {
    /// Changes the JSON in one place.
    pub(super) fn twist(&mut self, json: &mut Json) {
        if self.rng.chance(12) {
            *json = Json::text(self.rng.pick(&BODIES));
            return;
        }
        let place = self.rng.below(json.size());
        let twist = self.rng.below(9);
        let wrong = self.rng.pick(&WRONG);
        let string = self.rng.pick(&STRINGS);
        let Some(value) = json.nth(place) else { return };
        match value {
            Json::Object(members) if twist > 0 => {
                let index = self.rng.below(members.len().max(1));
                let Some((key, value)) = members.get_mut(index) else {
                    members.push(("channel".to_owned(), Json::text(wrong)));
                    return;
                };
                match twist {
                    1 => *key = key.to_uppercase(),
                    2 => *key = capitalized(key),
                    3 => members.push(("unknown".to_owned(), Json::text(wrong))),
                    4 => {
                        let double = (key.clone(), value.clone());
                        members.push(double);
                    }
                    5 => {
                        let double = (key.to_uppercase(), Json::text(wrong));
                        members.push(double);
                    }
                    6 => *value = Json::text("null"),
                    7 => {
                        members.remove(index);
                    }
                    _ => *key = escaped(key),
                }
            }
            _ if twist < 6 => *value = Json::text(wrong),
            _ => *value = Json::text(string),
        }
    }
}

fn capitalized(key: &str) -> String {
    let mut letters = key.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Returns the same key with its first letter escaped.
fn escaped(key: &str) -> String {
    let mut letters = key.chars();
    letters
        .next()
        .map(|first| format!("\\u{:04x}{}", u32::from(first), letters.as_str()))
        .unwrap_or_default()
}
