//! The credentials of a client: an API key, a bearer token, or both.

mod credential;
mod scheme;
mod secret;
#[cfg(test)]
mod tests;

use std::fmt;

use super::Deadline;
use crate::error::Error;
pub use credential::Credential;
pub(crate) use scheme::{Header, Scheme};
use secret::Secret;
pub(crate) use secret::Source;

/// The credentials of a client.
pub(crate) struct Credentials {
    key: Secret,
    token: Option<Secret>,
}

/// The headers that carry the credentials of an attempt: that of the key, and that of the token.
pub(crate) type CredentialHeaders = [Option<Header>; 2];

impl Credentials {
    pub(crate) fn new(key: Source, scheme: Scheme, token: Source) -> Result<Self, Error> {
        let has_token = token.is_some();
        let token = has_token.then(|| Secret::new(token, Scheme::Bearer));
        Ok(Self {
            key: Secret::new(key, scheme)?,
            token: token.transpose()?,
        })
    }

    /// Replaces the key, and its provider if there is one.
    pub(crate) fn set_key(&self, key: String) -> Result<(), Error> {
        if self.token.is_some() && !self.key.is_some() {
            return Err(Error::Config(
                "api_key: the client was built with a bearer_token and no api_key; build another one for a key"
                    .to_owned(),
            ));
        }
        self.key.set(key)
    }

    /// Returns the headers for an attempt of a call of that method.
    pub(crate) async fn headers(
        &self,
        method: &'static str,
        deadline: Deadline,
    ) -> Result<CredentialHeaders, Error> {
        if let (Some(key), Some(token)) = (self.key.at_hand(), self.token_at_hand()) {
            return Ok([key, token]);
        }
        // The future of a rare path is boxed, so that it is not a part of this one.
        Box::pin(self.fetch(method, deadline)).await
    }

    fn token_at_hand(&self) -> Option<Option<Header>> {
        self.token.as_ref().map_or(Some(None), Secret::at_hand)
    }

    async fn fetch(
        &self,
        method: &'static str,
        deadline: Deadline,
    ) -> Result<CredentialHeaders, Error> {
        let key = match self.key.at_hand() {
            Some(key) => key,
            None => self.key.header(method, deadline).await?,
        };
        let token = match (self.token_at_hand(), &self.token) {
            (Some(token), _) => token,
            (None, Some(token)) => token.header(method, deadline).await?,
            (None, None) => None,
        };
        Ok([key, token])
    }

    /// Returns other headers in the place of those that the server has refused, if there are any.
    pub(crate) async fn instead_of(
        &self,
        refused: &CredentialHeaders,
        method: &'static str,
        deadline: Deadline,
    ) -> Option<CredentialHeaders> {
        let secrets = [Some(&self.key), self.token.as_ref()];
        let pairs = secrets.into_iter().zip(refused);
        // Both are told, since the server does not say which one it has refused.
        let may_differ = pairs.fold(false, |may_differ, (secret, refused)| {
            let refused = secret.zip(refused.as_ref());
            refused.is_some_and(|(secret, refused)| secret.refuse(refused)) || may_differ
        });
        if !may_differ || deadline.left().is_zero() {
            return None;
        }
        let headers = self.headers(method, deadline).await.ok()?;
        (headers != *refused).then_some(headers)
    }

    /// Returns the texts that no error may show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.key.secrets();
        secrets.extend(self.token.iter().flat_map(Secret::secrets));
        secrets
    }
}

/// Returns the secrets in headers.
pub(crate) fn secrets_in(headers: &CredentialHeaders) -> Vec<String> {
    let texts = headers
        .iter()
        .flatten()
        .filter_map(|(_, value)| value.to_str().ok());
    let secret = |text: &str| {
        let rest = text
            .strip_prefix("Bearer ")
            .or(text.strip_prefix("apikey "));
        rest.unwrap_or(text).to_owned()
    };
    texts
        .map(secret)
        .filter(|secret| secret.len() > 3)
        .collect()
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}
