//! The methods of the schema, as the embedded server serves them.

use centrifugo_api::{ApiError, Method};

/// A method of the schema, as the embedded server serves it. Every request implements it.
pub trait ServedMethod: Method + Default + 'static {
    /// True if the method's reply has a place for an error.
    #[doc(hidden)]
    const HAS_ERROR: bool;

    /// Returns the reply for an outcome.
    #[doc(hidden)]
    fn response(outcome: Result<Self::Result, ApiError>) -> Self::Response;

    /// Returns the channels that the request names.
    #[doc(hidden)]
    fn channels(&self) -> Vec<&str>;
}
