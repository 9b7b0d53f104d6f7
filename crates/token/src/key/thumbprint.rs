//! Thumbprints of keys: RFC 7638.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::PublicMaterial;
use crate::provider::digest;

/// Returns the thumbprint: the hash of the required members, in alphabetical order, without white space.
pub(super) fn of(material: &PublicMaterial) -> String {
    let json = match material {
        PublicMaterial::Rsa { modulus, exponent } => {
            let e = URL_SAFE_NO_PAD.encode(exponent);
            let n = URL_SAFE_NO_PAD.encode(modulus);
            format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
        }
        PublicMaterial::Ecdsa { curve, point } => {
            let (x, y) = super::jwk::coordinates(point);
            let crv = curve.name();
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
        PublicMaterial::Ed25519(bytes) => {
            let x = URL_SAFE_NO_PAD.encode(bytes);
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
        }
    };
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, json.as_bytes()))
}
