//! The keys of a verifier.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::algorithm::{Algorithm, Family};
use crate::error::Error;
use crate::expiry::is_until;
use crate::key::{Jwk, Key, PublicKey};
use crate::key_set::KeySet;

/// The keys that verify.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    Static(StaticKeys),
    /// The published keys of a set change with the time.
    Set(KeySet),
    Jwks(Vec<PublicKey>),
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
            Self::Set(set) => by_kid(set.public_at(now), signed),
            Self::Jwks(keys) => by_kid(keys.iter(), signed),
        }
    }
}

fn by_kid<'a>(
    mut keys: impl Iterator<Item = &'a PublicKey>,
    signed: &Signed<'_>,
) -> Result<(), String> {
    let kid = signed.kid.filter(|kid| !kid.is_empty());
    let kid = kid.ok_or("the header has no `kid`, by which the key of a JWKS is found")?;
    let key = keys.find(|key| key.kid() == Some(kid));
    let key = key.ok_or_else(|| format!("the JWKS has no key with the ID {kid:?}"))?;
    if !key.allows(signed.algorithm) {
        return Err(format!(
            "the header says {}, which the key {kid:?} is not for",
            signed.algorithm
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

/// Reads a JWKS as Centrifugo does: keys that are not for signatures, and those of other algorithms, are skipped, and one that
/// cannot be read fails the set.
pub(super) fn read_jwks(json: &str) -> Result<Vec<PublicKey>, Error> {
    #[derive(Deserialize)]
    struct Jwks {
        keys: Vec<Box<RawValue>>,
    }
    let jwks: Jwks = serde_json::from_str(json).map_err(|error| {
        Error::key(format!(
            "the JWKS is not an object with a list of `keys`: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut keys = Vec::new();
    for (index, json) in jwks.keys.iter().enumerate() {
        let read = Jwk::parse(json.get()).and_then(|jwk| jwk.of_set());
        keys.extend(
            read.map_err(|error| Error::key(format!("keys[{index}] of the JWKS: {error}")))?,
        );
    }
    if keys.is_empty() {
        return Err(Error::key(
            "the JWKS has no key for signatures: `use` must be \"sig\"",
        ));
    }
    Ok(keys)
}
