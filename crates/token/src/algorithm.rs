//! The algorithms of signatures.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// An algorithm of signatures that Centrifugo knows, by its name of RFC 7518.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA, PKCS#1 v1.5, with SHA-256.
    Rs256,
    /// RSA, PKCS#1 v1.5, with SHA-384.
    Rs384,
    /// RSA, PKCS#1 v1.5, with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512. Not with the feature `ring` alone.
    Es512,
    /// Ed25519.
    EdDsa,
}

/// The kind of key that an algorithm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Hmac,
    Rsa,
    Ecdsa,
    Ed25519,
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hmac => "HMAC",
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
            Self::Ed25519 => "Ed25519",
        })
    }
}

impl Algorithm {
    pub(crate) const ALL: [Self; 10] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// Returns the name that a token's header has, such as `HS256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
            Self::Rs256 | Self::Rs384 | Self::Rs512 => Family::Rsa,
            Self::Es256 | Self::Es384 | Self::Es512 => Family::Ecdsa,
            Self::EdDsa => Family::Ed25519,
        }
    }

    /// Returns the length of the algorithm's hash in bytes.
    pub(crate) fn hash_length(self) -> usize {
        match self {
            Self::Hs256 | Self::Rs256 | Self::Es256 => 32,
            Self::Hs384 | Self::Rs384 | Self::Es384 => 48,
            Self::Hs512 | Self::Rs512 | Self::Es512 | Self::EdDsa => 64,
        }
    }

    /// Returns the length of a signature in bytes; that of RSA depends on the key.
    pub(crate) fn signature_length(self) -> Option<usize> {
        match self.family() {
            Family::Hmac => Some(self.hash_length()),
            Family::Rsa => None,
            Family::Ecdsa if self == Self::Es512 => Some(132),
            Family::Ecdsa => Some(2 * self.hash_length()),
            Family::Ed25519 => Some(64),
        }
    }
}

/// Writes the name, such as `HS256`.
impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Reads a name, such as `HS256`, in exactly this case.
impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        known.ok_or_else(|| {
            let name: String = name.chars().take(20).collect();
            Error::key(format!(
                "Centrifugo does not know the algorithm {name:?}: use HS256, HS384, HS512, RS256, RS384, RS512, ES256, \
                 ES384, ES512 or EdDSA"
            ))
        })
    }
}
