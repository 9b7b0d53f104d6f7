//! Keys of a JWKS, as Centrifugo reads them.

use super::{Jwk, decode, member, secret, unknown_kty};
use crate::error::Error;
use crate::key::{PublicKey, PublicMaterial};
use crate::provider;

/// A key of a JWKS that is for signatures.
#[derive(Clone, Debug)]
pub(crate) struct KeyOfSet {
    pub(crate) kid: Option<String>,
    /// The key, or the reason why its tokens are refused.
    pub(crate) key: Result<PublicKey, String>,
}

impl Jwk {
    /// Returns the key, or `None` if it is not for signatures. Errors are what fails the whole set: a key that cannot be read,
    /// or, stricter than Centrifugo, a private key for signatures.
    pub(crate) fn of_set(self) -> Result<Option<KeyOfSet>, Error> {
        self.check_members()?;
        self.check_readable()?;
        if self.usage.as_deref() != Some("sig") {
            return Ok(None);
        }
        if self.d.is_some() {
            return Err(super::private_in_public());
        }
        let key = self.usable().map_err(|error| match error {
            Error::Key(problem) => problem,
            other => other.to_string(),
        });
        let kid = self.kid;
        Ok(Some(KeyOfSet { kid, key }))
    }

    /// Checks that each member that is bytes can be decoded, whether it belongs to the key or not.
    fn check_members(&self) -> Result<(), Error> {
        let texts = [
            ("n", &self.n),
            ("e", &self.e),
            ("x", &self.x),
            ("y", &self.y),
        ];
        for (name, text) in texts {
            if text.as_deref().is_some_and(|text| !text.is_empty()) {
                member(name, text)?;
            }
        }
        let secrets = [
            ("d", &self.d),
            ("p", &self.p),
            ("q", &self.q),
            ("dp", &self.dp),
            ("dq", &self.dq),
            ("qi", &self.qi),
            ("k", &self.k),
        ];
        for (name, text) in secrets {
            if text.as_ref().is_some_and(|text| !text.is_empty()) {
                secret(name, text)?;
            }
        }
        Ok(())
    }

    /// Checks what Centrifugo checks as soon as it reads a set, whatever the key is for.
    fn check_readable(&self) -> Result<(), Error> {
        match self.kty.as_str() {
            "oct" => secret("k", &self.k).map(drop),
            "RSA" => {
                member("n", &self.n)?;
                PublicMaterial::check_exponent(&member("e", &self.e)?)
            }
            "EC" => {
                let curve = self.curve()?;
                let point = self.point()?;
                // A curve that the provider does not have makes the key unusable, not the set.
                if provider::curve(curve).is_ok() {
                    PublicMaterial::ecdsa(curve, &point)?;
                }
                Ok(())
            }
            "OKP" => {
                let length = decode("x", self.x.as_deref())?.len();
                match self.crv.as_deref() {
                    Some("Ed25519" | "X25519") if length != 32 => Err(Error::key(
                        "the JWK's `x` must have 32 bytes on Ed25519 and X25519",
                    )),
                    Some("Ed25519" | "X25519" | "Ed448" | "X448") => Ok(()),
                    _ => self.check_ed25519(),
                }
            }
            kty => Err(unknown_kty(kty)),
        }
    }

    /// Returns the key if it verifies tokens.
    fn usable(&self) -> Result<PublicKey, Error> {
        if self.kty == "OKP" {
            // Centrifugo does not look at its `alg`.
            let material = self.public_material()?;
            return Ok(PublicKey::new(material, None, self.kid.clone()));
        }
        self.public()
    }
}
