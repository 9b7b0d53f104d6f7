//! Diagnosis of failed connections: a reason in a few words, and a hint.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};

use super::TransportConfig;
use super::tls::{self, Handshakes};
use super::url::Protocol;
use crate::error::{NOT_TAKEN, OUT_OF_FILES};

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// The codes of the systems for too many open files, in the process and in the system.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;
const WSAEMFILE: i32 = 10024;

/// The facts about a server that explain why connections fail.
pub(super) struct Diagnosis {
    protocol: Protocol,
    /// True if the server has ever replied in the transport's protocol.
    has_replied: AtomicBool,
    handshakes: Option<Handshakes>,
}

impl Diagnosis {
    pub(super) fn new(config: &TransportConfig) -> Self {
        Self {
            protocol: config.url.protocol,
            has_replied: AtomicBool::new(false),
            handshakes: config.url.tls.then(|| config.tls.handshakes.clone()),
        }
    }

    /// Gives no hints at the port: a service of the user may connect to anything.
    #[cfg(any(feature = "grpc", feature = "service"))]
    pub(super) fn of_own_service(self) -> Self {
        self.saw_reply();
        self
    }

    /// Records that the server replied.
    pub(super) fn saw_reply(&self) {
        // Usually that is recorded already, and threads that only read the flag do not contend for it.
        if !self.has_replied.load(Ordering::Relaxed) {
            self.has_replied.store(true, Ordering::Relaxed);
        }
    }

    /// Returns what to do about a connection that could not be made or was lost; empty if nothing is known.
    pub(super) fn hint(
        &self,
        is_connecting: bool,
        error: &(dyn StdError + 'static),
    ) -> &'static str {
        if is_out_of_files(error) {
            return "raise the limit of the process (ulimit -n), or bound the calls at a time with max_in_flight";
        }
        let may_be_wrong_port = !is_connecting && !self.has_replied.load(Ordering::Relaxed);
        if let Some(handshakes) = &self.handshakes {
            let hint = tls::hint(error);
            if hint.is_empty() && may_be_wrong_port {
                return handshakes.hint();
            }
            return hint;
        }
        if !may_be_wrong_port {
            return "";
        }
        match self.protocol {
            Protocol::Http => {
                "does the server speak HTTP on this port, and without TLS? With TLS, the URL begins with https://; \
                 gRPC has a port of its own"
            }
            Protocol::Grpc => {
                "is this the port of Centrifugo's gRPC API, 10000 by default, and without TLS? With TLS, the URL \
                 begins with grpcs://"
            }
        }
    }
}

/// Returns what to do about an HTTP connection that was lost, if the times tell why.
#[cfg(feature = "_http")]
pub(super) fn hint_by_time(
    state: &super::SendState,
    was_used: bool,
    elapsed: std::time::Duration,
) -> Option<&'static str> {
    /// Centrifugo 6.5 and later cut the connection of a call over HTTP that takes longer.
    const SERVER_CUTS_AFTER: u64 = 10;
    /// A connection that was used before and is lost this soon after a request was probably closed while it was idle.
    const CLOSED_EARLY: u64 = 1;
    let since_sent = state.time_since_sent()?;
    if elapsed.as_secs() >= SERVER_CUTS_AFTER {
        Some("Centrifugo 6.5 and later cut replies that take longer than 10 s over HTTP")
    } else if was_used && since_sent.as_secs() < CLOSED_EARLY {
        Some(
            "the connection had been used before: if this happens after pauses, the server or a proxy closes idle \
             connections earlier than the client: set idle_timeout below its keep-alive",
        )
    } else {
        None
    }
}

/// Returns an error and its causes.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// Returns whether the process could not open another file or socket: the fault is neither the server's nor the
/// network's.
pub(super) fn is_out_of_files(error: &(dyn StdError + 'static)) -> bool {
    let codes = if cfg!(windows) {
        [WSAEMFILE; 2]
    } else {
        [EMFILE, ENFILE]
    };
    causes(error).any(|error| {
        let io = error.downcast_ref::<std::io::Error>();
        let code = io.and_then(std::io::Error::raw_os_error);
        code.is_some_and(|code| codes.contains(&code))
    })
}

/// Returns whether the server has refused a request without processing it, so that it may be sent again whatever it does
/// (RFC 9113, 8.7).
#[cfg(any(feature = "grpc", feature = "_tls"))]
pub(super) fn is_refused(error: &(dyn StdError + 'static)) -> bool {
    let error = causes(error).find_map(|error| error.downcast_ref::<h2::Error>());
    error.is_some_and(|error| {
        let is_refused_stream = error.reason() == Some(h2::Reason::REFUSED_STREAM);
        // h2 reports a GOAWAY only to the streams above its last id.
        error.is_remote() && (error.is_go_away() || is_refused_stream)
    })
}

/// Returns false: without HTTP/2 a server cannot refuse a request in this way.
#[cfg(not(any(feature = "grpc", feature = "_tls")))]
pub(super) fn is_refused(_error: &(dyn StdError + 'static)) -> bool {
    false
}

/// Returns what happened to a connection, in a few words; empty if the error does not say.
pub(super) fn reason(error: &(dyn StdError + 'static)) -> &'static str {
    if is_out_of_files(error) {
        return OUT_OF_FILES;
    }
    if is_refused(error) {
        return NOT_TAKEN;
    }
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        let reason = io_reason(error.kind());
        if !reason.is_empty() {
            return reason;
        }
        if let Some(inner) = error.get_ref() {
            return self::reason(inner);
        }
    }
    // Failed name lookups in hyper and tonic have no public error type, only this text.
    if error.to_string().starts_with("dns error") {
        return "the host name cannot be resolved";
    }
    error.source().map_or("", reason)
}

fn io_reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "connection reset",
        ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => "connection closed",
        ErrorKind::HostUnreachable => "host unreachable",
        ErrorKind::NetworkUnreachable => "network unreachable",
        ErrorKind::TimedOut => "connection timed out",
        ErrorKind::NotFound => "no such socket",
        ErrorKind::PermissionDenied => "permission denied",
        _ => "",
    }
}
