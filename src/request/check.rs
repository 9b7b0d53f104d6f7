//! Checks of requests before anything is sent.

use crate::api::json::place::path_of_end;
use crate::api::method::{InvalidRequest, Method};
use crate::error::Error;

/// Runs [`Method::check`], and names the method in its error.
pub(crate) fn check<M: Method>(request: &M) -> Result<(), Error> {
    request
        .check()
        .map_err(|problem| Error::InvalidRequest(problem.of(M::NAME)))
}

/// Checks that the payloads of a request are JSON, for a transport that could carry others too.
#[cfg(feature = "_transport")]
pub(crate) fn check_json<M: Method>(request: &M) -> Result<(), Error> {
    (M::GENERATED.check_json)(request).map_err(|problem| Error::InvalidRequest(problem.of(M::NAME)))
}

/// Returns the error of a request that has no JSON form. To find the field, the request is serialized once more.
pub(crate) fn not_json<M: Method>(request: &M, error: &serde_json::Error) -> Error {
    let mut start = Vec::new();
    let _ = serde_json::to_writer(&mut start, request);
    not_json_after(M::NAME, &start, error)
}

/// Returns the error of a request that has no JSON form, after the JSON that was written up to the error.
pub(crate) fn not_json_after(
    method: &'static str,
    start: &[u8],
    error: &serde_json::Error,
) -> Error {
    let problem = InvalidRequest::not_json(path_of_end(start), error);
    Error::InvalidRequest(problem.of(method))
}
