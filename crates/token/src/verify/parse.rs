//! The parts of a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::keys::Signed;
use crate::algorithm::Algorithm;
use crate::error::Error;

/// A token whose signature has not been checked.
pub(super) struct Parsed<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    message: &'a str,
    signature: Vec<u8>,
    pub(super) claims: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Centrifugo wants a text, whichever it is.
    #[serde(rename = "typ")]
    _typ: Option<String>,
    #[serde(rename = "cty")]
    _cty: Option<String>,
}

impl Parsed<'_> {
    pub(super) fn signed(&self) -> Signed<'_> {
        Signed {
            algorithm: self.algorithm,
            kid: self.kid.as_deref(),
            message: self.message.as_bytes(),
            signature: &self.signature,
        }
    }
}

/// Splits and decodes a token. Errors are reasons.
pub(super) fn token(token: &str) -> Result<Parsed<'_>, String> {
    // In base64, the `{"` with which Centrifugo wants each header to begin.
    if !token.starts_with("eyJ") {
        return Err("this is not a token: it does not begin with `eyJ`".to_owned());
    }
    let parts = token.rsplit_once('.').and_then(|(message, signature)| {
        let (header, claims) = message.split_once('.')?;
        Some((message, header, claims, signature))
    });
    let (message, header, claims, signature) =
        parts.ok_or("this is not a token: it does not have three parts with dots between")?;
    let header = decode("header", header)?;
    let header: Header = serde_json::from_slice(&header)
        .map_err(|error| format!("the header is not an object with `alg`: {error}"))?;
    let algorithm = header.alg.parse();
    Ok(Parsed {
        algorithm: algorithm.map_err(unknown)?,
        kid: header.kid,
        message,
        signature: decode("signature", signature)?,
        claims: decode("claims", claims)?,
    })
}

fn unknown(error: Error) -> String {
    match error {
        Error::Key(problem) => problem,
        other => other.to_string(),
    }
}

fn decode(part: &str, text: &str) -> Result<Vec<u8>, String> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| format!("the token's {part} part is not base64url without padding"))
}
