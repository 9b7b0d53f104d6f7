//! Claims as Centrifugo reads them.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, PAD};
use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::refusal::shown;
use crate::object::fold;

/// The claims of a token, by their names without regard to case.
///
/// Go's JSON takes the last one of claims that are repeated; here they are an error.
pub(super) struct ReadClaims(HashMap<String, (String, Box<RawValue>)>);

/// Standard base64 as Go decodes it, which ignores the bits that the last character has too many.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    PAD.with_decode_allow_trailing_bits(true),
);

/// The reason why claims cannot be read.
type Reason = String;

impl<'de> Deserialize<'de> for ReadClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = ReadClaims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReadClaims, A::Error> {
        let mut claims = HashMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if let Some((other, _)) = claims.insert(fold(&name), (name, value)) {
                let other = shown(&other);
                return Err(A::Error::custom(format!("the claim {other} is repeated")));
            }
        }
        Ok(ReadClaims(claims))
    }
}

impl ReadClaims {
    pub(super) fn read(json: &[u8]) -> Result<Self, Reason> {
        serde_json::from_slice(json)
            .map_err(|error| format!("the claims are not a JSON object: {error}"))
    }

    /// Returns the JSON of a claim. `null` is absent, as in Go.
    pub(super) fn raw(&self, name: &str) -> Option<&RawValue> {
        let (_, value) = self.0.get(name)?;
        Some(&**value).filter(|value| value.get() != "null")
    }

    fn value<T: DeserializeOwned>(&self, name: &str, kind: &str) -> Result<Option<T>, Reason> {
        let raw = self.raw(name);
        let value = raw.map(|raw| serde_json::from_str(raw.get()));
        value
            .transpose()
            .map_err(|_| format!("the claim `{name}` is not {kind}"))
    }

    /// Returns a text, empty if it is absent.
    pub(super) fn text(&self, name: &str) -> Result<String, Reason> {
        Ok(self.value(name, "a text")?.unwrap_or_default())
    }

    /// Returns a claim of any type as the text that Centrifugo makes of the one that `user_id_claim` names.
    pub(super) fn any_text(&self, name: &str) -> String {
        let Some((_, value)) = self.0.values().find(|(exact, _)| exact == name) else {
            return String::new();
        };
        match value.get() {
            "null" => String::new(),
            json => serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()),
        }
    }

    /// Returns a time in seconds since 1970, which may have a fraction, and may stand in quotes.
    pub(super) fn time(&self, name: &str) -> Result<Option<f64>, Reason> {
        let Some(raw) = self.raw(name) else {
            return Ok(None);
        };
        let text = raw.get().trim_matches('"');
        let is_bare = text.trim() == text;
        let number: Option<f64> = serde_json::from_str(text).ok().filter(|_| is_bare);
        match number {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(format!("the claim `{name}` is not a number")),
        }
    }

    /// Returns a whole number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Reason> {
        self.value(name, "a whole number")
    }

    /// Returns the audiences: one text, or a list.
    pub(super) fn audience(&self) -> Result<Vec<String>, Reason> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Audience {
            One(String),
            Several(Vec<String>),
        }
        const KIND: &str = "a text or a list of texts";
        // Unlike other claims, it may not be null.
        if self
            .0
            .get("aud")
            .is_some_and(|(_, value)| value.get() == "null")
        {
            return Err(format!("the claim `aud` is not {KIND}"));
        }
        Ok(match self.value("aud", KIND)? {
            None => Vec::new(),
            Some(Audience::One(audience)) => vec![audience],
            Some(Audience::Several(audiences)) => audiences,
        })
    }

    /// Returns a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Reason> {
        Ok(self.value(name, "a list of texts")?.unwrap_or_default())
    }

    /// Returns the names and values of an object.
    pub(super) fn entries(&self, name: &str) -> Result<Vec<(String, Self)>, Reason> {
        let entries = self.value::<Entries>(name, "an object of objects")?;
        Ok(entries.map(|entries| entries.0).unwrap_or_default())
    }

    /// Returns a value of a message of the API.
    pub(super) fn message<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Reason> {
        self.value(name, "what Centrifugo expects")
    }

    /// Returns a payload: that of the twin in base64, or else the JSON.
    pub(super) fn payload(&self, name: &str) -> Result<Option<Bytes>, Reason> {
        let twin = format!("b64{name}");
        let base64 = self.text(&twin)?;
        if base64.is_empty() {
            // A payload `null` is one, in Go too.
            let json = self.0.get(name).map(|(_, json)| json.get().to_owned());
            return Ok(json.map(Bytes::from));
        }
        match BASE64.decode(base64) {
            Ok(bytes) => Ok(Some(Bytes::from(bytes))),
            Err(_) => Err(format!(
                "the claim `{twin}` is not standard base64 with padding"
            )),
        }
    }
}

/// An object whose names are data, such as channels, in their order.
struct Entries(Vec<(String, ReadClaims)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries: Vec<(String, ReadClaims)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, ReadClaims>()? {
                    entries.push((name, value));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}
