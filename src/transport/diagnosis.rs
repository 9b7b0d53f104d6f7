//! What a transport has seen of the server, which tells what is wrong with its connections.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::target::Protocol;

pub(super) struct Peer {
    protocol: Protocol,
    /// Whether anything of the server's protocol ever came.
    has_answered: AtomicBool,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::Handshakes>,
}

impl Peer {
    pub(super) fn new(settings: &super::Settings) -> Self {
        Self {
            protocol: settings.target.protocol,
            has_answered: AtomicBool::new(false),
            #[cfg(feature = "tls")]
            tls: settings.target.tls.then(|| settings.tls.handshakes.clone()),
        }
    }

    pub(super) fn answers(&self) {
        // Mostly it has, and nothing has to be written.
        if !self.has_answered.load(Ordering::Relaxed) {
            self.has_answered.store(true, Ordering::Relaxed);
        }
    }

    /// What to do about a connection that could not be made, or was lost.
    pub(super) fn hint(
        &self,
        is_connecting: bool,
        error: &(dyn StdError + 'static),
    ) -> &'static str {
        #[cfg(feature = "tls")]
        if let Some(handshakes) = &self.tls {
            let cause = find(error)
                .map(crate::tls::hint)
                .filter(|hint| !hint.is_empty());
            return match (cause, self.has_answered.load(Ordering::Relaxed)) {
                (Some(hint), _) => hint,
                (None, false) if !is_connecting => handshakes.hint(),
                _ => "",
            };
        }
        #[cfg(not(feature = "tls"))]
        let _ = error;
        match self.protocol {
            _ if is_connecting || self.has_answered.load(Ordering::Relaxed) => "",
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

/// The first error of that type among an error and its causes. An I/O error passes for its cause, and hides it.
#[cfg(feature = "tls")]
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(|error| error.get_ref());
    match inner {
        Some(inner) => find(inner),
        None => error.source().and_then(find),
    }
}
