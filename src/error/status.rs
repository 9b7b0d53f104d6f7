use std::fmt;

/// The status of an answer: HTTP's, or gRPC's code.
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
    /// Whether another try may get another answer: overload, a gateway without its server, a restart.
    pub(crate) fn is_temporary(self) -> bool {
        matches!(self, Self::Http(429 | 502..=504) | Self::Grpc(14))
    }

    /// Whether nobody was there to answer.
    #[cfg(feature = "_transport")]
    pub(crate) fn is_unavailable(self) -> bool {
        matches!(self, Self::Http(502..=504) | Self::Grpc(14))
    }

    /// What the status, with what came beside it, most often means, and what to do.
    pub(crate) fn hint(self, body: &str) -> &'static str {
        match self {
            // Go's, and nginx's, to HTTP on a port of TLS.
            Self::Http(400) if body.contains("HTTPS") => {
                "the server speaks TLS on this port: begin the URL with https://"
            }
            Self::Http(300..=399) => {
                "redirects are never followed, so that the key goes nowhere else: is the URL right, https in place of http?"
            }
            Self::Http(400) => {
                "the server could not read the request: does the schema that this crate was built from fit it? With \
                 legacy_commands: it lacks a method of the request, and has run the commands before that"
            }
            Self::Http(403) => "something before Centrifugo forbids the call",
            Self::Http(404) => {
                "does the URL lack the path, which is /api by default? Else the server lacks the method: it is older, \
                 or not Centrifugo PRO"
            }
            Self::Http(405) => "is this URL Centrifugo's server API?",
            Self::Http(413) => {
                "a proxy limits the size of requests: send less at once, or raise its limit"
            }
            Self::Http(415) => {
                "is this the port of Centrifugo's gRPC API? HTTP has another, 8000 by default"
            }
            Self::Http(431) => "the headers are larger than the server takes, 1 MB in all",
            Self::Http(500) => {
                "the call has probably run: over HTTP Centrifugo cannot write a reply that holds a payload which is not \
                 JSON; read such channels over gRPC"
            }
            Self::Http(502..=504) => "a proxy did not get an answer from Centrifugo",
            Self::Grpc(_) if body.contains("in place of gRPC") => {
                "is this the port of Centrifugo's gRPC API, 10000 by default?"
            }
            Self::Grpc(8) => {
                "a request above the server's limit, 4 MiB by default: send less at once, or raise \
                 grpc_api.max_receive_message_size"
            }
            Self::Grpc(12) => "the server lacks the method: it is older, or not Centrifugo PRO",
            Self::Grpc(13) => {
                "the server could not read the request: does the schema that this crate was built from fit it?"
            }
            Self::Grpc(14) => {
                "is this the port of Centrifugo's gRPC API, 10000 by default, and grpc_api.enabled set?"
            }
            _ => "",
        }
    }

    pub(crate) fn key_hint(self) -> &'static str {
        match self {
            Self::Http(_) => "is api_key the server's http_api.key?",
            Self::Grpc(_) => "is api_key the server's grpc_api.key, which is not its key for HTTP?",
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
