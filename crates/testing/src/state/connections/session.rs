//! The parts of a connection that only proxies see.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The part of a connection that proxies see, and how they refresh it.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The data of the connection that clients never see, in JSON; empty if there is none.
    pub(crate) meta: Bytes,
    pub(crate) headers: Arc<ClientHeaders>,
    /// True if a proxy refreshes the connection when it expires, and not the client.
    pub(crate) by_proxy: bool,
    /// The Unix time in seconds at which the proxy is asked.
    pub(crate) ask_at: i64,
    /// True while the proxy is asked.
    pub(crate) is_asking: bool,
    /// Is closed when the connection ends.
    pub(crate) lifetime: watch::Sender<()>,
}

/// The headers of a client.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug, Default)]
pub(crate) struct ClientHeaders {
    /// Those of its connection.
    pub(crate) transport: HeaderMap,
    /// Those that it wrote into its first command.
    pub(crate) emulated: HeaderMap,
}

/// The stream that a subscription gets its publications from. Dropped, it ends.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Clone, Debug)]
pub(crate) struct StreamHandle(pub(crate) Arc<StreamParts>);

/// The parts of a stream.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug)]
pub(crate) struct StreamParts {
    /// Takes what the client publishes, if the stream is bidirectional.
    pub(crate) publications: Option<UnboundedSender<Bytes>>,
    pub(crate) task: AbortHandle,
}

impl Drop for StreamParts {
    fn drop(&mut self) {
        self.task.abort();
    }
}
