//! The addresses behind the names of hosts, and the order in which they are tried.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The age at which an answer is too old to be used.
const MAX_AGE: Duration = Duration::from_secs(30);

/// The same if all its addresses have failed since: the host may have moved.
const MAX_AGE_WHEN_DOWN: Duration = Duration::from_secs(1);

/// The time after which a lookup is taken for hung, and another one may run beside it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The maximal number of lookups of a name, and so of their threads, at a time.
const MAX_LOOKUPS: usize = 2;

/// The time for which an address that has failed is tried after the others.
const SET_BACK: Duration = Duration::from_secs(30);

/// The number of addresses whose health is remembered.
const MAX_KNOWN: usize = 256;

/// The addresses behind host names, shared by all nodes and runtimes of a client.
///
/// A name is looked up in a thread of its own, which nothing waits for: neither a runtime that shuts down nor the end
/// of the process. Callers that need the same name share a lookup.
pub(crate) struct Names {
    resolve: Arc<Resolve>,
    state: Arc<Mutex<State>>,
}

type Resolve = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

#[derive(Default)]
struct State {
    names: HashMap<(String, u16), Name>,
    /// Not a part of the answers: an address that is missing in one answer may be in the next.
    health: HashMap<SocketAddr, Health>,
}

/// A host name with its port.
#[derive(Default)]
struct Name {
    answer: Option<Answer>,
    /// The number of lookups that run.
    running: usize,
    /// The start of the last lookup.
    started: Option<Instant>,
    /// Changes when lookups end: to the error of the last one, or to `None` if there is an answer.
    ended: watch::Sender<Option<io::Error>>,
}

/// The answer of a lookup.
struct Answer {
    addresses: Vec<SocketAddr>,
    at: Instant,
}

/// The health of an address.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Health {
    WorksSince(Instant),
    FailedAt(Instant),
}

impl Default for Names {
    fn default() -> Self {
        Self::with_resolver(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }
}

impl Names {
    /// Returns the names, given the function that looks one up. The function may block.
    pub(crate) fn with_resolver(
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            resolve: Arc::new(resolve),
            state: Arc::default(),
        }
    }

    /// Returns the addresses of a host in the order in which they are to be tried: the one that has worked for the
    /// longest time first, then those of which nothing is known, in the resolver's order, then those that have failed
    /// lately.
    ///
    /// Looks the host up if there is no answer or an old one. If that fails, the old answer is not used: another
    /// server may have its addresses by now.
    ///
    /// # Errors
    ///
    /// That of the lookup.
    pub(crate) async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![(ip, port).into()]);
        }
        loop {
            let mut ended = match self.answer(host, port)? {
                Ok(addresses) => return Ok(addresses),
                Err(ended) => ended,
            };
            let is_over = tokio::time::timeout(PATIENCE, ended.changed())
                .await
                .is_ok();
            if is_over && let Some(error) = &*ended.borrow() {
                return Err(copy_of(error));
            }
        }
    }

    /// Records that a connection to an address was made. It is tried first until it fails.
    pub(crate) fn succeeded(&self, address: SocketAddr) {
        let mut state = lock(&self.state);
        if !matches!(state.health.get(&address), Some(Health::WorksSince(_))) {
            state.remember(address, Health::WorksSince(Instant::now()));
        }
    }

    /// Records that an address could not be connected to, or did not reply. The others are tried first for a while.
    pub(crate) fn failed(&self, address: SocketAddr) {
        lock(&self.state).remember(address, Health::FailedAt(Instant::now()));
    }

    /// Makes all answers too old.
    #[cfg(test)]
    pub(crate) fn expire(&self) {
        lock(&self.state).make_older(MAX_AGE);
    }

    /// Returns the addresses of a host if they are known; otherwise the end of a lookup, which it starts if need be.
    fn answer(
        &self,
        host: &str,
        port: u16,
    ) -> io::Result<Result<Vec<SocketAddr>, watch::Receiver<Option<io::Error>>>> {
        let now = Instant::now();
        let mut state = lock(&self.state);
        let key = (host.to_owned(), port);
        if let Some(answer) = state.names.get(&key).and_then(|name| name.answer.as_ref())
            && !state.is_too_old(answer, now)
        {
            return Ok(Ok(state.in_order(&answer.addresses, now)));
        }
        let name = state.names.entry(key.clone()).or_default();
        let ended = name.ended.subscribe();
        if name.may_start(now) {
            self.start_lookup(key)?;
            name.running += 1;
            name.started = Some(now);
        }
        Ok(Err(ended))
    }

    /// Looks a name up in a thread of its own. A thread of a runtime's pool would hold up the end of the runtime.
    fn start_lookup(&self, key: (String, u16)) -> io::Result<()> {
        let resolve = Arc::clone(&self.resolve);
        let state = Arc::downgrade(&self.state);
        let look_up = move || {
            let found = resolve(&key.0, key.1);
            // Otherwise the client was dropped.
            if let Some(state) = state.upgrade() {
                lock(&state).end_lookup(&key, found);
            }
        };
        let thread = thread::Builder::new().name("centrifugo-lookup".to_owned());
        thread.spawn(look_up).map(drop)
    }
}

