//! The errors of Centrifugo's API.

use centrifugo_api::ApiError;

// Codes that only clients get.
pub(crate) const PERMISSION_DENIED: u32 = 103;
pub(crate) const ALREADY_SUBSCRIBED: u32 = 105;
pub(crate) const LIMIT_EXCEEDED: u32 = 106;
pub(crate) const EXPIRED: u32 = 110;

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

/// Returns the error with a code that only clients get.
pub(crate) fn client_error(code: u32) -> ApiError {
    let message = match code {
        PERMISSION_DENIED => "permission denied",
        ALREADY_SUBSCRIBED => "already subscribed",
        LIMIT_EXCEEDED => "limit exceeded",
        EXPIRED => "expired",
        _ => return error(code),
    };
    ApiError::new(code, message)
}
