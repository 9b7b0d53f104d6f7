//! Keys as JWK: RFC 7517, 7518 and 8037.

mod of_set;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Curve, Key, PublicKey, PublicMaterial, der};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::object::Object;
pub(crate) use of_set::KeyOfSet;

/// The members that are read. The private ones are overwritten when dropped.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Secret,
    p: Secret,
    q: Secret,
    dp: Secret,
    dq: Secret,
    qi: Secret,
    k: Secret,
}

type Secret = Option<Zeroizing<String>>;

/// Reads a public key.
pub(crate) fn from_str(json: &str) -> Result<PublicKey, Error> {
    Jwk::parse(json)?.public()
}

/// Reads a private or symmetric key.
pub(super) fn private(json: &str) -> Result<Key, Error> {
    let jwk = Jwk::parse(json)?;
    let mut key = jwk.private_key()?;
    if let Some(alg) = &jwk.alg {
        key = key.with_algorithm(alg.parse()?)?;
    }
    key.kid = jwk.kid;
    Ok(key)
}

impl Jwk {
    /// Reads the members.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        // serde reads structs from arrays too.
        if !json.trim_ascii_start().starts_with('{') {
            return Err(Error::key("the JWK is not an object"));
        }
        // The text of serde_json's errors may show a value, such as a secret of the wrong type.
        serde_json::from_str(json).map_err(|error| match not_text(json) {
            Some(name) => Error::key(format!("the JWK's `{name}` is not a text")),
            None => Error::key(format!(
                "the JWK is not JSON, or has a member twice: line {}, column {}",
                error.line(),
                error.column()
            )),
        })
    }

    /// Returns the public key, and refuses private and symmetric ones.
    pub(crate) fn public(&self) -> Result<PublicKey, Error> {
        if self.kty == "oct" || self.k.is_some() {
            return Err(Error::key(
                "the JWK is a symmetric key (`kty` oct), which only its owners may know",
            ));
        }
        if self.d.is_some() {
            return Err(private_in_public());
        }
        let material = self.public_material()?;
        let algorithm: Option<Algorithm> = self.alg.as_deref().map(str::parse).transpose()?;
        let key = PublicKey::new(material, None, self.kid.clone());
        let Some(algorithm) = algorithm else {
            return Ok(key);
        };
        if !key.allows(algorithm) {
            return Err(Error::key(format!(
                "the JWK's `alg` {algorithm} does not fit its key"
            )));
        }
        Ok(PublicKey::new(key.material, Some(algorithm), key.kid))
    }

    fn public_material(&self) -> Result<PublicMaterial, Error> {
        match self.kty.as_str() {
            "RSA" => PublicMaterial::rsa(&member("n", &self.n)?, &member("e", &self.e)?),
            "EC" => PublicMaterial::ecdsa(self.curve()?, &self.point()?),
            "OKP" => {
                self.check_ed25519()?;
                PublicMaterial::ed25519(&member("x", &self.x)?)
            }
            kty => Err(unknown_kty(kty)),
        }
    }

    fn private_key(&self) -> Result<Key, Error> {
        if self.kty == "oct" {
            let secret = secret("k", &self.k)?;
            return Key::hmac(&secret, Algorithm::Hs256);
        }
        if self.d.is_none() && self.public_material().is_ok() {
            return Err(Error::key(
                "the JWK is a public key, which cannot sign: give the private one, with `d`",
            ));
        }
        match self.kty.as_str() {
            "RSA" => self.rsa(),
            "EC" => Key::ecdsa(self.curve()?, &secret("d", &self.d)?, &self.point()?),
            "OKP" => {
                self.check_ed25519()?;
                Key::ed25519(&secret("d", &self.d)?, Some(&member("x", &self.x)?))
            }
            kty => Err(unknown_kty(kty)),
        }
    }

    fn rsa(&self) -> Result<Key, Error> {
        let n = member("n", &self.n)?;
        let e = member("e", &self.e)?;
        let numbers = der::RsaNumbers {
            n: &n,
            e: &e,
            d: &secret("d", &self.d)?,
            p: &secret("p", &self.p)?,
            q: &secret("q", &self.q)?,
            dp: &secret("dp", &self.dp)?,
            dq: &secret("dq", &self.dq)?,
            qi: &secret("qi", &self.qi)?,
        };
        Key::rsa(&numbers.to_pkcs1()?, PublicMaterial::rsa(&n, &e)?)
    }

    fn curve(&self) -> Result<Curve, Error> {
        Curve::by_name(self.crv.as_deref().unwrap_or_default())
    }

    fn point(&self) -> Result<Vec<u8>, Error> {
        let length = self.curve()?.length();
        let x = member("x", &self.x)?;
        let y = member("y", &self.y)?;
        if x.len() != length || y.len() != length {
            return Err(Error::key(format!(
                "the JWK's `x` and `y` must have {length} bytes each on {}",
                self.curve()?.name()
            )));
        }
        Ok([&[4][..], &x, &y].concat())
    }

    fn check_ed25519(&self) -> Result<(), Error> {
        let crv = self.crv.as_deref().unwrap_or_default();
        if crv == "Ed25519" {
            return Ok(());
        }
        let crv: String = crv.chars().take(20).collect();
        Err(Error::key(format!(
            "the JWK's `crv` {crv:?} is not Ed25519, the only one that Centrifugo knows of OKP"
        )))
    }
}

