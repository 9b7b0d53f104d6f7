//! Statuses of responses.

use std::fmt;
use std::time::Duration;

/// The status of a response: an HTTP status, or a gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// An HTTP status, such as 404.
    Http(u16),
    /// A gRPC code, such as 14 (`Unavailable`).
    Grpc(i32),
}

const GRPC_NAMES: [&str; 17] = [
    "Ok",
    "Cancelled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

impl Status {
    /// Returns whether another attempt may get another response: after overload, a gateway without its server, a
    /// restart.
    pub(crate) fn is_temporary(self, retry_after: Option<Duration>) -> bool {
        self == Self::Http(429) || self.is_unavailable(retry_after)
    }

    /// Returns whether no server was available to respond, or the server wants to be left alone for a while.
    ///
    /// 520 to 524 and 530 are Cloudflare's for an origin that is down or too slow. 408 is said by servers and proxies
    /// that close a connection. HTTP 429 and gRPC's `ResourceExhausted` mean that only if the server asks to wait.
    pub(crate) fn is_unavailable(self, retry_after: Option<Duration>) -> bool {
        match self {
            Self::Http(429) => retry_after.is_some(),
            Self::Http(status) => matches!(status, 408 | 502..=504 | 520..=524 | 530),
            Self::Grpc(8) => retry_after.is_some(),
            Self::Grpc(code) => code == 14,
        }
    }

    /// Returns whether the server does not have the method.
    pub(crate) fn is_unsupported(self) -> bool {
        matches!(self, Self::Http(404) | Self::Grpc(12))
    }

    /// Returns the usual meaning of the status, given the body that came with it, and what to do. Nothing is said here
    /// of a method that the server does not have.
    pub(crate) fn hint(self, body: &str) -> &'static str {
        match self {
            // The text of Go and of nginx for HTTP on a TLS port.
            Self::Http(400) if body.contains("HTTPS") => {
                "the server speaks TLS on this port: begin the URL with https://"
            }
            Self::Http(300..=399) => {
                "redirects are never followed, so that the key is sent nowhere else: is the URL right, https instead of http?"
            }
            Self::Http(400) => {
                "the server could not read the request: does the schema that this crate was built from match it? With \
                 legacy_commands: it does not have a method of the request, and has run the commands before it"
            }
            Self::Http(403) => "a proxy in front of Centrifugo forbids the call",
            Self::Http(405) => "is this URL Centrifugo's server API?",
            Self::Http(413) => {
                "a proxy limits the size of requests: send less at once, or raise its limit"
            }
            Self::Http(415) => {
                "is this the port of Centrifugo's gRPC API? The HTTP API has another port, 8000 by default"
            }
            Self::Http(431) => "the headers are larger than the server's limit, 1 MB in total",
            Self::Http(500) => {
                "the call has probably run: over HTTP Centrifugo cannot write a reply with a payload that is not JSON; \
                 read such channels over gRPC"
            }
            Self::Http(407) => "the proxy that the connection passes through wants credentials",
            Self::Http(408) => "the server or a proxy did not get the whole request in time",
            Self::Http(502..=504 | 520..=524 | 530) => {
                "a proxy did not get a response from Centrifugo"
            }
            Self::Grpc(_) if body.contains("instead of gRPC") => {
                "is this the port of Centrifugo's gRPC API, 10000 by default?"
            }
            // The texts of Go's gRPC.
            Self::Grpc(8)
                if body.contains("received message larger than max")
                    || body.contains("after decompression larger than max") =>
            {
                "the request exceeds the server's limit, 4 MiB by default: send less at once, or raise \
                 grpc_api.max_receive_message_size"
            }
            Self::Grpc(8) if body.contains("send message larger than max") => {
                "the reply exceeds the server's limit: ask for less at once"
            }
            Self::Grpc(13) => {
                "the server could not read the request: does the schema that this crate was built from match it?"
            }
            Self::Grpc(14) => {
                "is this the port of Centrifugo's gRPC API, 10000 by default, and grpc_api.enabled set?"
            }
            _ => "",
        }
    }

    /// Returns a question about the API key, for a status that says that it was refused.
    pub(crate) fn key_hint(self) -> &'static str {
        match self {
            Self::Http(_) => {
                "is api_key the server's http_api.key, or does the server take the bearer token?"
            }
            Self::Grpc(_) => {
                "is api_key the server's grpc_api.key, which is separate from its key for HTTP, or does the server take the bearer token?"
            }
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Http(status) => write!(formatter, "HTTP {status}"),
            Self::Grpc(code) => {
                let name = usize::try_from(code)
                    .ok()
                    .and_then(|code| GRPC_NAMES.get(code));
                write!(formatter, "gRPC {} ({code})", name.unwrap_or(&"code"))
            }
        }
    }
}
