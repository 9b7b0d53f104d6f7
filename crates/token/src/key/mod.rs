//! Keys that sign.

mod curve;
mod der;
pub(crate) mod hmac;
mod jwk;
mod pem;
mod public;
mod thumbprint;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

pub(crate) use curve::Curve;
pub(crate) use jwk::{Jwk, KeyOfSet};
pub use public::PublicKey;
use public::PublicMaterial;

use crate::algorithm::{Algorithm, Family};
use crate::error::Error;
use crate::provider::{self, signature};
use signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};

/// A key that signs tokens: an HMAC secret, or the private half of an RSA, ECDSA or Ed25519 key.
///
/// The algorithm follows from the key: the curve decides it for ECDSA, and the size of the hash is chosen for HMAC and RSA.
/// Clones share the key and are cheap.
///
/// ```
/// use centrifugo_token::{Algorithm, Key};
///
/// let key = Key::hs512("a secret of 64 bytes or more would be as strong as its hash, SHA-512")?;
/// assert_eq!(key.algorithm(), Algorithm::Hs512);
/// assert_eq!(format!("{key:?}"), r#"Key { algorithm: Hs512, kid: None }"#);
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
///
/// # Secrets in memory
///
/// HMAC secrets, and the buffers from which keys are read, are overwritten when they are dropped. AWS-LC overwrites its key
/// pairs too; ring does not. The text that you pass is yours to overwrite.
#[derive(Clone)]
pub struct Key {
    material: Arc<Material>,
    algorithm: Algorithm,
    kid: Option<String>,
    /// The limit of a key of a set.
    longest_lifetime: Option<Duration>,
}

/// The part of a key that signs.
enum Material {
    Hmac(Zeroizing<Vec<u8>>),
    Rsa(RsaKeyPair, PublicMaterial),
    Ecdsa(EcdsaKeyPair, PublicMaterial),
    Ed25519(Ed25519KeyPair, PublicMaterial),
}

/// # Private keys
impl Key {
    /// Reads a private key in PEM: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC 1).
    ///
    /// An RSA key signs with RS256, see [`with_algorithm`](Self::with_algorithm).
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if there is no such section, if the key is encrypted, public, damaged, of an unknown kind, or an RSA key
    /// below 2048 bits.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        pem::private(pem.as_ref())
    }

    /// Reads a private key in DER: PKCS#8, PKCS#1 or SEC 1.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        der::private(der)
    }

    /// Reads a private or symmetric key of a JWK (RFC 7517): `kty` is `RSA`, `EC`, `OKP` or `oct`.
    ///
    /// `alg` and `kid` are taken from it, if present. Without `alg`, RSA keys sign with RS256 and secrets with HS256.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if a member is missing or wrong, if the key is public, or if [`hs256`](Self::hs256) would refuse the secret.
    pub fn from_jwk(json: &str) -> Result<Self, Error> {
        jwk::private(json)
    }

    /// Sets the algorithm: another size of the hash for RSA keys and HMAC secrets.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key is of another kind.
    ///
    /// ```
    /// use centrifugo_token::{Algorithm, Key};
    ///
    /// # let pem = include_str!("../../tests/data/rsa2048.pem");
    /// let key = Key::from_pem(pem)?.with_algorithm(Algorithm::Rs512)?;
    /// assert!(key.with_algorithm(Algorithm::Es256).is_err());
    /// # Ok::<(), centrifugo_token::Error>(())
    /// ```
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self, Error> {
        let has_sizes = matches!(self.family(), Family::Hmac | Family::Rsa);
        let is_other_size = has_sizes && algorithm.family() == self.family();
        if algorithm != self.algorithm && !is_other_size {
            return Err(Error::key(format!(
                "a key for {} cannot sign with {algorithm}",
                self.algorithm
            )));
        }
        self.algorithm = algorithm;
        Ok(self)
    }

    pub(crate) fn rsa(pkcs1: &[u8], public: PublicMaterial) -> Result<Self, Error> {
        let pair = RsaKeyPair::from_der(pkcs1);
        let pair =
            pair.map_err(|error| Error::key(format!("the RSA key is not usable: {error}")))?;
        Ok(Self::new(Material::Rsa(pair, public), Algorithm::Rs256))
    }

    /// Creates an ECDSA key of the private number and the uncompressed point.
    pub(crate) fn ecdsa(curve: Curve, private: &[u8], point: &[u8]) -> Result<Self, Error> {
        let private = curve.padded(private)?;
        let public = PublicMaterial::ecdsa(curve, point)?;
        let pair = provider::ecdsa(curve, &private, point)?;
        Ok(Self::new(Material::Ecdsa(pair, public), curve.algorithm()))
    }

    pub(crate) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, Error> {
        let pair = match public {
            Some(public) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => Ed25519KeyPair::from_seed_unchecked(seed),
        };
        let pair =
            pair.map_err(|error| Error::key(format!("the Ed25519 key is not usable: {error}")))?;
        let public = signature::KeyPair::public_key(&pair).as_ref().to_vec();
        let public = PublicMaterial::Ed25519(public);
        Ok(Self::new(Material::Ed25519(pair, public), Algorithm::EdDsa))
    }
}

