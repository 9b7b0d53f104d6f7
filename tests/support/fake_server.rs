//! The common part of the fake servers: each has its own thread and runtime, a script, and a log of
//! the requests.
//! A panic of a fake server fails the test.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};

/// The time that a test waits for an event that must happen. Only a failing test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer of a fake server. Its type determines the protocol.
pub(crate) trait Scripted: Clone + Send + Sync + 'static {
    type Request: Clone + Debug + Send + 'static;

    /// Serves a connection to its end.
    fn serve(stream: TcpStream, script: Arc<Script<Self>>) -> impl Future<Output = ()> + Send;
}

/// The answers to give, and a log of the requests.
pub(crate) struct Script<A: Scripted> {
    answer: Mutex<Maker<A>>,
    log: Mutex<Log<A::Request>>,
}

type Maker<A> = Box<dyn FnMut(&<A as Scripted>::Request) -> A + Send>;

struct Log<R> {
    connections: usize,
    ended: usize,
    requests: Vec<R>,
    /// The number of bytes of floods that were written before the client hung up.
    floods: Vec<usize>,
}

impl<A: Scripted> Script<A> {
    /// Logs a request and returns its answer.
    pub(crate) fn answer(&self, request: A::Request) -> A {
        lock(&self.log).requests.push(request.clone());
        lock(&self.answer)(&request)
    }

    pub(crate) fn flood(&self) -> Flood<'_, A> {
        Flood {
            script: self,
            written: 0,
        }
    }
}

/// Counts the bytes written until the client hangs up, which may end the task that writes.
pub(crate) struct Flood<'a, A: Scripted> {
    script: &'a Script<A>,
    pub(crate) written: usize,
}

impl<A: Scripted> Drop for Flood<'_, A> {
    fn drop(&mut self) {
        lock(&self.script.log).floods.push(self.written);
    }
}

/// A server on a free port that runs until it is dropped. It has its own thread, so that it answers
/// whatever the
/// runtimes of the test do.
pub(crate) struct Fake<A: Scripted> {
    script: Arc<Script<A>>,
    /// The number of requests in the script.
    expected: Option<usize>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<A: Scripted> Fake<A> {
    /// Answers every request with the same answer.
    pub(crate) fn always(answer: A) -> Self {
        Self::by(move |_| answer.clone())
    }

    /// Answers each request with the next answer. A test fails with one request too many or too
    /// few.
    pub(crate) fn script(answers: impl IntoIterator<Item = A>) -> Self {
        let mut answers: VecDeque<A> = answers.into_iter().collect();
        let expected = Some(answers.len());
        let mut fake = Self::by(move |request| {
            answers
                .pop_front()
                .unwrap_or_else(|| panic!("the script has no answer for {request:?}"))
        });
        fake.expected = expected;
        fake
    }

    /// Answers each request with what `answer` returns for it.
    pub(crate) fn by(answer: impl FnMut(&A::Request) -> A + Send + 'static) -> Self {
        let log = Log {
            connections: 0,
            ended: 0,
            requests: Vec::new(),
            floods: Vec::new(),
        };
        let script = Arc::new(Script {
            answer: Mutex::new(Box::new(answer)),
            log: Mutex::new(log),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener
            .set_nonblocking(true)
            .expect("the listener can be made non-blocking");
        let address = listener.local_addr().expect("the listener has an address");
        let (stop, stopped) = oneshot::channel();
        let name = format!(
            "fake server of {}",
            thread::current().name().unwrap_or("a test")
        );
        let served = Arc::clone(&script);
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime
                    .expect("a runtime starts")
                    .block_on(accept(listener, served, stopped));
            })
            .expect("a thread starts");
        Self {
            script,
            expected: None,
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn requests(&self) -> Vec<A::Request> {
        lock(&self.script.log).requests.clone()
    }

    /// Returns the only request.
    pub(crate) fn request(&self) -> A::Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub(crate) fn connections(&self) -> usize {
        lock(&self.script.log).connections
    }

    /// Waits until the client has hung up during a flood, and returns how many bytes were written.
    pub(crate) async fn end_of_flood(&self) -> usize {
        eventually("the end of the flood", || {
            lock(&self.script.log).floods.first().copied()
        })
        .await
    }

    /// Waits until all connections have ended.
    pub(crate) async fn all_ended(&self) {
        eventually("the end of all connections", || {
            let log = lock(&self.script.log);
            (log.connections == log.ended).then_some(())
        })
        .await;
    }
}

async fn accept<A: Scripted>(
    listener: std::net::TcpListener,
    script: Arc<Script<A>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = TcpListener::from_std(listener).expect("the listener can join the runtime");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection is accepted");
                stream.set_nodelay(true).expect("nodelay can be set");
                lock(&script.log).connections += 1;
                let script = Arc::clone(&script);
                connections.spawn(async move {
                    A::serve(stream, Arc::clone(&script)).await;
                    lock(&script.log).ended += 1;
                });
            }
            Some(ended) = connections.join_next() => pass_panic(ended),
            _ = &mut stopped => break,
        }
    }
    while let Some(ended) = connections.try_join_next() {
        pass_panic(ended);
    }
}

/// Passes a task's panic on to its parent.
pub(crate) fn pass_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}

impl<A: Scripted> Drop for Fake<A> {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if thread::panicking() {
            return;
        }
        if let Some(Err(panic)) = ended {
            std::panic::resume_unwind(panic);
        }
        let came = lock(&self.script.log).requests.len();
        let expected = self.expected;
        assert!(
            came >= expected.unwrap_or(0),
            "{came} requests came, and the script is for {expected:?}"
        );
    }
}

/// Waits until `read` returns a value.
pub(crate) async fn eventually<T>(what: &str, mut read: impl FnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            match read() {
                Some(value) => return value,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, poll)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
