//! Verification by Centrifugo's rules.

mod claims;
mod keys;
mod outcome;
mod parse;
mod refusal;
mod rules;

use std::time::SystemTime;

pub use outcome::{ConnectionToken, Subscriber, SubscriptionToken, TokenSubscription};
pub use refusal::{Refusal, RefusalCode};

use crate::error::Error;
use crate::key::{Key, PublicKey};
use crate::key_set::KeySet;
use keys::{Keys, StaticKeys};
use rules::check_times;

/// A verifier of tokens by Centrifugo's rules, for tests and for services that receive these tokens.
///
/// The error is what Centrifugo 6.9.1 would answer, with the reason. Times are compared without tolerance, as Centrifugo does.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_token::{ConnectionClaims, Expiry, Key, RefusalCode, Verifier};
///
/// let key = Key::hs256("secret")?;
/// let verifier = Verifier::new(&key).audience("centrifugo");
///
/// let claims = ConnectionClaims::new("42", Expiry::after(Duration::from_secs(600)));
/// let token = claims.clone().audience("centrifugo").sign(&key)?;
/// assert_eq!(verifier.connection(&token)?.user, "42");
///
/// let refusal = verifier.connection(&claims.sign(&key)?).unwrap_err();
/// assert_eq!(refusal.code(), RefusalCode::InvalidToken);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Stricter than Centrifugo
///
/// Tokens that Centrifugo accepts only because the decoders of Go are lenient are refused:
///
/// - in the token, line ends, and bits of a part's last character that base64 does not use;
/// - in the header, names in another case than `alg`, `kid`, `typ` and `cty`, and repeated ones;
/// - in the claims, repeated names (as Centrifugo plans to), names or texts with lone surrogates or invalid UTF-8, the payload
///   `null`, `null` within `channels` and `subs`, line ends in `b64info` and `b64data`, and an `nbf` that does not fit into 64
///   bits, which Go takes for a time in the past.
///
/// Of a JWKS ([`with_jwks`](Self::with_jwks)), the whole set is refused for a private key that is for signatures, since whoever
/// has the set could sign; for a set without any key that verifies; and for members in another case, repeated ones, empty ones,
/// and base64url with line ends or unused bits. RSA keys below 2048 or above 8192 bits verify no tokens.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verifier {
    keys: Keys,
    audience: Option<String>,
    issuer: Option<String>,
    user_id_claim: Option<String>,
    namespaces: Option<Vec<String>>,
}

/// # Keys
impl Verifier {
    /// Creates a verifier with a key of Centrifugo's configuration: an HMAC secret, for HS256, HS384 and HS512; or the public half
    /// of an RSA key, for RS256, RS384 and RS512, of an ECDSA or of an Ed25519 key (there since Centrifugo 6.10.2).
    pub fn new(key: &Key) -> Self {
        Self::of(Keys::Static(StaticKeys::of(key)))
    }

    /// Creates a verifier with a public key of Centrifugo's configuration.
    pub fn with_public_key(key: PublicKey) -> Self {
        Self::of(Keys::Static(StaticKeys::of_public(key)))
    }

    /// Creates a verifier with a set of keys, as if Centrifugo had just fetched it.
    pub fn with_key_set(keys: &KeySet) -> Self {
        Self::of(Keys::Set(keys.clone()))
    }

    /// Creates a verifier with a JWKS, such as one that your service has fetched.
    ///
    /// Keys whose `use` is not `sig` are skipped. Symmetric keys, keys of curves and algorithms that Centrifugo does not know, and
    /// RSA keys below 2048 bits stay in the set, and tokens with their ID are refused. The last one of keys with the same ID
    /// counts.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if a key cannot be read, which fails the whole set in Centrifugo too: an unknown `kty` or elliptic curve, a
    /// missing member, a point that is not on its curve, or something else than base64url, even if the key is not for signatures.
    /// Also if a key for signatures is private, or if no key verifies tokens.
    pub fn with_jwks(json: &str) -> Result<Self, Error> {
        Ok(Self::of(Keys::Jwks(keys::read_jwks(json)?)))
    }

    /// Adds a key of another kind, as Centrifugo's configuration may have.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if there is a key of this kind already, or a JWKS, besides which Centrifugo ignores other keys.
    pub fn key(mut self, key: &Key) -> Result<Self, Error> {
        self.static_keys()?.add(key)?;
        Ok(self)
    }

