//! The headers that carry credentials.

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::error::Error;
use crate::transport::header_value;

pub(crate) type Header = (HeaderName, HeaderValue);

/// The form of a credential in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `X-API-Key: …`
    XApiKey,
    /// `Authorization: apikey …`
    ApiKey,
    /// `Authorization: Bearer …`
    Bearer,
}

impl Scheme {
    pub(crate) fn name(self) -> HeaderName {
        match self {
            Self::XApiKey => HeaderName::from_static("x-api-key"),
            Self::ApiKey | Self::Bearer => AUTHORIZATION,
        }
    }

    /// Returns the name of the builder's option.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::XApiKey | Self::ApiKey => "api_key",
            Self::Bearer => "bearer_token",
        }
    }

    /// Checks a secret, and returns its header. Errors do not show it.
    pub(super) fn header(self, secret: &str) -> Result<Header, Error> {
        let option = self.option();
        if secret.trim().is_empty() {
            return Err(Error::Config(format!(
                "{option} is empty: give the one that the server accepts, or omit {option} for a server without one"
            )));
        }
        if secret.trim() != secret {
            return Err(Error::Config(format!(
                "{option} starts or ends with white space: a line end read from a file?"
            )));
        }
        let text = match self {
            Self::XApiKey => secret.to_owned(),
            Self::ApiKey => format!("apikey {secret}"),
            Self::Bearer => format!("Bearer {secret}"),
        };
        let mut value = header_value(option, &text)?;
        value.set_sensitive(true);
        Ok((self.name(), value))
    }
}
