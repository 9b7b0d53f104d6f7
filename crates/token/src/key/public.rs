//! Public keys.

use pkcs8::der::asn1::{AnyRef, BitStringRef, UintRef};
use pkcs8::der::{Encode as _, Tag};
use pkcs8::spki::{AlgorithmIdentifier, SubjectPublicKeyInfoRef};

use super::{Curve, der, jwk, pem, thumbprint};
use crate::algorithm::{Algorithm, Family};
use crate::error::Error;
use crate::provider::{self, signature};

/// The shortest RSA key in bits.
const SHORTEST_RSA: usize = 2048;

/// The public half of a key: it verifies tokens, and may be shown to everybody.
///
/// ```
/// use centrifugo_token::{Key, PublicKey};
///
/// # let pem = include_str!("../../tests/data/ed25519.pem");
/// let public = Key::from_pem(pem)?.with_kid("2026-01").public().ok_or("an HMAC secret")?;
/// assert!(public.to_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
/// assert!(public.to_jwk().starts_with(r#"{"kty":"OKP","kid":"2026-01","use":"sig","alg":"EdDSA","#));
/// assert_eq!(PublicKey::from_jwk(&public.to_jwk())?, public);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) material: PublicMaterial,
    /// `None` for an RSA key that verifies with each size of the hash.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) kid: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicMaterial {
    /// Big-endian numbers without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// An uncompressed point.
    Ecdsa {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads a public key in PEM: `PUBLIC KEY`, or a `CERTIFICATE` that contains one, as Centrifugo does. The certificate's
    /// validity and issuer are not checked.
    ///
    /// An RSA key verifies RS256, RS384 and RS512.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if there is no such section, if the key is private or of an unknown kind, or an RSA key below 2048 bits.
    pub fn from_pem(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        pem::public(text.as_ref())
    }

    /// Reads a public key in DER: SubjectPublicKeyInfo, or a certificate.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        der::public(bytes)
    }

    /// Reads a public key of a JWK (RFC 7517): `kty` is `RSA`, `EC` or `OKP`.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if a member is missing or wrong, or if the JWK has a private or symmetric key.
    pub fn from_jwk(json: &str) -> Result<Self, Error> {
        jwk::from_str(json)
    }

    /// Returns the key in PEM, as `client.token.rsa_public_key` and `ecdsa_public_key` have it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write("PUBLIC KEY", &self.to_der())
    }

    /// Returns the key in DER, as SubjectPublicKeyInfo.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        // The numbers and the points have been checked, so that nothing can fail.
        self.material.to_spki().unwrap_or_default()
    }

    /// Returns the key as a JWK with `kty`, `kid`, `use` and `alg`, as far as they are known.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        jwk::write(self)
    }

    /// Returns the key ID.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Sets the key ID, by which Centrifugo finds the key in a JWKS.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Returns the algorithm, or `None` for an RSA key that verifies RS256, RS384 and RS512.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Returns the thumbprint (RFC 7638, SHA-256, base64url).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        thumbprint::of(&self.material)
    }

    /// Checks a signature. Returns false for an algorithm that the key does not have, whatever the signature.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.allows(algorithm) && self.material.verify(algorithm, message, signature)
    }

    pub(crate) fn new(
        material: PublicMaterial,
        algorithm: Option<Algorithm>,
        kid: Option<String>,
    ) -> Self {
        let algorithm = match &material {
            PublicMaterial::Rsa { .. } => algorithm,
            PublicMaterial::Ecdsa { curve, .. } => Some(curve.algorithm()),
            PublicMaterial::Ed25519(_) => Some(Algorithm::EdDsa),
        };
        Self {
            material,
            algorithm,
            kid,
        }
    }

    pub(crate) fn family(&self) -> Family {
        match self.material {
            PublicMaterial::Rsa { .. } => Family::Rsa,
            PublicMaterial::Ecdsa { .. } => Family::Ecdsa,
            PublicMaterial::Ed25519(_) => Family::Ed25519,
        }
    }

    /// Returns the key for each size of the hash, as a key without `alg` is.
    pub(crate) fn for_each_hash(self) -> Self {
        Self::new(self.material, None, self.kid)
    }

    pub(crate) fn allows(&self, algorithm: Algorithm) -> bool {
        match self.algorithm {
            Some(own) => own == algorithm,
            None => matches!(
                algorithm,
                Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512
            ),
        }
    }
}

