//! The provider of cryptography: AWS-LC, or else ring. Their API is the same, except for what is here.

#[cfg(feature = "aws-lc-rs")]
pub(crate) use ::aws_lc_rs::{digest, hmac, signature};
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(crate) use ::ring::{digest, hmac, signature};

#[cfg(feature = "aws-lc-rs")]
use ::aws_lc_rs::rand::SystemRandom;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ::ring::rand::SystemRandom;

use signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, RsaKeyPair};

use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::key::Curve;

/// The algorithms of a curve.
pub(crate) struct CurveAlgorithms {
    pub(crate) signing: &'static EcdsaSigningAlgorithm,
    pub(crate) verification: &'static EcdsaVerificationAlgorithm,
}

/// Returns the algorithms of a curve.
pub(crate) fn curve(curve: Curve) -> Result<CurveAlgorithms, Error> {
    match curve {
        Curve::P256 => Ok(CurveAlgorithms {
            signing: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            verification: &signature::ECDSA_P256_SHA256_FIXED,
        }),
        Curve::P384 => Ok(CurveAlgorithms {
            signing: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            verification: &signature::ECDSA_P384_SHA384_FIXED,
        }),
        Curve::P521 => p521(),
    }
}

#[cfg(feature = "aws-lc-rs")]
fn p521() -> Result<CurveAlgorithms, Error> {
    Ok(CurveAlgorithms {
        signing: &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        verification: &signature::ECDSA_P521_SHA512_FIXED,
    })
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn p521() -> Result<CurveAlgorithms, Error> {
    Err(Error::key(
        "ring does not have P-521, which ES512 needs: enable the feature `aws-lc-rs` of centrifugo-token, or use a key on \
         P-256 or P-384",
    ))
}

/// Returns the key pair of a curve's private and public key. The public key is the uncompressed point.
#[cfg(feature = "aws-lc-rs")]
pub(crate) fn ecdsa(curve: Curve, private: &[u8], public: &[u8]) -> Result<EcdsaKeyPair, Error> {
    let signing = self::curve(curve)?.signing;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, private, public);
    pair.map_err(|error| inconsistent(&error))
}

/// Returns the key pair of a curve's private and public key. The public key is the uncompressed point.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(crate) fn ecdsa(curve: Curve, private: &[u8], public: &[u8]) -> Result<EcdsaKeyPair, Error> {
    let signing = self::curve(curve)?.signing;
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, private, public, &random);
    pair.map_err(|error| inconsistent(&error))
}

fn inconsistent(error: &dyn std::fmt::Display) -> Error {
    Error::key(format!(
        "the private and the public half of the ECDSA key do not fit together ({error})"
    ))
}

/// Returns whether an uncompressed point is on the curve.
#[cfg(feature = "aws-lc-rs")]
pub(crate) fn is_on_curve(curve: Curve, point: &[u8]) -> bool {
    self::curve(curve)
        .is_ok_and(|known| signature::ParsedPublicKey::new(known.verification, point).is_ok())
}

/// Returns whether an uncompressed point is on the curve. ring checks that when keys are agreed on.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(crate) fn is_on_curve(curve: Curve, point: &[u8]) -> bool {
    use ::ring::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey};
    let algorithm = match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
        Curve::P521 => return false,
    };
    let own = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new());
    let point = UnparsedPublicKey::new(algorithm, point);
    own.is_ok_and(|own| agreement::agree_ephemeral(own, &point, |_| ()).is_ok())
}

/// Signs with ECDSA: r and s, one after the other.
pub(crate) fn sign_ecdsa(pair: &EcdsaKeyPair, message: &[u8]) -> Option<Vec<u8>> {
    let signature = pair.sign(&SystemRandom::new(), message).ok()?;
    Some(signature.as_ref().to_vec())
}

/// Signs with RSA.
pub(crate) fn sign_rsa(
    pair: &RsaKeyPair,
    algorithm: Algorithm,
    length: usize,
    message: &[u8],
) -> Option<Vec<u8>> {
    let padding: &dyn signature::RsaEncoding = match algorithm {
        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    };
    let mut signature = vec![0; length];
    let signed = pair.sign(padding, &SystemRandom::new(), message, &mut signature);
    signed.ok().map(|()| signature)
}
