//! The credentials: fixed ones, or providers.

use std::error::Error as StdError;

use super::ClientBuilder;
use crate::call::Provider;
use crate::call::credentials::{Credential, Source};
use crate::error::Error;
use crate::transport::url::{Protocol, ServerUrl};

/// # Credentials
impl ClientBuilder {
    /// Sets the API key: the server's `http_api.key`, or `grpc_api.key` over gRPC. The two may differ.
    ///
    /// It is sent as `X-API-Key` over HTTP and in the `authorization` metadata over gRPC. Without a key the client
    /// sends none, for a server without keys.
    ///
    /// Over `http` and `grpc` URLs the key is sent in clear text. Building such a client for another host logs one
    /// [`tracing`](https://docs.rs/tracing) warning per process.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Source::Fixed(key.into());
        self
    }

    /// Sets a function that fetches the API key, for keys that rotate: from a file, Vault, a secret manager. Use
    /// [`Client::set_api_key`](crate::Client::set_api_key) if you are notified of a new key.
    ///
    /// The function is asked when the first call needs the key, and again when the key is about to expire (a tenth of its
    /// lifetime before, at most a minute) or the server refuses it: then the call, which certainly did not run, is made
    /// once more with the new key. A key without an expiry is kept until the server refuses it.
    ///
    /// It replaces [`api_key`](Self::api_key). It runs in a task of the call's runtime, for at most 30 s, and must neither call
    /// this client nor block its thread, which would hold up all calls of a blocking client. Concurrent calls of a
    /// runtime ask once, and wait for it within their timeouts; none waits while the last key is still valid. If it fails,
    /// hangs or panics meanwhile, the last key stays in use, and the function is asked again after a second. Without a
    /// valid key the call is [`Error::Credentials`], and is retried as [`Retry`](crate::Retry) allows: nothing was sent.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use centrifugo_api::{Client, Credential};
    ///
    /// # async fn read_from_vault(name: &str) -> Result<String, std::io::Error> {
    /// #     Ok(name.to_owned())
    /// # }
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let client = Client::builder("http://localhost:8000/api")
    ///     .api_key_provider(|| async {
    ///         let key = read_from_vault("centrifugo/api-key").await?;
    ///         Ok::<_, std::io::Error>(Credential::new(key).expires_in(Duration::from_secs(600)))
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn api_key_provider<P, F, C, E>(mut self, provider: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        C: Into<Credential>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.api_key = Source::Provider(Provider::new(provider));
        self
    }

    /// Sets a token that is sent as `Authorization: Bearer …` (over gRPC: in the `authorization` metadata): for
    /// Centrifugo PRO with `http_api.auth_jwt` or `grpc_api.auth_jwt`, or for a proxy in front of the server.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.bearer_token = Source::Fixed(token.into());
        self
    }

    /// Sets a function that fetches the bearer token. It is asked when
    /// [`api_key_provider`](Self::api_key_provider) is: first, shortly before the token expires, and when the server
    /// refuses it.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use centrifugo_api::{Client, Credential};
    ///
    /// # async fn sign() -> Result<(String, SystemTime), std::io::Error> {
    /// #     Ok((String::new(), SystemTime::now() + Duration::from_secs(60)))
    /// # }
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let client = Client::builder("https://centrifugo.example.com/api")
    ///     .bearer_token_provider(|| async {
    ///         let (token, expires) = sign().await?;
    ///         Ok::<_, std::io::Error>(Credential::new(token).expires_at(expires))
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn bearer_token_provider<P, F, C, E>(mut self, provider: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        C: Into<Credential>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.bearer_token = Source::Provider(Provider::new(provider));
        self
    }

    /// Allows an API key and a bearer token together, over HTTP: the key for Centrifugo, the token for a proxy in front
    /// of it. Otherwise giving both is an error.
    pub fn key_and_bearer_token(mut self) -> Self {
        self.key_and_bearer_token = true;
        self
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.api_key.is_some() || self.bearer_token.is_some()
    }

    /// Checks that the key and the token go together.
    pub(super) fn check_credentials(&self, url: &ServerUrl) -> Result<(), Error> {
        let has_both = self.api_key.is_some() && self.bearer_token.is_some();
        let is_one_header = url.protocol == Protocol::Grpc || self.legacy_commands;
        let problem = if has_both && is_one_header {
            "api_key and bearer_token are both given, and have the same header over gRPC and with legacy_commands: omit \
             one of them"
        } else if has_both && !self.key_and_bearer_token {
            "api_key and bearer_token are both given, but Centrifugo needs one of them: omit one, or add \
             key_and_bearer_token if a proxy in front of Centrifugo wants the token"
        } else if !has_both && self.key_and_bearer_token {
            "key_and_bearer_token has no effect unless api_key and bearer_token are both given: omit it"
        } else {
            return Ok(());
        };
        Err(Error::Config(problem.to_owned()))
    }
}
