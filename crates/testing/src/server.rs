//! The server that a test holds: starting, controlling and stopping it.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use centrifugo_api::{ApiError, Error};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::builder::{Listening, ServerBuilder};
use crate::clock::{self, Clock};
use crate::connection::{Connection, User};
use crate::engine::{Engine, ROUTES};
use crate::faults::{Fault, Faults};
use crate::overrides::Overrides;
use crate::recorder::{Recorded, Recorder};
use crate::served::ServedMethod;
use crate::state::connections::CloseReason;
use crate::state::{State, random};
use crate::wire::{self, ServerConfig};

/// The reason that connected clients receive when the server is dropped.
const SHUTDOWN: CloseReason<'static> = CloseReason::new(3001, "shutdown");

/// An in-memory Centrifugo, on a free port of 127.0.0.1 until it is dropped.
///
/// The server has its own thread and runtime. It works with async and with blocking code, and it
/// replies even while the test's runtime is blocked.
pub struct Server {
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: Arc<ServerConfig>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server in which every channel without a namespace has history and presence.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the machine has no free port or no thread left, or if tokio's clock is
    /// paused.
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// Creates a builder, to configure a server before it starts.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    fn run(listening: Listening) -> Result<Self, Error> {
        let Listening {
            listener,
            namespaces,
            config,
            release,
            recorded,
            #[cfg(feature = "_token")]
            tokens,
            #[cfg(feature = "proxy")]
            proxies,
            #[cfg(feature = "proxy")]
            configured_proxies,
        } = listening;
        let address = listener.local_addr().map_err(cannot_start)?;
        listener.set_nonblocking(true).map_err(cannot_start)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot_start)?;
        let engine = Arc::new(Engine {
            uid: random::uuid(),
            release,
            namespaces,
            clock: Clock::start(),
            state: State::default(),
            overrides: Overrides::default(),
            faults: Faults::default(),
            recorder: Recorder::new(recorded),
            #[cfg(feature = "_token")]
            tokens,
            #[cfg(feature = "proxy")]
            proxies: proxies.build(configured_proxies, runtime.handle()),
        });
        let config = Arc::new(config);
        let (stop, stopped) = oneshot::channel();
        let work = serve(
            runtime,
            listener,
            Arc::clone(&engine),
            Arc::clone(&config),
            stopped,
        );
        let thread = thread::Builder::new()
            .name("embedded Centrifugo".to_owned())
            .spawn(work)
            .map_err(cannot_start)?;
        Ok(Self {
            engine,
            config,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the base URL of the HTTP API: `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.config.prefix)
    }

    /// Returns the URL of the gRPC API: `grpc://127.0.0.1:PORT`.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// Returns the API key for HTTP; empty if the server needs none.
    ///
    /// gRPC has the same key, unless a [`configuration`](ServerBuilder::configuration) sets others.
    #[must_use]
    pub fn api_key(&self) -> &str {
        self.config.http_key.as_deref().unwrap_or_default()
    }

    /// Returns the API key for gRPC; empty if the server needs none.
    #[must_use]
    pub fn grpc_api_key(&self) -> &str {
        self.config.grpc_key.as_deref().unwrap_or_default()
    }

    /// Moves the server's time forward: everything that is due by then expires.
    ///
    /// Time also advances by itself.
    pub fn advance(&self, duration: Duration) {
        self.engine.clock.advance(duration);
        self.engine.expire();
    }

    /// Returns the server's time: that of the machine, and what [`advance`](Self::advance) has added.
    ///
    /// A token that a test makes after `advance` is signed at this time, by `sign_at`: it would have expired otherwise.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.engine.clock.now())
    }

    /// Connects a client for a [`User`], or for a user with that name. No proxy is asked; with the feature `proxy`,
    /// `connect_client` asks it.
    #[must_use = "the client is disconnected when it is dropped"]
    pub fn connect(&self, user: impl Into<User>) -> Connection {
        Connection::open(Arc::clone(&self.engine), user.into())
    }

    /// Sets a handler for a method, such as a method of Centrifugo PRO, or `rpc`.
    ///
    /// The handler runs in the server's thread, also for each command of a batch, and must not wait
    /// for a call to this server. If it panics, the connection of the call is closed. A handler for
    /// `publish` is not called for the channels of a broadcast.
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
        handler: impl Fn(M) -> Result<M::Result, ApiError> + Send + Sync + 'static,
    ) {
        self.engine.overrides.set::<M>(Box::new(handler));
    }

    /// Removes the handler set with [`on`](Self::on): the server handles the method itself again,
    /// if it can.
    pub fn off<M: ServedMethod>(&self) {
        self.engine.overrides.remove::<M>();
    }

    /// Returns the recorded requests, oldest first.
    ///
    /// The server keeps the last 10,000 requests by default; see
    /// [`recorded_requests`](ServerBuilder::recorded_requests).
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.engine.recorder.requests()
    }

    /// Returns the recorded requests and clears the record.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.engine.recorder.take()
    }

    /// Plans a fault for the next `calls` calls that it applies to.
    ///
    /// Faults happen in the order in which they were planned.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the fault is invalid, for example if the schema lacks its method.
    pub fn fail_next(&self, calls: usize, fault: Fault) -> Result<(), Error> {
        check_fault(&fault)?;
        self.engine.faults.plan(Some(calls), fault)
    }

    /// Plans a fault for all calls that it applies to.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the fault is invalid.
    pub fn fail_always(&self, fault: Fault) -> Result<(), Error> {
        check_fault(&fault)?;
        self.engine.faults.plan(None, fault)
    }

    /// Removes all planned faults.
    pub fn clear_faults(&self) {
        self.engine.faults.clear();
    }

    /// Returns the faults that have happened less often than planned, or not at all.
    ///
    /// A test that ends with unused faults has not tested what it was meant to test.
    #[must_use]
    pub fn unused_faults(&self) -> Vec<Fault> {
        self.engine.faults.unused()
    }
}

fn cannot_start(error: std::io::Error) -> Error {
    Error::Config(format!("the embedded server cannot be started: {error}"))
}

/// Returns the work of the server's thread.
fn serve(
    runtime: Runtime,
    listener: TcpListener,
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    stopped: oneshot::Receiver<()>,
) -> impl FnOnce() + Send {
    move || {
        runtime.block_on(async {
            // The conversion cannot fail: the listener is bound and does not block.
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                wire::serve(listener, engine, config, stopped).await;
            }
        });
    }
}

/// Checks that a fault does not put an error into the reply of a method whose replies have no place for one.
fn check_fault(fault: &Fault) -> Result<(), Error> {
    let Some(method) = fault.method_with_error() else {
        return Ok(());
    };
    let mut routes = ROUTES.iter();
    if routes.any(|route| route.name == method && !route.has_error) {
        return Err(Error::Config(format!(
            "fault: a reply of `{method}` cannot be an error: name one of the methods in it"
        )));
    }
    Ok(())
}

impl ServerBuilder {
    /// Starts the server.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the option, if options contradict each other or the port is
    /// in use; also if tokio's clock is paused, which would end every call at once.
    pub fn start(self) -> Result<Server, Error> {
        clock::check_that_time_passes()?;
        Server::run(self.listen()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.engine
            .state
            .lock()
            .connections
            .disconnect_all(SHUTDOWN);
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
