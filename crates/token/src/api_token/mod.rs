//! Tokens for the server API of Centrifugo PRO.

mod shared;

use std::fmt;
#[cfg(feature = "credentials")]
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use self::shared::{Kept, Next, Shared};
use crate::claims::{put_audience, put_text};
use crate::error::Error;
use crate::expiry::{self, Expiry};
use crate::jwt::{MAX_LENGTH, Unsigned};
use crate::key::Key;
use crate::object::Object;
use crate::signer::Signer;

/// A token for the server API, and its end.
#[derive(Clone)]
pub struct ApiToken {
    /// The token, for `Authorization: Bearer …`.
    pub token: String,
    /// The time at which it expires.
    pub expires: SystemTime,
}

/// Shows the end alone.
impl fmt::Debug for ApiToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ApiToken");
        shown
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "credentials")]
#[cfg_attr(docsrs, doc(cfg(feature = "credentials")))]
impl From<ApiToken> for centrifugo_api::Credential {
    fn from(token: ApiToken) -> Self {
        Self::new(token.token).expires_at(token.expires)
    }
}

/// Tokens for the server API of Centrifugo PRO (6.3.2 and later), beside the API key or instead of it.
///
/// A token is kept and signed anew when half of its lifetime is over. If that fails, the old one is used until it expires, and the
/// signer is asked again after 1 s. Clones share the token.
///
/// One caller at a time signs. Others get the kept token while it is valid, and else wait for that caller's token or its failure.
/// The caller that signs waits for the signer, however long that takes: a timeout belongs into [`Signer::sign`]. If its future is
/// dropped, another caller signs.
///
/// The signer is one key, for as long as these `ApiTokens` live. To rotate it, let Centrifugo know the new key too, for instance by
/// a [`KeySet`](crate::KeySet) of keys for the API alone, then create new `ApiTokens` with the new key, and remove the old key when
/// its last token has expired. The key that a `KeySet` returns as the active one stays the same here, and does not follow the set.
///
/// The key must not be the one of clients' tokens: with it, every user could call the API. The claims follow the documentation
/// of Centrifugo PRO; they could not be tested.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_token::{ApiTokens, Key};
///
/// # let pem = include_str!("../../tests/data/p256.pem");
/// let key = Key::from_pem(pem)?.with_thumbprint_kid()?;
/// let tokens = ApiTokens::new(key, Duration::from_secs(600)).audience("centrifugo-api").issuer("backend");
/// # async fn send(tokens: ApiTokens) -> Result<(), centrifugo_token::Error> {
/// let header = format!("Bearer {}", tokens.token().await?.token);
/// # Ok(()) }
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
///
/// With the feature `credentials`, they are a provider of `centrifugo_api::ClientBuilder`:
/// `.bearer_token_provider(tokens.provider())`.
pub struct ApiTokens<S = Key> {
    signer: Arc<S>,
    lifetime: Duration,
    audience: Vec<String>,
    issuer: Option<String>,
    scope: Option<String>,
    shared: Arc<Shared>,
}

impl<S> ApiTokens<S> {
    /// Creates the source of tokens that live for that time. Fractions of a second are dropped.
    #[must_use]
    pub fn new(signer: S, lifetime: Duration) -> Self {
        Self {
            signer: Arc::new(signer),
            lifetime,
            audience: Vec::new(),
            issuer: None,
            scope: None,
            shared: Arc::default(),
        }
    }

    /// Adds an audience (`aud`), of which there may be several.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self.without_kept()
    }

    /// Sets the issuer (`iss`).
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self.without_kept()
    }

    /// Sets the scopes (`scope`), with spaces between.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self.without_kept()
    }

    /// Leaves the token to the clones, whose claims are others.
    fn without_kept(mut self) -> Self {
        self.shared = Arc::default();
        self
    }

    /// Returns the claims as JSON.
    fn claims(&self, iat: u64, exp: u64) -> Result<String, Error> {
        let mut object = Object::new();
        object.put("exp", &exp)?;
        object.put("iat", &iat)?;
        object.put("jti", &Uuid::new_v4().to_string())?;
        put_audience(&mut object, &self.audience)?;
        if let Some(issuer) = &self.issuer {
            put_text(&mut object, "iss", issuer)?;
        }
        if let Some(scope) = &self.scope {
            put_text(&mut object, "scope", scope)?;
        }
        Ok(object.finish())
    }
}

impl<S: Signer> ApiTokens<S> {
    /// Returns the token to send now.
    ///
    /// # Errors
    ///
    /// [`Error::Claim`] if a claim is wrong, such as a lifetime below 1 s, and the errors of the signer.
    pub async fn token(&self) -> Result<ApiToken, Error> {
        self.token_at(SystemTime::now()).await
    }

    /// Returns the token to send at that time, which tests may choose.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub async fn token_at(&self, now: SystemTime) -> Result<ApiToken, Error> {
        match self.shared.next(now).await? {
            Next::Kept(token) => Ok(token),
            Next::Sign(turn) => turn.end(self.sign(now).await),
        }
    }

    async fn sign(&self, now: SystemTime) -> Result<Kept, Error> {
        let exp = Expiry::after(self.lifetime).seconds("exp", now)?;
        let exp = exp.ok_or_else(|| Error::claim("exp", "an API token must expire"))?;
        let iat = expiry::seconds("iat", now)?;
        let lifetime = Duration::from_secs(exp.saturating_sub(iat));
        let unsigned = Unsigned {
            claims: self.claims(iat, exp)?,
            signed_at: iat,
            lifetime: Some(lifetime),
            max_length: MAX_LENGTH,
        };
        let token = ApiToken {
            token: unsigned.sign_with(&*self.signer).await?,
            expires: SystemTime::UNIX_EPOCH + Duration::from_secs(exp),
        };
        Ok(Kept {
            token,
            half: now + lifetime / 2,
        })
    }
}

#[cfg(feature = "credentials")]
#[cfg_attr(docsrs, doc(cfg(feature = "credentials")))]
impl<S: Signer + Send + Sync + 'static> ApiTokens<S> {
    /// Returns the provider for [`ClientBuilder::bearer_token_provider`](centrifugo_api::ClientBuilder::bearer_token_provider).
    pub fn provider(&self) -> impl Fn() -> Providing + Send + Sync + use<S> {
        let tokens = self.clone();
        move || {
            let tokens = tokens.clone();
            Box::pin(async move { tokens.token().await })
        }
    }
}

/// The future of a provider.
#[cfg(feature = "credentials")]
type Providing = Pin<Box<dyn Future<Output = Result<ApiToken, Error>> + Send>>;

/// The clones share the token.
impl<S> Clone for ApiTokens<S> {
    fn clone(&self) -> Self {
        Self {
            signer: Arc::clone(&self.signer),
            lifetime: self.lifetime,
            audience: self.audience.clone(),
            issuer: self.issuer.clone(),
            scope: self.scope.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

/// Shows neither the token nor the signer.
impl<S> fmt::Debug for ApiTokens<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ApiTokens");
        shown
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
