//! Calls that nobody waits for, made by a thread.

use std::fmt;
use std::process;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::Client;
use super::own_runtime::OwnRuntime;
use crate::api::method::Method;
use crate::client::{self, Background, BackgroundCounts};
use crate::error::Error;
use crate::platform::Spawner;

/// A sender of calls that nobody waits for: [`crate::BackgroundSender`] for code without async.
///
/// A thread of its own makes the calls. It starts with the first one, and ends when all clones were dropped and
/// what waited was sent. In a process that was forked after the client's first call or the
/// sender's, requests are dropped.
///
/// ```no_run
/// use std::time::Duration;
///
/// use centrifugo_api::{Background, PublishRequest, blocking};
///
/// # fn run(client: blocking::Client) -> Result<(), centrifugo_api::Error> {
/// let typing = client.background(Background::default());
/// typing.send(PublishRequest::new("chat", r#"{"typing":"alice"}"#));
/// client.close(Duration::from_secs(5))?; // sends what waits
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct BackgroundSender {
    sender: client::BackgroundSender,
    /// Started by the first request; `None` if the system has no thread for it.
    thread: Arc<OnceLock<Option<Thread>>>,
    runtime: Arc<OwnRuntime>,
}

/// A thread with a runtime, which ends some time after this is dropped.
struct Thread {
    runtime: Spawner,
    process: u32,
    _stop: oneshot::Sender<()>,
}

impl Client {
    /// Returns a sender whose calls nobody waits for: [`crate::Client::background`].
    #[must_use]
    pub fn background(&self, options: Background) -> BackgroundSender {
        BackgroundSender {
            sender: self.client.background(options),
            thread: Arc::default(),
            runtime: Arc::clone(&self.runtime),
        }
    }
}

impl BackgroundSender {
    /// Sends a request in the background, or drops it or another one if there is no room:
    /// [`crate::BackgroundSender::send`]. Never waits, except for the thread to start.
    pub fn send<M: Method>(&self, request: M) {
        let mut runtime = None;
        if self.runtime.is_usable() {
            let thread = self.thread.get_or_init(|| Thread::start(&self.sender));
            runtime = thread.as_ref().and_then(Thread::runtime);
        }
        self.sender.send_in(runtime, request);
    }

    /// Waits until no call waits or is in flight.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the process was forked, as for all calls.
    pub fn flush(&self) -> Result<(), Error> {
        self.runtime.block_on(self.sender.flush())
    }

    /// Returns the calls so far, and those that wait.
    #[must_use]
    pub fn counts(&self) -> BackgroundCounts {
        self.sender.counts()
    }
}

impl Thread {
    /// Starts a thread that makes the calls of a sender; returns `None` if the system has none.
    fn start(sender: &client::BackgroundSender) -> Option<Self> {
        let sender = sender.clone();
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let work = move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                // Without a receiver nobody sends anything.
                let _ = tell.send(Spawner::current());
                // Ends with an error: the sender is dropped.
                let _ = stopped.await;
                sender.flush().await;
            });
        };
        let thread = thread::Builder::new().name("centrifugo-api".to_owned());
        thread.spawn(work).ok()?;
        Some(Self {
            runtime: told.recv().ok()??,
            process: process::id(),
            _stop: stop,
        })
    }

    /// Returns the runtime of the thread; `None` in a process that was forked from the thread's.
    fn runtime(&self) -> Option<Spawner> {
        (self.process == process::id()).then(|| self.runtime.clone())
    }
}

impl fmt::Debug for BackgroundSender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sender.fmt(formatter)
    }
}
