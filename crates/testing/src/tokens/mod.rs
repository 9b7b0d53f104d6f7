//! Clients with tokens: the keys that verify them, and what they let clients do.

mod connection;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use centrifugo_api::{ApiError, Error};
use centrifugo_token::{Key, Refusal, RefusalCode, Verifier};

use crate::builder::ServerBuilder;
use crate::engine::Engine;

/// # Tokens
impl ServerBuilder {
    /// Verifies the tokens of clients with this key: a secret, or the public half of a key.
    ///
    /// Replaces an earlier key. [`tokens`](Self::tokens) takes several keys, a JWKS, an audience and an issuer.
    pub fn token_key(self, key: &Key) -> Self {
        self.tokens(Verifier::new(key))
    }

    /// Verifies the tokens of clients with this verifier, as Centrifugo's `client.token` configures it.
    pub fn tokens(mut self, verifier: Verifier) -> Self {
        self.tokens.connection = Some(verifier);
        self
    }

    /// Verifies subscription tokens with a verifier of their own, as Centrifugo's `client.subscription_token` does.
    pub fn subscription_tokens(mut self, verifier: Verifier) -> Self {
        self.tokens.subscription = Some(verifier);
        self
    }
}

/// The verifiers of tokens.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    pub(crate) connection: Option<Verifier>,
    /// That of subscription tokens, if it is another one.
    pub(crate) subscription: Option<Verifier>,
    /// An option of a configuration that the server does not support.
    pub(crate) unsupported: Option<String>,
}

impl Tokens {
    /// Returns these verifiers, and for those that are missing the others.
    pub(crate) fn or(self, others: Self) -> Self {
        let unsupported = match &self.connection {
            Some(_) => self.unsupported,
            None => self.unsupported.or(others.unsupported),
        };
        Self {
            connection: self.connection.or(others.connection),
            subscription: self.subscription.or(others.subscription),
            unsupported,
        }
    }

    fn of_connections(&self) -> Result<&Verifier, Error> {
        self.checked(self.connection.as_ref())
    }

    fn of_subscriptions(&self) -> Result<&Verifier, Error> {
        self.checked(self.subscription.as_ref().or(self.connection.as_ref()))
    }

    /// Returns the verifier, unless there is none, or Centrifugo's would have further rules.
    fn checked<'a>(&self, verifier: Option<&'a Verifier>) -> Result<&'a Verifier, Error> {
        if let Some(option) = &self.unsupported {
            return Err(Error::Config(format!(
                "the embedded server does not support {option}: pass the keys and rules to ServerBuilder::tokens"
            )));
        }
        verifier.ok_or_else(|| {
            Error::Config(
                "the embedded server has no key for tokens: pass one to ServerBuilder::token_key"
                    .to_owned(),
            )
        })
    }
}

/// Returns the server's time, by which tokens are verified.
fn time(engine: &Engine) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(engine.clock.now())
}

/// Returns the error that the client of a refused token gets, with the reason.
fn refused(refusal: &Refusal) -> ApiError {
    let message = match refusal.code() {
        RefusalCode::Internal => "internal server error",
        RefusalCode::UnknownChannel => "unknown channel",
        RefusalCode::PermissionDenied => "permission denied",
        RefusalCode::TokenExpired => "token expired",
        _ => "invalid token",
    };
    let number = refusal.code().number();
    ApiError::new(number, format!("{message}: {}", refusal.reason()))
}