impl PublicMaterial {
    /// Checks the size of an RSA key.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let modulus = without_zeros(modulus);
        let exponent = without_zeros(exponent);
        let first = modulus
            .first()
            .map_or(8, |first| first.leading_zeros() as usize);
        let bits = (8 * modulus.len()).saturating_sub(first);
        if bits < SHORTEST_RSA {
            return Err(Error::key(format!(
                "the RSA key has {bits} bits, fewer than {SHORTEST_RSA}, and is too weak: make one with `openssl genrsa -out \
                 key.pem 3072`"
            )));
        }
        Self::check_exponent(exponent)?;
        Ok(Self::Rsa {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
        })
    }

    /// Checks that an exponent is neither 0 nor above 2³¹ - 1, the limit of Centrifugo.
    pub(super) fn check_exponent(exponent: &[u8]) -> Result<(), Error> {
        let exponent = without_zeros(exponent);
        let is_large = exponent.len() > 4 || (exponent.len() == 4 && exponent[0] > 0x7f);
        if exponent.is_empty() || is_large {
            return Err(Error::key(
                "the RSA key's exponent is 0 or above 2147483647: make a key with the exponent 65537",
            ));
        }
        Ok(())
    }

    /// Checks the form of a point, and that it is on the curve.
    pub(super) fn ecdsa(curve: Curve, point: &[u8]) -> Result<Self, Error> {
        provider::curve(curve)?;
        let is_compressed = matches!(point.first(), Some(2 | 3));
        if is_compressed && point.len() == 1 + curve.length() {
            return Err(Error::key(
                "the point of the public key is compressed: convert it with `openssl ec -in key.pem -conv_form uncompressed \
                 -out full.pem`, and `-pubin -pubout` for a public key",
            ));
        }
        let is_uncompressed = point.first() == Some(&4);
        if !is_uncompressed || point.len() != 1 + 2 * curve.length() {
            return Err(Error::key(format!(
                "the public key is not an uncompressed point on {}",
                curve.name()
            )));
        }
        if !provider::is_on_curve(curve, point) {
            return Err(Error::key(format!(
                "the public key is not a point on the curve {}: the key is damaged",
                curve.name()
            )));
        }
        let point = point.to_vec();
        Ok(Self::Ecdsa { curve, point })
    }

    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != 32 {
            return Err(Error::key("an Ed25519 public key has 32 bytes"));
        }
        Ok(Self::Ed25519(bytes.to_vec()))
    }

    /// Returns the length of an RSA key's signatures in bytes, 0 for other keys.
    pub(super) fn modulus_length(&self) -> usize {
        match self {
            Self::Rsa { modulus, .. } => modulus.len(),
            _ => 0,
        }
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
        match self {
            Self::Rsa { modulus, exponent } => {
                let parameters = match algorithm {
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    _ => &signature::RSA_PKCS1_2048_8192_SHA256,
                };
                let n = modulus;
                let e = exponent;
                let key = signature::RsaPublicKeyComponents { n, e };
                key.verify(parameters, message, signed).is_ok()
            }
            Self::Ecdsa { curve, point } => provider::curve(*curve).is_ok_and(|algorithms| {
                let key = signature::UnparsedPublicKey::new(algorithms.verification, point);
                key.verify(message, signed).is_ok()
            }),
            Self::Ed25519(bytes) => {
                let key = signature::UnparsedPublicKey::new(&signature::ED25519, bytes);
                key.verify(message, signed).is_ok()
            }
        }
    }

    fn to_spki(&self) -> pkcs8::der::Result<Vec<u8>> {
        let oid = der::oid_of(self);
        match self {
            Self::Rsa { modulus, exponent } => {
                let modulus = UintRef::new(modulus)?;
                let public_exponent = UintRef::new(exponent)?;
                let key = pkcs1::RsaPublicKey {
                    modulus,
                    public_exponent,
                };
                let null = AnyRef::new(Tag::Null, &[])?;
                spki(oid, Some(null), &key.to_der()?)
            }
            Self::Ecdsa { curve, point } => {
                let curve = curve.oid();
                spki(oid, Some(AnyRef::from(&curve)), point)
            }
            Self::Ed25519(bytes) => spki(oid, None, bytes),
        }
    }
}

fn spki(
    oid: pkcs8::ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    key: &[u8],
) -> pkcs8::der::Result<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifier { oid, parameters },
        subject_public_key: BitStringRef::from_bytes(key)?,
    };
    info.to_der()
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
