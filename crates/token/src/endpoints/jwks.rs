//! The endpoint of the key set.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;

use super::response::{self, Failure};
use super::{Response, service};
use crate::key_set::KeySet;

/// The endpoint from which Centrifugo fetches a [`KeySet`] (`client.token.jwks_public_endpoint`): `GET` or `HEAD`.
///
/// It is public. Caches may keep the response for 5 minutes. See the [module](super).
#[derive(Clone, Debug)]
pub struct JwksEndpoint {
    keys: KeySet,
}

impl JwksEndpoint {
    /// Creates the endpoint.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self { keys }
    }

    async fn respond<B>(self, request: Request<B>) -> Response {
        let method = request.method();
        if let Err(failure) = Failure::method(method, &[Method::GET, Method::HEAD]) {
            return response::refusal(failure);
        }
        let jwks = self.keys.jwks();
        let length = HeaderValue::from(jwks.len());
        let mut response = response::json(jwks);
        if method == Method::HEAD {
            *response.body_mut() = Full::new(Bytes::new());
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
        headers.insert(CONTENT_LENGTH, length);
        response
    }
}

service! { () JwksEndpoint, }
