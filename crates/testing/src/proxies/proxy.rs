//! A proxy: a backend and the options with which it is asked.

use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use centrifugo_proxy::{EventKind, EventMessage, Failure, Handlers, Head, Now};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

#[cfg(feature = "grpc")]
use super::network::GrpcBackend;
use super::network::HttpBackend;
use super::options::ProxyOptions;
use crate::state::connections::session::ClientHeaders;

/// A backend and the options with which it is asked.
pub(crate) struct Proxy {
    pub(crate) options: ProxyOptions,
    pub(crate) backend: Backend,
}

/// The backend that is asked.
#[derive(Clone)]
pub(crate) enum Backend {
    /// Handlers in process.
    Handlers(Handlers),
    Http(Box<HttpBackend>),
    #[cfg(feature = "grpc")]
    Grpc(GrpcBackend),
    /// None, for this reason.
    Unusable(String),
}

/// The reason for which there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The backend answered with this status of HTTP.
    Status(u16),
    /// A failure, a timeout, or an answer that cannot be read.
    Failed,
    /// The connection has ended meanwhile.
    Ended,
    /// The server cannot ask, because it is configured wrongly.
    Misconfigured(String),
}

impl Proxy {
    /// Returns the encoding of payloads, as requests name it.
    pub(crate) fn encoding(&self) -> &'static str {
        if self.options.binary_encoding {
            "binary"
        } else {
            "json"
        }
    }

    /// Returns the values of a payload's field and of its twin in base64.
    pub(crate) fn twins(&self, payload: Bytes) -> (Bytes, String) {
        if self.options.binary_encoding {
            (Bytes::new(), STANDARD.encode(payload))
        } else {
            (payload, String::new())
        }
    }

    pub(crate) fn is_usable(&self) -> bool {
        !matches!(self.backend, Backend::Unusable(_))
    }

    /// Returns the headers of a request: static ones, and what the options forward of a client's.
    pub(crate) fn headers(&self, client: &ClientHeaders) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.options.static_headers {
            // Checked when the server started.
            let name = HeaderName::try_from(name);
            let value = HeaderValue::try_from(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        forward(
            &mut headers,
            &client.emulated,
            &self.options.emulated_headers,
        );
        forward(&mut headers, &client.transport, &self.options.http_headers);
        headers
    }

    /// Asks the backend, and waits until the timeout.
    pub(crate) async fn ask<M: EventMessage>(
        &self,
        message: M,
        headers: HeaderMap,
        context: &Context<'_>,
    ) -> Result<M::Response, Unanswered> {
        let timeout = self.options.timeout;
        match &self.backend {
            Backend::Handlers(handlers) => {
                check_handler(handlers, M::KIND)?;
                let head = context.head(headers);
                let handlers = handlers.clone();
                let call = async move { handlers.call(message, head).await };
                context.call(timeout, call).await
            }
            Backend::Http(backend) => {
                let answer = HttpBackend::clone(backend).ask(message, headers);
                context.spawn(timeout, answer).await
            }
            #[cfg(feature = "grpc")]
            Backend::Grpc(backend) => {
                let answer = backend.clone().ask(message, headers);
                context.spawn(timeout, answer).await
            }
            Backend::Unusable(reason) => Err(Unanswered::Misconfigured(reason.clone())),
        }
    }
}

/// Checks that the handlers have one for an event.
pub(crate) fn check_handler(handlers: &Handlers, kind: EventKind) -> Result<(), Unanswered> {
    if handlers.kinds().any(|other| other == kind) {
        return Ok(());
    }
    let name = kind.name();
    Err(Unanswered::Misconfigured(format!(
        "the handlers have none for `{name}`: register it, or turn its proxy off"
    )))
}

/// The time at which a backend is asked, and the runtime of the server.
pub(crate) struct Context<'a> {
    pub(crate) now: SystemTime,
    pub(crate) runtime: &'a Handle,
}

impl Context<'_> {
    /// Returns the head of a request to handlers in process.
    pub(crate) fn head(&self, headers: HeaderMap) -> Head {
        let mut extensions = Extensions::new();
        extensions.insert(Now(self.now));
        Head::new(headers, extensions)
    }

    /// Calls handlers in the task of the test, or in the server if that task is not one of tokio.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        timeout: Duration,
        call: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let answer = async move {
            let started = Instant::now();
            match tokio::time::timeout(timeout, call).await {
                // A handler that blocks is not interrupted.
                Ok(_) if started.elapsed() > timeout => Err(Unanswered::Failed),
                Ok(Ok(response)) => Ok(response),
                Ok(Err(failure)) => Err(Unanswered::Status(failure.status().as_u16())),
                Err(_) => Err(Unanswered::Failed),
            }
        };
        if Handle::try_current().is_ok() {
            answer.await
        } else {
            Task(self.runtime.spawn(answer)).await
        }
    }

    /// Waits for an answer over the network, whose connections belong to the server.
    pub(crate) async fn spawn<T: Send + 'static>(
        &self,
        timeout: Duration,
        answer: impl Future<Output = Result<T, Unanswered>> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let answer = async move {
            let answer = tokio::time::timeout(timeout, answer).await;
            answer.unwrap_or(Err(Unanswered::Failed))
        };
        Task(self.runtime.spawn(answer)).await
    }
}

/// A task of the server that ends when nothing waits for it any more.
struct Task<T>(JoinHandle<Result<T, Unanswered>>);

impl<T> Future for Task<T> {
    type Output = Result<T, Unanswered>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        let joined = Pin::new(&mut self.0).poll(context);
        joined.map(|outcome| outcome.unwrap_or(Err(Unanswered::Failed)))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Replaces headers by those of a client that are in the list.
fn forward(headers: &mut HeaderMap, of_client: &HeaderMap, allowed: &[String]) {
    for name in of_client.keys() {
        if !allowed.iter().any(|allowed| allowed == name.as_str()) {
            continue;
        }
        headers.remove(name);
        for value in of_client.get_all(name) {
            headers.append(name, value.clone());
        }
    }
}
