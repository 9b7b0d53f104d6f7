//! Signers outside the process.

use std::sync::Arc;
use std::time::Duration;

use pkcs8::der::asn1::UintRef;
use pkcs8::der::{Reader as _, SliceReader};

use crate::algorithm::Algorithm;
use crate::error::{Error, SignerError};
use crate::key::Key;

/// Something that signs, perhaps elsewhere: a key management service, HashiCorp Vault, a PKCS#11 device, another process.
///
/// [`Key`] is one. [`ConnectionClaims::sign_with`](crate::ConnectionClaims::sign_with) and
/// [`SubscriptionClaims::sign_with`](crate::SubscriptionClaims::sign_with) take any. The claims are checked before the signer
/// is asked; its dropped future cancels the call. The example `unix_socket_signer` signs by another process.
///
/// Of the signature only the length is checked, so that 64 zero bytes pass for ES256: a signer with a wrong key, or one that signs
/// something else, is noticed by Centrifugo alone. Check a token with a [`Verifier`](crate::Verifier) of the public key when the
/// service starts.
///
/// ```
/// use centrifugo_token::{Algorithm, Signer, SignerError};
///
/// struct Kms { /* the service's client */ }
///
/// impl Signer for Kms {
///     fn algorithm(&self) -> Algorithm {
///         Algorithm::Es256
///     }
///
///     fn key_id(&self) -> Option<&str> {
///         Some("2026-01")
///     }
///
///     async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
///         let der = sign_remotely(message).await?;
///         Ok(Algorithm::Es256.signature_from_der(&der)?) // most services write ECDSA signatures in DER
///     }
/// }
/// # async fn sign_remotely(_: &[u8]) -> Result<Vec<u8>, SignerError> { Err("no service".into()) }
/// ```
pub trait Signer: Sync {
    /// Returns the algorithm of the signatures.
    fn algorithm(&self) -> Algorithm;

    /// Returns the key ID for the token's header. Centrifugo needs it if it looks keys up in a JWKS.
    fn key_id(&self) -> Option<&str>;

    /// Returns the longest time for which a token may be valid, if there is a limit: that of a [`KeySet`](crate::KeySet), after
    /// which the key is no longer published. By default there is none.
    fn longest_lifetime(&self) -> Option<Duration> {
        None
    }

    /// Signs a message: the text before the token's last dot, which the algorithm hashes.
    ///
    /// A timeout belongs here: the caller waits until the signature is there.
    ///
    /// The signature is that of RFC 7518: for ECDSA r and s, one after the other, see
    /// [`Algorithm::signature_from_der`].
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Vec<u8>, SignerError>> + Send;
}

impl Signer for Key {
    fn algorithm(&self) -> Algorithm {
        Self::algorithm(self)
    }

    fn key_id(&self) -> Option<&str> {
        self.kid()
    }

    fn longest_lifetime(&self) -> Option<Duration> {
        Self::longest_lifetime(self)
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(Self::sign(self, message)?)
    }
}

/// Signers that are shared.
impl<S: Signer + Send> Signer for Arc<S> {
    fn algorithm(&self) -> Algorithm {
        (**self).algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        (**self).key_id()
    }

    fn longest_lifetime(&self) -> Option<Duration> {
        (**self).longest_lifetime()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        (**self).sign(message).await
    }
}

impl Algorithm {
    /// Returns an ECDSA signature as JWTs have it, of one in DER, which key management services and PKCS#11 libraries write.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] if it is not such a signature, or if the algorithm is not ES256, ES384 or ES512.
    ///
    /// ```
    /// use centrifugo_token::Algorithm;
    ///
    /// // A sequence of two integers, r = 1 and s = 255.
    /// let signature = Algorithm::Es256.signature_from_der(&[0x30, 7, 2, 1, 1, 2, 2, 0, 255])?;
    /// assert_eq!((signature.len(), signature[31], signature[63]), (64, 1, 255));
    /// # Ok::<(), centrifugo_token::Error>(())
    /// ```
    pub fn signature_from_der(self, der: &[u8]) -> Result<Vec<u8>, Error> {
        let length = match self {
            Self::Es256 | Self::Es384 | Self::Es512 => {
                self.signature_length().unwrap_or_default() / 2
            }
            _ => {
                return Err(Error::Signature(format!(
                    "only ECDSA signatures are in DER, not those of {self}"
                )));
            }
        };
        let (r, s) = integers(der).map_err(|error| {
            Error::Signature(format!("it is not an ECDSA signature in DER: {error}"))
        })?;
        let mut signature = vec![0; 2 * length];
        for (number, end) in [(r, length), (s, 2 * length)] {
            let number = number.as_bytes();
            if number.len() > length {
                return Err(Error::Signature(format!(
                    "its numbers are too long for {self}: is the key on another curve?"
                )));
            }
            signature[end - number.len()..end].copy_from_slice(number);
        }
        Ok(signature)
    }
}

fn integers(der: &[u8]) -> pkcs8::der::Result<(UintRef<'_>, UintRef<'_>)> {
    let mut reader = SliceReader::new(der)?;
    let numbers = reader
        .sequence(|reader| Ok::<_, pkcs8::der::Error>((reader.decode()?, reader.decode()?)))?;
    reader.finish()?;
    Ok(numbers)
}

/// Checks the length of a signature.
pub(crate) fn check(algorithm: Algorithm, signature: &[u8]) -> Result<(), Error> {
    let expected = algorithm.signature_length();
    if expected.is_none_or(|expected| signature.len() == expected) && signature.len() >= 32 {
        return Ok(());
    }
    let is_der = signature.first() == Some(&0x30) && integers(signature).is_ok();
    let hint = if is_der {
        ": it is in DER, convert it with Algorithm::signature_from_der"
    } else {
        ""
    };
    let expected = expected.map_or_else(|| "256 or more".to_owned(), |length| length.to_string());
    Err(Error::Signature(format!(
        "it has {} bytes, {algorithm} needs {expected}{hint}",
        signature.len()
    )))
}