/// # Key IDs
impl Key {
    /// Sets the key ID, which the header of each token names. Centrifugo looks a key of a JWKS up by it.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Sets the key ID to the [`thumbprint`](Self::thumbprint), so that each key has an ID of its own on every instance.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] for an HMAC secret.
    pub fn with_thumbprint_kid(self) -> Result<Self, Error> {
        let thumbprint = self.thumbprint().ok_or_else(|| {
            Error::key(
                "an HMAC secret has no thumbprint, which would help to guess it: use with_kid",
            )
        })?;
        Ok(self.with_kid(thumbprint))
    }

    /// Returns the key ID.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns the thumbprint of the public half (RFC 7638, SHA-256, base64url), or `None` for an HMAC secret, which could be
    /// guessed from its thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        self.public_material().map(thumbprint::of)
    }

    /// Returns the public half, with the algorithm and the key ID, or `None` for an HMAC secret.
    #[must_use]
    pub fn public(&self) -> Option<PublicKey> {
        let material = self.public_material()?.clone();
        Some(PublicKey::new(
            material,
            Some(self.algorithm),
            self.kid.clone(),
        ))
    }
}

/// # Signing
impl Key {
    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs a message. Tokens are signed by [`ConnectionClaims::sign`](crate::ConnectionClaims::sign) and
    /// [`SubscriptionClaims::sign`](crate::SubscriptionClaims::sign).
    ///
    /// ECDSA signatures are r and s, one after the other, as JWTs have them.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the provider of cryptography fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = match &*self.material {
            Material::Hmac(secret) => Some(hmac::tag(secret, self.algorithm, message)),
            Material::Rsa(pair, public) => {
                provider::sign_rsa(pair, self.algorithm, public.modulus_length(), message)
            }
            Material::Ecdsa(pair, _) => provider::sign_ecdsa(pair, message),
            Material::Ed25519(pair, _) => Some(pair.sign(message).as_ref().to_vec()),
        };
        signature.ok_or_else(|| Error::key("the provider of cryptography failed to sign"))
    }

    /// Returns an HMAC secret.
    pub(crate) fn secret(&self) -> Option<&[u8]> {
        match &*self.material {
            Material::Hmac(secret) => Some(secret),
            Material::Rsa(..) | Material::Ecdsa(..) | Material::Ed25519(..) => None,
        }
    }

    /// Checks the tag of an HMAC secret, with any of the hashes; false for other keys.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], tag: &[u8]) -> bool {
        match &*self.material {
            Material::Hmac(secret) => hmac::fits(secret, algorithm, message, tag),
            Material::Rsa(..) | Material::Ecdsa(..) | Material::Ed25519(..) => false,
        }
    }

    fn new(material: Material, algorithm: Algorithm) -> Self {
        Self {
            material: Arc::new(material),
            algorithm,
            kid: None,
            longest_lifetime: None,
        }
    }

    /// Sets the longest lifetime of tokens that the key signs.
    pub(crate) fn with_longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = Some(lifetime);
        self
    }

    pub(crate) fn longest_lifetime(&self) -> Option<Duration> {
        self.longest_lifetime
    }

    pub(crate) fn family(&self) -> Family {
        self.algorithm.family()
    }

    fn public_material(&self) -> Option<&PublicMaterial> {
        match &*self.material {
            Material::Hmac(_) => None,
            Material::Rsa(_, public)
            | Material::Ecdsa(_, public)
            | Material::Ed25519(_, public) => Some(public),
        }
    }
}

/// Shows the algorithm and the key ID alone.
impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish()
    }
}
