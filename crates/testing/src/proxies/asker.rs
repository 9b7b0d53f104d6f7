//! The client about which a backend is asked.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use centrifugo_proxy::EventMessage;
use tokio::sync::watch;

use super::proxy::{Context, Proxy, Unanswered};
use crate::engine::Engine;
use crate::state::connections::session::ClientHeaders;

/// The transport of all clients.
pub(crate) const TRANSPORT: &str = "websocket";

/// The client about which a backend is asked, as it was when the question came up.
pub(crate) struct Asker {
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) protocol: &'static str,
    /// Empty if there is none.
    pub(crate) meta: Bytes,
    pub(crate) headers: Arc<ClientHeaders>,
    /// Is closed when the connection ends; `None` if it has not begun.
    pub(crate) lifetime: Option<watch::Receiver<()>>,
}

/// Creates a request of a type for a client, with its fields that all requests have.
macro_rules! request_of {
    ($request:ty, $asker:expr, $proxy:expr) => {{
        let mut request = <$request>::default();
        request.client = $asker.client.clone();
        request.transport = $crate::proxies::asker::TRANSPORT.to_owned();
        request.protocol = $asker.protocol.to_owned();
        request.encoding = $proxy.encoding().to_owned();
        request
    }};
    ($request:ty, $asker:expr, $proxy:expr, connected) => {{
        let mut request = $crate::proxies::asker::request_of!($request, $asker, $proxy);
        request.user = $asker.user.clone();
        if $proxy.options.include_connection_meta {
            request.meta = $asker.meta.clone();
        }
        request
    }};
}

pub(crate) use request_of;

/// Returns how requests name the protocol of a client.
pub(crate) fn protocol(is_protobuf: bool) -> &'static str {
    if is_protobuf { "protobuf" } else { "json" }
}

impl Engine {
    /// Returns a connected client.
    pub(crate) fn asker(&self, id: &str) -> Result<Asker, Unanswered> {
        let mut data = self.state.lock();
        let client = data.connections.get_mut(id).ok_or(Unanswered::Ended)?;
        Ok(Asker {
            client: id.to_owned(),
            user: client.user.clone(),
            protocol: protocol(client.protobuf),
            meta: client.session.meta.clone(),
            headers: Arc::clone(&client.session.headers),
            lifetime: Some(client.session.lifetime.subscribe()),
        })
    }

    /// Asks a backend about a client, unless its connection ends.
    pub(crate) async fn ask<M: EventMessage>(
        &self,
        proxy: &Proxy,
        message: M,
        asker: &Asker,
    ) -> Result<M::Response, Unanswered> {
        let headers = proxy.headers(&asker.headers);
        let context = self.context();
        unless_ended(asker, proxy.ask(message, headers, &context)).await
    }

    /// Returns the time until a Unix time in seconds.
    pub(crate) fn time_until(&self, seconds: i64) -> Duration {
        let left = seconds.saturating_sub(self.clock.seconds());
        Duration::from_secs(left.try_into().unwrap_or_default())
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: UNIX_EPOCH + Duration::from_millis(self.clock.now()),
            runtime: &self.proxies.runtime,
        }
    }
}

/// Waits for an answer, or for the end of the client's connection.
pub(crate) async fn unless_ended<T>(
    asker: &Asker,
    answer: impl Future<Output = Result<T, Unanswered>>,
) -> Result<T, Unanswered> {
    let Some(lifetime) = &asker.lifetime else {
        return answer.await;
    };
    let mut lifetime = lifetime.clone();
    tokio::select! {
        answer = answer => answer,
        // No value is sent: this is the end.
        _ = lifetime.changed() => Err(Unanswered::Ended),
    }
}
