//! The curves of ECDSA.

use pkcs8::ObjectIdentifier;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::error::Error;

/// A curve that Centrifugo knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Returns the name that JWKs use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(super) fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::P256 => "1.2.840.10045.3.1.7",
            Self::P384 => "1.3.132.0.34",
            Self::P521 => "1.3.132.0.35",
        })
    }

    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    /// Returns the length of a coordinate in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(super) fn by_name(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|curve| curve.name() == name);
        known.ok_or_else(|| unknown(name))
    }

    pub(super) fn by_oid(oid: ObjectIdentifier) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|curve| curve.oid() == oid);
        known.ok_or_else(|| unknown(&oid.to_string()))
    }

    /// Returns a private number with the length of the curve: some writers leave leading zeros out.
    pub(super) fn padded(self, private: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let missing = self.length().checked_sub(private.len());
        let missing = missing.ok_or_else(|| {
            Error::key(format!("the private key is too long for {}", self.name()))
        })?;
        let mut padded = Zeroizing::new(vec![0; self.length()]);
        padded[missing..].copy_from_slice(private);
        Ok(padded)
    }
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(40).collect();
    Error::key(format!(
        "the curve {name:?} is not one of P-256, P-384 and P-521, which Centrifugo knows"
    ))
}
