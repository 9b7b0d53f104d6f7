//! The servers that the rows are played on.

use std::sync::Arc;

use centrifugo_api::Client as Api;
use centrifugo_proxy::EventKind;

use super::answer::Answer;
use super::backend::Backend;
use super::configuration::Endpoints;
use crate::server::{self, Transport, Version};

/// Variables of Centrifugo's environment.
pub(crate) type Options = &'static [(&'static str, &'static str)];

/// The needs of a case of its server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wants {
    /// It waits only a moment for an answer, which will be late.
    is_impatient: bool,
    /// It asks over the network, for an answer that no handler can give.
    pub(super) asks_over_network: bool,
    /// It opens streams.
    has_streams: bool,
}

impl Wants {
    pub(super) fn note(&mut self, kind: EventKind, answer: &Answer) {
        self.is_impatient |= matches!(answer, Answer::Late);
        self.asks_over_network |= matches!(answer, Answer::Raw(_));
        self.has_streams |= matches!(
            kind,
            EventKind::SubscribeUnidirectional | EventKind::SubscribeBidirectional
        );
    }
}

/// Two real servers.
pub(super) struct Real {
    /// Waits long for answers, so that none is late on a busy machine.
    patient: RealServer,
    /// Waits a moment.
    impatient: RealServer,
}

pub(super) struct RealServer {
    pub(super) server: server::Server,
    pub(super) api: Api,
}

impl Real {
    /// Starts servers that ask a backend.
    pub(super) async fn start(url: &str, further: Options) -> Self {
        let (patient, impatient) = tokio::join!(
            RealServer::start(url, "10s", further),
            RealServer::start(url, "500ms", further)
        );
        Self { patient, impatient }
    }

    pub(super) fn server(&self, wants: Wants) -> &RealServer {
        if wants.is_impatient {
            &self.impatient
        } else {
            &self.patient
        }
    }
}

impl RealServer {
    async fn start(url: &str, timeout: &str, further: Options) -> Self {
        let options = Endpoints { url }.options(timeout);
        let mut all: Vec<_> = options.iter().map(|(k, v)| (&**k, &**v)).collect();
        all.extend(further);
        let real = server::Backend::Real(Version::V6);
        let server = server::Server::start_bare(real, &all).await;
        let api = server.client(Transport::Http);
        Self { server, api }
    }
}

/// The parts that an embedded server needs to start.
pub(super) struct Embedded {
    /// The URLs of the backend.
    pub(super) http: String,
    pub(super) grpc: String,
    pub(super) further: Options,
}

pub(super) struct EmbeddedServer {
    pub(super) server: Arc<centrifugo_api_testing::Server>,
    pub(super) api: Api,
}

impl Embedded {
    /// Starts a server with the configuration of the real ones.
    pub(super) fn start(&self, wants: Wants, backend: &Backend) -> EmbeddedServer {
        let url = if wants.asks_over_network && !wants.has_streams {
            &self.http
        } else {
            &self.grpc
        };
        let timeout = if wants.is_impatient { "200ms" } else { "10s" };
        let options = Endpoints { url }.options(timeout);
        let further = self.further.iter().copied();
        let mut builder = centrifugo_api_testing::Server::builder()
            .environment(options)
            .environment(further);
        if !wants.asks_over_network {
            builder = builder.proxy(&backend.handlers_in_process());
        }
        let server = builder.start().expect("the server starts");
        let api = server.client();
        EmbeddedServer {
            server: Arc::new(server),
            api,
        }
    }
}
