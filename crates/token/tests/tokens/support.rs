//! Keys, claims and chance for the tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use centrifugo_token::{Algorithm, ConnectionClaims, Expiry, Key, SubscriptionClaims};
use serde_json::Value;

/// The files of private keys, and an algorithm of each.
pub(crate) const ASYMMETRIC: &[(&str, Algorithm)] = &[
    ("rsa2048.pem", Algorithm::Rs256),
    ("rsa3072.pem", Algorithm::Rs384),
    ("rsa2048.pem", Algorithm::Rs512),
    ("p256.pem", Algorithm::Es256),
    ("p384.pem", Algorithm::Es384),
    #[cfg(feature = "aws-lc-rs")]
    ("p521.pem", Algorithm::Es512),
    ("ed25519.pem", Algorithm::EdDsa),
];

/// Returns a key for every algorithm.
pub(crate) fn every_key() -> Vec<Key> {
    let secret = "a secret that is long enough for each of the hashes: 64 bytes.....";
    let mut keys = vec![
        Key::hs256(secret).unwrap(),
        Key::hs384(secret).unwrap(),
        Key::hs512(secret).unwrap(),
    ];
    for (name, algorithm) in ASYMMETRIC {
        let key = Key::from_pem(data(name)).unwrap();
        keys.push(key.with_algorithm(*algorithm).unwrap());
    }
    keys
}

/// Returns a file of `tests/data`.
pub(crate) fn data(name: &str) -> String {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// Returns the bytes of the last section of a PEM file.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    let start = pem.rfind("-----BEGIN").unwrap();
    let lines = pem[start..]
        .lines()
        .filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The time of the public vectors.
pub(crate) const IAT: u64 = 1_700_000_000;

pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn hour() -> Expiry {
    Expiry::after(Duration::from_secs(3600))
}

pub(crate) fn connection() -> ConnectionClaims {
    ConnectionClaims::new("42", hour()).without_id()
}

pub(crate) fn subscription() -> SubscriptionClaims {
    SubscriptionClaims::user("42")
        .channel("news", hour())
        .without_id()
}

/// Returns the key of the public vectors.
pub(crate) fn key() -> Key {
    Key::hs256("client_secret").unwrap()
}

/// Returns the claims' text.
pub(crate) fn text_of(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    String::from_utf8(from_base64url(claims)).unwrap()
}

pub(crate) fn claims_of(token: &str) -> Value {
    serde_json::from_str(&text_of(token)).unwrap()
}

/// Returns the number of inputs for a test with changed ones: `CENTRIFUGO_API_FUZZ`, or else the default.
pub(crate) fn inputs(default: usize) -> usize {
    std::env::var("CENTRIFUGO_API_FUZZ").map_or(default, |number| {
        number.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    })
}

/// Numbers that are the same in each run: xorshift64.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    /// Returns the bytes with one to four of them changed, added or removed.
    pub(crate) fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] = self.below(256).try_into().unwrap(),
                1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes.insert(at, self.below(256).try_into().unwrap()),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    }
}
