//! The endpoints that client SDKs ask for tokens, as services of [`tower`](https://docs.rs/tower-service).
//!
//! | endpoint | request | response |
//! |---|---|---|
//! | [`ConnectionTokenEndpoint`] | `GET` or `POST` | `{"token":"…"}` |
//! | [`SubscriptionTokenEndpoint`] | `POST {"channel":"…"}` or `GET ?channel=…` | `{"token":"…"}` |
//! | [`SharedPollEndpoint`] | `POST {"channel":"…","keys":["…"]}` | `{"signature":"…","keys":["…"]}` |
//! | [`JwksEndpoint`] | `GET` or `HEAD`, by Centrifugo | `{"keys":[…]}` |
//!
//! Your function gets the head of the request, with the session's cookie and whatever your layers put into its extensions. It
//! returns the claims, which the endpoint signs, or a [`Reject`]: [`Reject::Forbidden`] is answered with 403, after which client
//! SDKs stop asking. An error of any other type, for which `?` suffices, is answered with 500 without its text, after which they
//! ask again; a layer finds it in the response's extensions, as an [`EndpointError`].
//!
//! The endpoints answer wrong methods with 405, requests that are not valid with 400, and bodies above 64 KiB with 413. A body
//! is read before your function is asked, without a limit of time: put a timeout layer around the endpoints, and one that finds
//! strangers out early if the session is known by then. Their responses with tokens are not stored by
//! caches. CORS is your application's: put a layer around them where the page is of another origin.
//!
//! axum and hyper take these services as they are, and other frameworks by an adapter of some lines: see the example `endpoints`.
//!
//! ```
//! use std::time::Duration;
//!
//! use centrifugo_token::endpoints::{ConnectionTokenEndpoint, Reject};
//! use centrifugo_token::{ConnectionClaims, Expiry, Key};
//!
//! # fn run() -> Result<(), centrifugo_token::Error> {
//! let key = Key::hs256("secret")?;
//! let endpoint = ConnectionTokenEndpoint::new(key, |head| async move {
//!     let user = head.headers.get("x-user").ok_or(Reject::Forbidden)?;
//!     let user = user.to_str().map_err(|_| Reject::Forbidden)?;
//!     Ok(ConnectionClaims::new(user, Expiry::after(Duration::from_secs(600))))
//! });
//! // axum: Router::new().route_service("/centrifugo/connection_token", endpoint)
//! # fn is_service<S: tower_service::Service<http::Request<http_body_util::Empty<bytes::Bytes>>>>(_: S) {}
//! # is_service(endpoint);
//! # Ok(()) }
//! ```

mod connection;
mod jwks;
mod keys;
mod request;
mod response;
mod shared_poll;
mod subscription;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;

pub use connection::ConnectionTokenEndpoint;
pub use jwks::JwksEndpoint;
pub use keys::TokenKeys;
pub use shared_poll::{SharedPollEndpoint, SharedPollRequest};
pub use subscription::SubscriptionTokenEndpoint;

type BoxError = Box<dyn StdError + Send + Sync>;
type Response = http::Response<Full<Bytes>>;

/// The future of an endpoint's response.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// The refusal of your function.
///
/// Every type of errors converts into [`Reject::Failed`], so that `?` can be used. Boxed errors and those of `anyhow` are no
/// such types: `.map_err(|error| Reject::Failed(error.into()))`.
#[derive(Debug)]
pub enum Reject {
    /// The user may not have the token: 403. Client SDKs stop asking, and disconnect or unsubscribe.
    Forbidden,
    /// Something failed: 500, without the error's text. Client SDKs ask again.
    Failed(BoxError),
}

impl<E: StdError + Send + Sync + 'static> From<E> for Reject {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// The error behind a response with status 500, in the response's extensions, for layers that log it.
///
/// It is that of your function or of signing. Clients do not see it.
#[derive(Clone)]
pub struct EndpointError(Arc<dyn StdError + Send + Sync>);

impl EndpointError {
    /// Returns the error.
    #[must_use]
    pub fn error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for EndpointError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// Implements the service of an endpoint, whose `respond` returns the response to the head of a request and its body.
macro_rules! service {
    (($($generics:tt)*) $endpoint:ty, $($bounds:tt)*) => {
        impl<$($generics)* B> ::tower_service::Service<::http::Request<B>> for $endpoint
        where
            $($bounds)*
            B: ::http_body::Body + Send + 'static,
            B::Data: Send,
            B::Error: Into<$crate::endpoints::BoxError>,
        {
            type Response = $crate::endpoints::Response;
            type Error = ::std::convert::Infallible;
            type Future = $crate::endpoints::ResponseFuture;

            fn poll_ready(
                &mut self,
                _: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<Result<(), Self::Error>> {
                ::std::task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: ::http::Request<B>) -> Self::Future {
                let endpoint = self.clone();
                Box::pin(async move { Ok(endpoint.respond(request).await) })
            }
        }
    };
}

use service;
