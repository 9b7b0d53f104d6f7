//! The compact form of tokens: header, claims and signature in base64url, with dots between.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::key::Key;
use crate::object::Object;
use crate::signer::{self, Signer};

/// The default of `max_length`. nginx and Apache refuse a line of the header above 8 KiB: this leaves 192 bytes for its name,
/// `Bearer`, or the rest of a URL.
pub(crate) const MAX_LENGTH: usize = 8000;

/// The claims of a token, as JSON, and the limit of its length.
#[allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "it stands in a hidden method of a public trait"
)]
pub struct Unsigned {
    pub(crate) claims: String,
    /// The time of signing, in seconds since 1970.
    pub(crate) signed_at: u64,
    /// The time from signing to expiring, `None` if it never expires.
    pub(crate) lifetime: Option<Duration>,
    pub(crate) max_length: usize,
}

impl Unsigned {
    pub(crate) fn sign(&self, key: &Key) -> Result<String, Error> {
        self.check_lifetime(key.longest_lifetime())?;
        let message = self.message(key.algorithm(), key.kid())?;
        self.join(message.clone(), &key.sign(message.as_bytes())?)
    }

    pub(crate) async fn sign_with<S: Signer + ?Sized>(&self, signer: &S) -> Result<String, Error> {
        self.check_lifetime(signer.longest_lifetime())?;
        let algorithm = signer.algorithm();
        let message = self.message(algorithm, signer.key_id())?;
        let signature = signer
            .sign(message.as_bytes())
            .await
            .map_err(Error::Signer)?;
        signer::check(algorithm, &signature)?;
        self.join(message, &signature)
    }

    /// Returns what is signed, or an error if it is too long already.
    fn message(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<String, Error> {
        let mut header = Object::new();
        header.put("alg", algorithm.name())?;
        header.put("typ", "JWT")?;
        header.put_some("kid", &kid)?;
        let mut message = URL_SAFE_NO_PAD.encode(header.finish());
        message.push('.');
        URL_SAFE_NO_PAD.encode_string(&self.claims, &mut message);
        // Signatures of RSA keys have 256 bytes or more.
        let signature = algorithm.signature_length().unwrap_or(256);
        self.check_length(message.len() + 1 + (4 * signature).div_ceil(3))?;
        Ok(message)
    }

    fn join(&self, message: String, signature: &[u8]) -> Result<String, Error> {
        let mut token = message;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        self.check_length(token.len())?;
        Ok(token)
    }

    fn check_lifetime(&self, longest: Option<Duration>) -> Result<(), Error> {
        let Some(longest) = longest else {
            return Ok(());
        };
        if self.lifetime.is_some_and(|lifetime| lifetime <= longest) {
            return Ok(());
        }
        Err(Error::claim(
            "exp",
            format!(
                "tokens of this key set end by {} now, in {} s, so that none outlives its key: choose a shorter expiry, a longer \
                 lifetime in KeySet::new, or a later retire_after of the key",
                self.signed_at.saturating_add(longest.as_secs()),
                longest.as_secs()
            ),
        ))
    }

    fn check_length(&self, length: usize) -> Result<(), Error> {
        let limit = self.max_length;
        if length > limit {
            return Err(Error::TooLong { length, limit });
        }
        Ok(())
    }
}
