//! The keys of a verifier.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::refusal::shown;
use crate::algorithm::{Algorithm, Family};
use crate::error::Error;
use crate::expiry::is_until;
use crate::key::{Jwk, Key, KeyOfSet, PublicKey};
use crate::key_set::KeySet;

/// The keys that verify.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    Static(StaticKeys),
    /// The published keys of a set change with the time.
    Set(KeySet),
    Jwks(Vec<KeyOfSet>),
}

/// The keys of Centrifugo's configuration: one of each kind.
#[derive(Clone, Debug, Default)]
pub(super) struct StaticKeys {
    secret: Option<Key>,
    previous: Option<(Key, Option<SystemTime>)>,
    public: Vec<PublicKey>,
}

/// A signed text.
pub(super) struct Signed<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<&'a str>,
    pub(super) message: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl StaticKeys {
    pub(super) fn of(key: &Key) -> Self {
        match key.public() {
            Some(public) => Self::of_public(public),
            None => Self {
                secret: Some(key.clone()),
                ..Self::default()
            },
        }
    }

    pub(super) fn of_public(key: PublicKey) -> Self {
        Self {
            public: vec![key.for_each_hash()],
            ..Self::default()
        }
    }

    /// Takes a secret, or the public half of a key.
    pub(super) fn add(&mut self, key: &Key) -> Result<(), Error> {
        match key.public() {
            Some(public) => self.add_public(public),
            None if self.secret.is_some() => Err(two_of("HMAC secret")),
            None => {
                self.secret = Some(key.clone());
                Ok(())
            }
        }
    }

    pub(super) fn add_public(&mut self, key: PublicKey) -> Result<(), Error> {
        let family = key.family();
        if self.public.iter().any(|other| other.family() == family) {
            return Err(two_of(&format!("{family} key")));
        }
        self.public.push(key.for_each_hash());
        Ok(())
    }

    pub(super) fn set_previous(&mut self, key: Key, until: Option<SystemTime>) {
        self.previous = Some((key, until));
    }

    fn verify(&self, signed: &Signed<'_>, now: SystemTime) -> Result<(), String> {
        let algorithm = signed.algorithm;
        if algorithm.family() == Family::Hmac {
            let previous = self.previous.as_ref();
            let valid = previous.filter(|(_, until)| is_until(now, *until));
            let previous = valid.map(|(key, _)| key);
            if self.secret.is_none() && previous.is_none() {
                return Err(no_key(algorithm));
            }
            // Centrifugo takes a previous secret without a current one too.
            let mut secrets = self.secret.iter().chain(previous);
            let is_valid =
                secrets.any(|key| key.verifies(algorithm, signed.message, signed.signature));
            return is_valid.then_some(()).ok_or_else(wrong);
        }
        let mut keys = self.public.iter();
        let key = keys.find(|key| key.allows(algorithm));
        check(key.ok_or_else(|| no_key(algorithm))?, signed)
    }
}

impl Keys {
    /// Checks a signature. Errors are reasons.
    pub(super) fn verify(&self, signed: &Signed<'_>, now: SystemTime) -> Result<(), String> {
        match self {
            Self::Static(keys) => keys.verify(signed, now),
            Self::Set(set) => {
                let kid = kid_of(signed)?;
                let key = set.public_at(now).find(|key| key.kid() == Some(kid));
                check_by_kid(key.ok_or_else(|| not_found(kid))?, kid, signed)
            }
            Self::Jwks(keys) => {
                let kid = kid_of(signed)?;
                // The last one of keys with the same ID counts.
                let mut last_first = keys.iter().rev();
                let key = last_first.find(|key| key.kid.as_deref() == Some(kid));
                let key = key.ok_or_else(|| not_found(kid))?.key.as_ref();
                let key = key.map_err(|reason| {
                    let kid = shown(kid);
                    format!("the key {kid} of the JWKS verifies no tokens: {reason}")
                })?;
                check_by_kid(key, kid, signed)
            }
        }
    }
}

fn kid_of<'a>(signed: &Signed<'a>) -> Result<&'a str, String> {
    let kid = signed.kid.filter(|kid| !kid.is_empty());
    Ok(kid.ok_or("the header has no `kid`, by which the key of a JWKS is found")?)
}

fn not_found(kid: &str) -> String {
    format!("the JWKS has no key with the ID {}", shown(kid))
}

fn check_by_kid(key: &PublicKey, kid: &str, signed: &Signed<'_>) -> Result<(), String> {
    if !key.allows(signed.algorithm) {
        return Err(format!(
            "the header says {}, which the key {} is not for",
            signed.algorithm,
            shown(kid)
        ));
    }
    check(key, signed)
}

fn check(key: &PublicKey, signed: &Signed<'_>) -> Result<(), String> {
    let is_valid = key.verify(signed.algorithm, signed.message, signed.signature);
    is_valid.then_some(()).ok_or_else(wrong)
}

fn wrong() -> String {
    "the signature is wrong: another key or secret, or the token was changed".to_owned()
}

fn no_key(algorithm: Algorithm) -> String {
    format!("the header says {algorithm}, for which there is no key")
}

fn two_of(what: &str) -> Error {
    Error::key(format!(
        "Centrifugo's configuration takes one {what}: serve several keys as a JWKS"
    ))
}

/// Reads a JWKS as Centrifugo does: a key that cannot be read fails the set, and those that are not for signatures are skipped.
pub(super) fn read_jwks(json: &str) -> Result<Vec<KeyOfSet>, Error> {
    #[derive(Deserialize)]
    struct Jwks<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    let jwks: Jwks<'_> = serde_json::from_str(json).map_err(|error| {
        Error::key(format!(
            "the JWKS is not an object with a list of `keys`: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    if jwks.keys.is_empty() {
        return Err(Error::key("the JWKS has no keys: its list `keys` is empty"));
    }
    let mut keys = Vec::new();
    for (index, json) in jwks.keys.iter().enumerate() {
        let read = Jwk::parse(json.get()).and_then(Jwk::of_set);
        keys.extend(
            read.map_err(|error| Error::key(format!("keys[{index}] of the JWKS: {error}")))?,
        );
    }
    if keys.iter().any(|key| key.key.is_ok()) {
        return Ok(keys);
    }
    let reason = keys.into_iter().find_map(|key| key.key.err());
    Err(Error::key(match reason {
        Some(reason) => format!("the JWKS has no key that verifies tokens: {reason}"),
        None => "the JWKS has no key for signatures: `use` must be \"sig\"".to_owned(),
    }))
}
