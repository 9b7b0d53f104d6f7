//! The endpoint of connection tokens.

use std::fmt;
use std::time::SystemTime;

use http::request::Parts;
use http::{Method, Request};
use serde_json::{Value, json};

use super::keys::TokenKeys;
use super::response::{self, Failure};
use super::{Reject, Response, service};
use crate::claims::ConnectionClaims;

/// The endpoint of connection tokens: `GET` or `POST`, whose body is not read.
///
/// See the [module](super).
#[derive(Clone)]
pub struct ConnectionTokenEndpoint<K, F> {
    keys: K,
    function: F,
}

impl<K, F, R> ConnectionTokenEndpoint<K, F>
where
    K: TokenKeys,
    F: Fn(Parts) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<ConnectionClaims, Reject>> + Send,
{
    /// Creates the endpoint. The function returns the claims of the user who asks, or refuses.
    #[must_use]
    pub fn new(keys: K, function: F) -> Self {
        Self { keys, function }
    }

    async fn respond<B>(self, request: Request<B>) -> Response {
        let (head, _) = request.into_parts();
        response::private(self.token(head).await)
    }

    async fn token(&self, head: Parts) -> Result<Value, Failure> {
        Failure::method(&head.method, &[Method::GET, Method::POST])?;
        let claims = (self.function)(head).await?;
        let token = self.keys.sign(claims.unsigned(SystemTime::now())?).await?;
        Ok(json!({ "token": token }))
    }
}

service! {
    (K, F, R,) ConnectionTokenEndpoint<K, F>,
    K: TokenKeys,
    F: Fn(Parts) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<ConnectionClaims, Reject>> + Send + 'static,
}

impl<K, F> fmt::Debug for ConnectionTokenEndpoint<K, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ConnectionTokenEndpoint")
    }
}
