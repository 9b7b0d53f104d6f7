//! Diagnosis of failed connections: a reason in a few words, and a hint.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};

use super::TransportConfig;
use super::tls::{self, Handshakes};
use super::url::Protocol;

/// The facts about a server that explain why connections fail.
pub(super) struct Diagnosis {
    protocol: Protocol,
    /// Whether the server has ever replied in the transport's protocol.
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

/// Returns what happened to a connection, in a few words; empty if the error does not say.
pub(super) fn reason(error: &(dyn StdError + 'static)) -> &'static str {
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
