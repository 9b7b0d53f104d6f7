use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::builder::ServerBuilder;
use super::clock::Clock;
use super::connection::{Connection, User};
use super::engine::{Engine, ServedMethod};
use super::faults::{Fault, Faults};
use super::namespace::Namespaces;
use super::recorder::{Recorded, Recorder};
use super::overrides::Overrides;
use super::state::connections::Ending;
use super::state::{State, random};
use super::wire::{self, ServerConfig};
use centrifugo_api::{ApiError, Error};

/// What clients are told when the server is dropped.
const SHUTDOWN: Ending<'static> = (3001, "shutdown");

/// An in-memory Centrifugo, on a free port of 127.0.0.1 until it is dropped.
///
/// It has a thread and a runtime of its own: it can be used with async code and without, and answers whatever the
/// test's runtime does.
pub struct Server {
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server in which every channel without a namespace has history and presence.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], when the machine has no free port or no thread left.
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// Starts the configuration of a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    pub(crate) fn run(
        listener: TcpListener,
        namespaces: Namespaces,
        config: ServerConfig,
        recorded: usize,
    ) -> Result<Self, Error> {
        let failed =
            |error| Error::Config(format!("the embedded server cannot be started: {error}"));
        let address = listener.local_addr().map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let engine = Arc::new(Engine {
            uid: random::uuid(),
            namespaces,
            clock: Clock::start(),
            state: State::default(),
            overrides: Overrides::default(),
            faults: Faults::default(),
            recorder: Recorder::new(recorded),
        });
        let config = Arc::new(config);
        let (stop, stopped) = oneshot::channel();
        let served = serve(
            runtime,
            listener,
            Arc::clone(&engine),
            Arc::clone(&config),
            stopped,
        );
        let thread = thread::Builder::new()
            .name("embedded Centrifugo".to_owned())
            .spawn(served)
            .map_err(failed)?;
        Ok(Self {
            engine,
            config,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The base URL of the HTTP API: `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.config.prefix)
    }

    /// The URL of the gRPC API: `grpc://127.0.0.1:PORT`.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// The key of the HTTP API; empty where none is asked for. Unless a configuration says otherwise, gRPC has the same.
    #[must_use]
    pub fn api_key(&self) -> &str {
        self.config.http_key.as_deref().unwrap_or_default()
    }

    /// The key of the gRPC API; empty where none is asked for.
    #[must_use]
    pub fn grpc_api_key(&self) -> &str {
        self.config.grpc_key.as_deref().unwrap_or_default()
    }

    /// Moves the server's time forward: what expires by then expires.
    ///
    /// The time goes on by itself too, as the machine's does.
    pub fn advance(&self, duration: Duration) {
        self.engine.clock.advance(duration);
        self.engine.expire();
    }

    /// Connects a client, which takes a name or a [`User`].
    #[must_use = "the client is disconnected when it is dropped"]
    pub fn connect(&self, user: impl Into<User>) -> Connection {
        Connection::open(Arc::clone(&self.engine), user.into())
    }

    /// Answers calls of a method in the server's place, such as one of Centrifugo PRO's, or `rpc`.
    ///
    /// It is called in the server's thread, for each command of a batch too, and must not wait for a call to this server.
    /// A panic in it closes the connection. What is scripted for `publish` is not asked for the channels of a broadcast.
    ///
    /// ```
    /// use centrifugo_api_testing::Server;
    /// use centrifugo_api::{BlockUserRequest, BlockUserResult};
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let server = Server::start()?;
    /// server.on(|request: BlockUserRequest| {
    ///     assert_eq!(request.user, "mallory");
    ///     Ok(BlockUserResult::default())
    /// });
    /// # Ok(()) }
    /// ```
    pub fn on<M: ServedMethod>(
        &self,
        answer: impl Fn(M) -> Result<M::Result, ApiError> + Send + Sync + 'static,
    ) {
        self.engine.overrides.set::<M>(Box::new(answer));
    }

    /// Takes back what [`on`](Self::on) said of a method: the server answers it again, or does not offer it.
    pub fn off<M: ServedMethod>(&self) {
        self.engine.overrides.remove::<M>();
    }

    /// The last requests that were read, oldest first; at most 10,000, or what
    /// [`recorded_requests`](ServerBuilder::recorded_requests) says.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.engine.recorder.requests()
    }

    /// Takes the requests, so that the next ones stand alone.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.engine.recorder.take()
    }

    /// Lets the next calls that a fault is for meet it. Faults are met in the order in which they were planned.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which says what is wrong with the fault, such as a method that the schema lacks.
    pub fn fail_next(&self, calls: usize, fault: Fault) -> Result<(), Error> {
        self.engine.faults.plan(Some(calls), fault)
    }

    /// Lets all calls that a fault is for meet it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which says what is wrong with the fault.
    pub fn fail_always(&self, fault: Fault) -> Result<(), Error> {
        self.engine.faults.plan(None, fault)
    }

    /// Forgets the faults that are planned.
    pub fn clear_faults(&self) {
        self.engine.faults.clear();
    }

    /// The faults that no call has met, or fewer than planned: a test that ends with some has not tested what it
    /// meant to.
    #[must_use]
    pub fn unused_faults(&self) -> Vec<Fault> {
        self.engine.faults.unused()
    }
}

/// # Clients
impl Server {
    /// A client over HTTP, with the right key.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn client(&self) -> centrifugo_api::Client {
        self.client_builder()
            .build()
            .unwrap_or_else(|error| unreachable!("the options are right: {error}"))
    }

    /// The configuration of a client over HTTP, with the right key.
    #[cfg(feature = "http")]
    pub fn client_builder(&self) -> centrifugo_api::ClientBuilder {
        with_key(
            centrifugo_api::Client::builder(self.url()),
            self.config.http_key.as_ref(),
        )
    }

    /// A blocking client over HTTP, with the right key.
    #[cfg(all(feature = "http", feature = "blocking"))]
    #[must_use]
    pub fn blocking_client(&self) -> centrifugo_api::blocking::Client {
        let built = self.client_builder().build_blocking();
        built.unwrap_or_else(|error| unreachable!("the options are right: {error}"))
    }

    /// A client over gRPC, with the right key.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc_client(&self) -> centrifugo_api::Client {
        self.grpc_client_builder()
            .build()
            .unwrap_or_else(|error| unreachable!("the options are right: {error}"))
    }

    /// The configuration of a client over gRPC, with the right key.
    #[cfg(feature = "grpc")]
    pub fn grpc_client_builder(&self) -> centrifugo_api::ClientBuilder {
        with_key(
            centrifugo_api::Client::builder(self.grpc_url()),
            self.config.grpc_key.as_ref(),
        )
    }
}

#[cfg(any(feature = "http", feature = "grpc"))]
fn with_key(
    builder: centrifugo_api::ClientBuilder,
    key: Option<&String>,
) -> centrifugo_api::ClientBuilder {
    match key {
        Some(key) => builder.api_key(key),
        None => builder,
    }
}

/// What the server's thread does.
fn serve(
    runtime: Runtime,
    listener: TcpListener,
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    stopped: oneshot::Receiver<()>,
) -> impl FnOnce() + Send {
    move || {
        runtime.block_on(async {
            // A listener that is bound and does not block can be taken over.
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                wire::serve(listener, engine, config, stopped).await;
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.engine.state.lock().connections.disconnect_all(SHUTDOWN);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