    /// Adds a public key of another kind.
    ///
    /// # Errors
    ///
    /// As [`key`](Self::key).
    pub fn public_key(mut self, key: PublicKey) -> Result<Self, Error> {
        self.static_keys()?.add_public(key)?;
        Ok(self)
    }

    /// Sets the HMAC secret that was used before (`hmac_previous_secret_key`), and until when it is accepted (`_valid_until`);
    /// `None` is no end.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if [`Key::hs256`] would refuse the secret, or if there is a JWKS.
    pub fn previous_secret(
        mut self,
        secret: impl AsRef<[u8]>,
        valid_until: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let key = Key::hs256(secret)?;
        self.static_keys()?.set_previous(key, valid_until);
        Ok(self)
    }

    fn of(keys: Keys) -> Self {
        Self {
            keys,
            audience: None,
            issuer: None,
            user_id_claim: None,
            namespaces: None,
        }
    }

    fn static_keys(&mut self) -> Result<&mut StaticKeys, Error> {
        match &mut self.keys {
            Keys::Static(keys) => Ok(keys),
            Keys::Set(_) | Keys::Jwks(_) => Err(Error::key(
                "Centrifugo ignores other keys once it has a JWKS: add the key to that",
            )),
        }
    }
}

/// # Rules
impl Verifier {
    /// Sets the audience that `aud` must contain (`client.token.audience`).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the issuer that `iss` must be (`client.token.issuer`).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the claim that names the user, instead of `sub` (`client.token.user_id_claim`).
    pub fn user_id_claim(mut self, claim: impl Into<String>) -> Self {
        self.user_id_claim = Some(claim.into());
        self
    }

    /// Sets the namespaces that are configured: channels of others are refused with error 102. By default every channel is
    /// accepted.
    pub fn namespaces(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.namespaces = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

/// # Tokens
impl Verifier {
    /// Verifies a connection token.
    ///
    /// # Errors
    ///
    /// The answer of Centrifugo: 3500 for an invalid token, 109 for one that has expired or is not valid yet, 102 for a channel
    /// of an unknown namespace, 100 for a `b64info` that is not base64.
    pub fn connection(&self, token: &str) -> Result<ConnectionToken, Refusal> {
        self.connection_at(token, SystemTime::now())
    }

    /// Verifies a connection token at a time, which tests may choose.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection).
    pub fn connection_at(&self, token: &str, now: SystemTime) -> Result<ConnectionToken, Refusal> {
        let invalid = |reason: String| Refusal::new(RefusalCode::InvalidToken, reason);
        let claims = self.claims(token, now).map_err(invalid)?;
        let channel = claims.text("channel").map_err(invalid)?;
        if !channel.is_empty() {
            return Err(invalid(
                "a connection token cannot have the claim `channel`".to_owned(),
            ));
        }
        let mut read = self.read_connection(&claims).map_err(invalid)?;
        check_times(&claims, now, RefusalCode::InvalidToken)?;
        let info = claims.payload("info");
        read.info = info.map_err(|reason| Refusal::new(RefusalCode::Internal, reason))?;
        for (channel, _) in &read.subscriptions {
            self.check_channel(channel)?;
        }
        Ok(read)
    }

    /// Verifies a subscription token. [`SubscriptionToken::check`] compares it with the connection.
    ///
    /// # Errors
    ///
    /// The answer of Centrifugo when a client subscribes: 103 for an invalid token, 109 for one that has expired or is not
    /// valid yet, 102 for a channel of an unknown namespace. When a client refreshes a subscription, an invalid token ends the
    /// connection with code 3500 instead.
    pub fn subscription(&self, token: &str) -> Result<SubscriptionToken, Refusal> {
        self.subscription_at(token, SystemTime::now())
    }

    /// Verifies a subscription token at a time, which tests may choose.
    ///
    /// # Errors
    ///
    /// As [`subscription`](Self::subscription).
    pub fn subscription_at(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<SubscriptionToken, Refusal> {
        let invalid = |reason: String| Refusal::new(RefusalCode::PermissionDenied, reason);
        let claims = self.claims(token, now).map_err(invalid)?;
        let read = self.read_subscription(&claims).map_err(invalid)?;
        check_times(&claims, now, RefusalCode::PermissionDenied)?;
        if read.channel.is_empty() {
            return Err(invalid(
                "a subscription token needs the claim `channel`".to_owned(),
            ));
        }
        self.check_channel(&read.channel)?;
        Ok(read)
    }
}
