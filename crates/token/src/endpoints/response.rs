//! Responses of endpoints.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use super::request::check_method;
use super::{BoxError, EndpointError, Reject, Response};

/// An answer that is not the token.
pub(super) enum Failure {
    Status(StatusCode),
    Method(String),
    Reject(Reject),
}

impl Failure {
    pub(super) fn method(method: &Method, allowed: &'static [Method]) -> Result<(), Self> {
        check_method(method, allowed).map_err(Self::Method)
    }

    pub(super) fn failed(error: impl Into<BoxError>) -> Self {
        Self::Reject(Reject::Failed(error.into()))
    }
}

impl From<StatusCode> for Failure {
    fn from(status: StatusCode) -> Self {
        Self::Status(status)
    }
}

impl From<Reject> for Failure {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::failed(error)
    }
}

/// Returns the response with a value, or that of the failure. No cache stores it.
pub(super) fn private(outcome: Result<Value, Failure>) -> Response {
    let mut response = match outcome {
        Ok(value) => json(value.to_string()),
        Err(failure) => refusal(failure),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn json(text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns a response without a body.
pub(super) fn refusal(failure: Failure) -> Response {
    let mut response = Response::default();
    *response.status_mut() = match failure {
        Failure::Status(status) => status,
        Failure::Method(allowed) => {
            if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                response.headers_mut().insert(ALLOW, allowed);
            }
            StatusCode::METHOD_NOT_ALLOWED
        }
        Failure::Reject(Reject::Forbidden) => StatusCode::FORBIDDEN,
        Failure::Reject(Reject::Failed(error)) => {
            let error = EndpointError(Arc::from(error));
            response.extensions_mut().insert(error);
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    response
}
