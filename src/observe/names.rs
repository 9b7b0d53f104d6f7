//! The names and values of OpenTelemetry's conventions for RPC.

use http::Uri;

use super::Outcome;
use crate::error::Status;

/// Returns the code of an outcome as the conventions have it: `OK`, Centrifugo's or gRPC's; else the kind of the error.
pub(super) fn code(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Success => "OK".to_owned(),
        _ => error_type(outcome),
    }
}

/// Returns what went wrong, as one of few values: Centrifugo's code, the HTTP status, the name of the gRPC code, or the
/// kind of the error.
pub(super) fn error_type(outcome: Outcome<'_>) -> String {
    let Some(error) = outcome.error() else {
        return "dropped".to_owned();
    };
    if let Some(code) = error.api_code() {
        return format!("centrifugo.{code}");
    }
    match error.status() {
        Some(Status::Http(status)) => status.to_string(),
        Some(Status::Grpc(code)) => grpc_name(*code).to_owned(),
        None => error.kind().to_owned(),
    }
}

/// Returns the name of a gRPC code.
fn grpc_name(code: i32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let index = usize::try_from(code).ok();
    index
        .and_then(|index| NAMES.get(index))
        .copied()
        .unwrap_or("UNKNOWN")
}

/// Returns the method as the conventions name it, the same over both transports.
pub(super) fn rpc_method(grpc_path: &'static str, method: &'static str) -> &'static str {
    match grpc_path.strip_prefix('/') {
        Some(path) => path,
        None => method,
    }
}

/// A server, as the conventions describe it.
pub(super) struct Server {
    /// The RPC system: `grpc`, or `centrifugo` over HTTP.
    pub(super) system: &'static str,
    pub(super) address: Option<String>,
    pub(super) port: Option<u16>,
}

impl Server {
    /// Returns the server that a URL names.
    pub(super) fn of(url: &str) -> Self {
        let uri = url.parse::<Uri>().unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or_default();
        let usual_port = match scheme {
            "http" => Some(80),
            "https" | "grpcs" => Some(443),
            _ => None,
        };
        Self {
            system: if scheme.starts_with("grpc") {
                "grpc"
            } else {
                "centrifugo"
            },
            address: uri.host().map(str::to_owned),
            port: uri.port_u16().or(usual_port),
        }
    }
}
