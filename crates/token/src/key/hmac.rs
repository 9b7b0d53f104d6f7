//! Keys that are secrets.

use zeroize::Zeroizing;

use super::{Key, Material, pem};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::provider::hmac;

/// # HMAC secrets
impl Key {
    /// Creates a key for HS256 of the secret that Centrifugo has as `client.token.hmac_secret_key`.
    ///
    /// The secret's bytes are the key: a secret in hexadecimal or base64 is not decoded, as Centrifugo does not decode it.
    /// Any length above 0 is taken. A secret shorter than the hash (32 bytes for HS256) can be guessed if it is not random:
    /// see [`require_strong_secret`](Self::require_strong_secret).
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the secret is empty, has a zero byte in a text, begins or ends with white space in a text, or has a
    /// section of PEM: everybody could sign with a public key. [`from_pem`](Self::from_pem) reads keys in PEM.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::hmac(secret.as_ref(), Algorithm::Hs256)
    }

    /// Creates a key for HS384; see [`hs256`](Self::hs256).
    ///
    /// # Errors
    ///
    /// As [`hs256`](Self::hs256).
    pub fn hs384(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::hmac(secret.as_ref(), Algorithm::Hs384)
    }

    /// Creates a key for HS512; see [`hs256`](Self::hs256).
    ///
    /// # Errors
    ///
    /// As [`hs256`](Self::hs256).
    pub fn hs512(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::hmac(secret.as_ref(), Algorithm::Hs512)
    }

    /// Checks that an HMAC secret is as long as its hash, which RFC 7518 (section 3.2) requires: 32 bytes for HS256, 48 for
    /// HS384, 64 for HS512. Returns keys of other kinds as they are: they are always checked.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the secret is shorter.
    ///
    /// ```
    /// # use centrifugo_token::Key;
    /// assert!(Key::hs256("secret")?.require_strong_secret().is_err());
    /// # Ok::<(), centrifugo_token::Error>(())
    /// ```
    pub fn require_strong_secret(self) -> Result<Self, Error> {
        if let Material::Hmac(secret) = &*self.material {
            let needed = self.algorithm.hash_length();
            if secret.len() < needed {
                return Err(Error::key(format!(
                    "the secret has {} bytes, and {} needs {needed}: make one with `openssl rand -hex {needed}`",
                    secret.len(),
                    self.algorithm
                )));
            }
        }
        Ok(self)
    }

    /// Creates a key of a secret, if it may stand in Centrifugo's configuration.
    pub(super) fn hmac(secret: &[u8], algorithm: Algorithm) -> Result<Self, Error> {
        let secret = checked(secret)?;
        Ok(Self::new(Material::Hmac(secret), algorithm))
    }
}

/// Returns a secret that may stand in Centrifugo's configuration.
///
/// The ends of bytes that are not a text, such as random ones, may be any.
pub(crate) fn checked(secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if secret.is_empty() {
        return Err(Error::key("the HMAC secret is empty"));
    }
    if pem::has_section(secret) {
        return Err(Error::key(
            "the HMAC secret is a key in PEM, and whoever has a public key could sign with it: read it with from_pem",
        ));
    }
    let Ok(text) = std::str::from_utf8(secret) else {
        return Ok(Zeroizing::new(secret.to_vec()));
    };
    if text.trim() != text {
        return Err(Error::key(
            "the HMAC secret begins or ends with white space: a line end read from a file?",
        ));
    }
    if text.contains('\0') {
        return Err(Error::key(
            "the HMAC secret is a text with a zero byte, which no variable of the environment can have",
        ));
    }
    Ok(Zeroizing::new(secret.to_vec()))
}

/// Returns the tag of a message.
pub(crate) fn tag(secret: &[u8], algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    hmac::sign(&keyed(secret, algorithm), message)
        .as_ref()
        .to_vec()
}

/// Checks the tag of a message, in a time that does not depend on it.
pub(crate) fn fits(secret: &[u8], algorithm: Algorithm, message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&keyed(secret, algorithm), message, tag).is_ok()
}

fn keyed(secret: &[u8], algorithm: Algorithm) -> hmac::Key {
    let algorithm = match algorithm {
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::Key::new(algorithm, secret)
}