impl State {
    /// Returns whether an answer must not be used any more.
    fn is_too_old(&self, answer: &Answer, now: Instant) -> bool {
        let has_failed = |address| match self.health.get(address) {
            Some(Health::FailedAt(failed)) => *failed >= answer.at,
            _ => false,
        };
        let max_age = if answer.addresses.iter().all(has_failed) {
            MAX_AGE_WHEN_DOWN
        } else {
            MAX_AGE
        };
        now.duration_since(answer.at) >= max_age
    }

    /// Makes all answers older.
    #[cfg(test)]
    fn make_older(&mut self, by: Duration) {
        let answers = self
            .names
            .values_mut()
            .filter_map(|name| name.answer.as_mut());
        answers.for_each(|answer| answer.at = answer.at.checked_sub(by).unwrap());
    }

    /// Returns addresses in the order in which they are to be tried.
    fn in_order(&self, addresses: &[SocketAddr], now: Instant) -> Vec<SocketAddr> {
        let mut ordered = addresses.to_vec();
        // Stable: the rest is in the order of the resolver.
        ordered.sort_by_key(|address| match self.health.get(address) {
            Some(Health::WorksSince(since)) => (0, Some(*since)),
            Some(Health::FailedAt(at)) if now.duration_since(*at) < SET_BACK => (2, Some(*at)),
            _ => (1, None),
        });
        ordered
    }

    /// Takes the outcome of a lookup.
    fn end_lookup(&mut self, key: &(String, u16), found: io::Result<Vec<SocketAddr>>) {
        let Some(name) = self.names.get_mut(key) else {
            return;
        };
        name.running -= 1;
        let error = match found {
            Ok(addresses) if !addresses.is_empty() => {
                let at = Instant::now();
                name.answer = Some(Answer { addresses, at });
                None
            }
            // The other lookup may do better.
            _ if name.running > 0 => return,
            Ok(_) => Some(io::Error::new(
                io::ErrorKind::NotFound,
                "the host name has no addresses",
            )),
            Err(error) => Some(error),
        };
        name.ended.send_replace(error);
    }

    /// Remembers the health of an address, and forgets the oldest that is known if there are too many.
    fn remember(&mut self, address: SocketAddr, health: Health) {
        self.health.insert(address, health);
        if self.health.len() > MAX_KNOWN {
            let oldest = self.health.iter().min_by_key(|(_, health)| match health {
                Health::WorksSince(at) | Health::FailedAt(at) => *at,
            });
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.health.remove(&oldest);
            }
        }
    }
}

impl Name {
    /// Returns whether a lookup is due: none runs, or those that run seem to hang.
    fn may_start(&self, now: Instant) -> bool {
        let hangs = self
            .started
            .is_none_or(|started| now.duration_since(started) >= PATIENCE);
        self.running == 0 || (hangs && self.running < MAX_LOOKUPS)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a copy of an error, one for each caller that waited.
fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
