//! The errors of Centrifugo's API.

use centrifugo_api::ApiError;

/// Returns the error with a code, with the message that Centrifugo has for it.
pub(crate) fn error(code: u32) -> ApiError {
    let message = match code {
        ApiError::INTERNAL => "internal server error",
        ApiError::UNKNOWN_CHANNEL => "unknown channel",
        ApiError::NOT_FOUND => "not found",
        ApiError::BAD_REQUEST => "bad request",
        ApiError::NOT_AVAILABLE => "not available",
        ApiError::TOO_MANY_REQUESTS => "too many requests",
        ApiError::UNRECOVERABLE_POSITION => "unrecoverable position",
        ApiError::CONFLICT => "conflict",
        _ => "injected error",
    };
    ApiError::new(code, message)
}

pub(crate) fn internal() -> ApiError {
    error(ApiError::INTERNAL)
}

pub(crate) fn unknown_channel() -> ApiError {
    error(ApiError::UNKNOWN_CHANNEL)
}

pub(crate) fn not_found() -> ApiError {
    error(ApiError::NOT_FOUND)
}

pub(crate) fn bad_request() -> ApiError {
    error(ApiError::BAD_REQUEST)
}

pub(crate) fn not_available() -> ApiError {
    error(ApiError::NOT_AVAILABLE)
}

pub(crate) fn unrecoverable() -> ApiError {
    error(ApiError::UNRECOVERABLE_POSITION)
}
