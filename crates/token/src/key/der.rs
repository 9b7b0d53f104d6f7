//! Keys in DER.

use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::der::asn1::{OctetStringRef, UintRef};
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::EcPrivateKey;
use x509_cert::Certificate;

use super::{Curve, Key, PublicKey, PublicMaterial};
use crate::error::Error;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ECDSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// The kind of field that the parameters of a curve name.
const PRIME_FIELD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.1.1");

pub(super) fn oid_of(material: &PublicMaterial) -> ObjectIdentifier {
    match material {
        PublicMaterial::Rsa { .. } => RSA,
        PublicMaterial::Ecdsa { .. } => ECDSA,
        PublicMaterial::Ed25519(_) => ED25519,
    }
}

/// Reads a private key in any of the three forms.
pub(super) fn private(der: &[u8]) -> Result<Key, Error> {
    if PrivateKeyInfoRef::from_der(der).is_ok() {
        return pkcs8(der);
    }
    if RsaPrivateKeyRef::from_der(der).is_ok() {
        return pkcs1(der);
    }
    if EcPrivateKey::from_der(der).is_ok() {
        return sec1(der, None);
    }
    if public(der).is_ok() {
        return Err(Error::key(
            "this is a public key, which cannot sign: give the private one",
        ));
    }
    Err(Error::key(
        "this is not a private key in DER: PKCS#8, PKCS#1 or SEC 1",
    ))
}

pub(super) fn pkcs8(der: &[u8]) -> Result<Key, Error> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|error| damaged("PKCS#8", error))?;
    let key = info.private_key.as_bytes();
    match info.algorithm.oid {
        RSA => pkcs1(key),
        ECDSA => sec1(key, Some(curve_of(&info.algorithm)?)),
        ED25519 => {
            let seed =
                <&OctetStringRef>::from_der(key).map_err(|error| damaged("PKCS#8", error))?;
            let public = info.public_key.and_then(|public| public.as_bytes());
            Key::ed25519(seed.as_bytes(), public)
        }
        other => Err(unknown(other)),
    }
}

pub(super) fn pkcs1(der: &[u8]) -> Result<Key, Error> {
    let key = RsaPrivateKeyRef::from_der(der).map_err(|error| damaged("PKCS#1", error))?;
    let modulus = key.modulus.as_bytes();
    let exponent = key.public_exponent.as_bytes();
    Key::rsa(der, PublicMaterial::rsa(modulus, exponent)?)
}

/// Reads an ECDSA key. The curve stands in the key, or around it.
pub(super) fn sec1(der: &[u8], outer: Option<Curve>) -> Result<Key, Error> {
    let key = EcPrivateKey::from_der(der).map_err(|error| {
        // Parameters of a curve begin with the OID of prime-field.
        let field = [&[0x06, 0x07][..], PRIME_FIELD.as_bytes()].concat();
        if der.windows(field.len()).any(|part| part == field) {
            unnamed_curve()
        } else {
            damaged("SEC 1", error)
        }
    })?;
    let inner = key
        .parameters
        .and_then(|parameters| parameters.named_curve());
    let inner = inner.map(Curve::by_oid).transpose()?;
    let curve = outer.or(inner).ok_or_else(|| {
        Error::key("the ECDSA key does not name its curve: convert it with `openssl pkcs8 -topk8 -nocrypt`")
    })?;
    let point = key.public_key.ok_or_else(|| {
        Error::key(
            "the ECDSA key has no public half: add it with `openssl ec -in key.pem -out full.pem`",
        )
    })?;
    Key::ecdsa(curve, key.private_key, point)
}

/// Reads a public key, or the one in a certificate.
pub(super) fn public(der: &[u8]) -> Result<PublicKey, Error> {
    if let Ok(info) = SubjectPublicKeyInfoRef::from_der(der) {
        return spki(&info);
    }
    if Certificate::from_der(der).is_ok() {
        return certificate(der);
    }
    Err(Error::key(
        "this is not a public key in DER (SubjectPublicKeyInfo), nor a certificate",
    ))
}

pub(super) fn certificate(der: &[u8]) -> Result<PublicKey, Error> {
    let certificate = Certificate::from_der(der).map_err(|error| damaged("certificate", error))?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    let info = info
        .to_der()
        .map_err(|error| damaged("certificate", error))?;
    public_info(&info)
}

pub(super) fn public_info(der: &[u8]) -> Result<PublicKey, Error> {
    let info = SubjectPublicKeyInfoRef::from_der(der);
    spki(&info.map_err(|error| damaged("public key", error))?)
}

fn spki(info: &SubjectPublicKeyInfoRef<'_>) -> Result<PublicKey, Error> {
    let bytes = info.subject_public_key.as_bytes();
    let bytes = bytes.ok_or_else(|| Error::key("the public key is damaged: unused bits"))?;
    let material = match info.algorithm.oid {
        RSA => {
            let key = RsaPublicKeyRef::from_der(bytes).map_err(|error| damaged("RSA", error))?;
            PublicMaterial::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())?
        }
        ECDSA => PublicMaterial::ecdsa(curve_of(&info.algorithm)?, bytes)?,
        ED25519 => PublicMaterial::ed25519(bytes)?,
        other => return Err(unknown(other)),
    };
    Ok(PublicKey::new(material, None, None))
}

fn curve_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Curve, Error> {
    let oid = algorithm.parameters_oid();
    Curve::by_oid(oid.map_err(|_| unnamed_curve())?)
}

/// The numbers of an RSA key, as its JWK has them.
pub(super) struct RsaNumbers<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) dp: &'a [u8],
    pub(super) dq: &'a [u8],
    pub(super) qi: &'a [u8],
}

impl RsaNumbers<'_> {
    pub(super) fn to_pkcs1(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        let encoded = self.encoded().map_err(|error| damaged("RSA", error))?;
        Ok(zeroize::Zeroizing::new(encoded))
    }

    fn encoded(&self) -> pkcs8::der::Result<Vec<u8>> {
        let key = RsaPrivateKeyRef {
            modulus: UintRef::new(self.n)?,
            public_exponent: UintRef::new(self.e)?,
            private_exponent: UintRef::new(self.d)?,
            prime1: UintRef::new(self.p)?,
            prime2: UintRef::new(self.q)?,
            exponent1: UintRef::new(self.dp)?,
            exponent2: UintRef::new(self.dq)?,
            coefficient: UintRef::new(self.qi)?,
            other_prime_infos: None,
        };
        key.to_der()
    }
}

fn unnamed_curve() -> Error {
    Error::key(
        "the ECDSA key does not name its curve: convert it with `openssl ec -in key.pem -param_enc named_curve -out \
         named.pem`, and `-pubin -pubout` for a public key",
    )
}

fn damaged(what: &str, error: impl std::fmt::Display) -> Error {
    Error::key(format!("the {what} data is damaged: {error}"))
}

fn unknown(oid: ObjectIdentifier) -> Error {
    Error::key(format!(
        "the kind of key {oid} is not one of RSA, ECDSA and Ed25519, which Centrifugo knows"
    ))
}