fn private_in_public() -> Error {
    Error::key("the JWK is a private key (`d`): publish `PublicKey::to_jwk`")
}

fn unknown_kty(kty: &str) -> Error {
    let kty: String = kty.chars().take(20).collect();
    Error::key(format!(
        "the JWK's `kty` {kty:?} is not one of RSA, EC, OKP and, for secrets, oct"
    ))
}

/// Returns the name of a member that should be a text and is not.
fn not_text(json: &str) -> Option<&'static str> {
    const TEXTS: [&str; 16] = [
        "kty", "kid", "use", "alg", "crv", "n", "e", "x", "y", "d", "p", "q", "dp", "dq", "qi", "k",
    ];
    let members: HashMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    TEXTS.into_iter().find(|name| {
        let value = members.get(*name).map(|value| value.get());
        value.is_some_and(|value| !value.starts_with('"') && (value != "null" || *name == "kty"))
    })
}

fn member(name: &str, value: &Option<String>) -> Result<Vec<u8>, Error> {
    decode(name, value.as_deref())
}

fn secret(name: &str, value: &Secret) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = value.as_ref().map(|text| text.as_str());
    decode(name, text).map(Zeroizing::new)
}

fn decode(name: &str, text: Option<&str>) -> Result<Vec<u8>, Error> {
    let text = text.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::key(format!("the JWK has no `{name}`")))?;
    // The text of the decoder's errors shows a byte of the input.
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| {
        Error::key(format!(
            "the JWK's `{name}` is not base64url without padding"
        ))
    })
}

/// Returns x and y of an uncompressed point, in base64url.
pub(super) fn coordinates(point: &[u8]) -> (String, String) {
    let (x, y) = point[1..].split_at(point.len() / 2);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// Returns the JWK of a public key.
pub(super) fn write(key: &PublicKey) -> String {
    // No member is written twice, and each is a text: nothing can fail.
    write_object(key).unwrap_or_default()
}

fn write_object(key: &PublicKey) -> Result<String, Error> {
    let mut jwk = Object::new();
    jwk.put("kty", kty_of(&key.material))?;
    jwk.put_some("kid", &key.kid)?;
    jwk.put("use", "sig")?;
    jwk.put_some("alg", &key.algorithm.map(Algorithm::name))?;
    match &key.material {
        PublicMaterial::Rsa { modulus, exponent } => {
            jwk.put("n", &URL_SAFE_NO_PAD.encode(modulus))?;
            jwk.put("e", &URL_SAFE_NO_PAD.encode(exponent))?;
        }
        PublicMaterial::Ecdsa { curve, point } => {
            let (x, y) = coordinates(point);
            jwk.put("crv", curve.name())?;
            jwk.put("x", &x)?;
            jwk.put("y", &y)?;
        }
        PublicMaterial::Ed25519(bytes) => {
            jwk.put("crv", "Ed25519")?;
            jwk.put("x", &URL_SAFE_NO_PAD.encode(bytes))?;
        }
    }
    Ok(jwk.finish())
}

fn kty_of(material: &PublicMaterial) -> &'static str {
    match material {
        PublicMaterial::Rsa { .. } => "RSA",
        PublicMaterial::Ecdsa { .. } => "EC",
        PublicMaterial::Ed25519(_) => "OKP",
    }
}
