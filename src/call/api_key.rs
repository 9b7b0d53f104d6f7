//! The API key: fixed, changed while the client runs, or asked for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::Error;

/// How many keys that were replaced are still hidden in errors, of calls that are under way.
const REMEMBERED: usize = 8;

pub(crate) type Provider = Arc<dyn Fn() -> String + Send + Sync>;

/// Where the key comes from.
#[derive(Clone, Default)]
pub(crate) enum Source {
    /// A server without keys.
    #[default]
    None,
    Fixed(String),
    Provider(Provider),
}

impl Source {
    pub(crate) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The header that carries the key: one of its own, or `Authorization`.
    pub(crate) fn header_name(&self, own: bool) -> Option<HeaderName> {
        self.is_some().then(|| header_name(own))
    }
}

/// The key of a client, and those that it had.
pub(crate) struct Key {
    /// Whether the key has a header of its own, or shares `Authorization`.
    own_header: bool,
    state: RwLock<State>,
}

struct State {
    source: Source,
    /// Of a fixed key.
    header: Option<Header>,
    former: VecDeque<String>,
}

impl State {
    /// Once each: threads that get a new key at once, or keys that take turns, do not push out others.
    fn remember(&mut self, key: String) {
        self.former.retain(|former| *former != key);
        self.former.push_front(key);
        self.former.truncate(REMEMBERED);
    }
}

pub(crate) type Header = (HeaderName, HeaderValue);

impl Key {
    pub(crate) fn new(source: Source, own_header: bool) -> Result<Self, Error> {
        let header = match &source {
            Source::Fixed(key) => Some(header(key, own_header)?),
            Source::None | Source::Provider(_) => None,
        };
        let state = State {
            source,
            header,
            former: VecDeque::new(),
        };
        Ok(Self {
            own_header,
            state: RwLock::new(state),
        })
    }

    pub(crate) fn set(&self, key: String) -> Result<(), Error> {
        let header = header(&key, self.own_header)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.header = Some(header);
        let former = std::mem::replace(&mut state.source, Source::Fixed(key));
        if let Source::Fixed(former) = former {
            state.remember(former);
        }
        Ok(())
    }

    /// The header for a call.
    pub(crate) fn header(&self) -> Result<Option<Header>, Error> {
        let provider = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            match &state.source {
                Source::Provider(provider) => Arc::clone(provider),
                Source::None | Source::Fixed(_) => return Ok(state.header.clone()),
            }
        };
        // The user's function may take its time, and call the client: not under the lock.
        let key = provider();
        let header = header(&key, self.own_header)?;
        self.remember(key);
        Ok(Some(header))
    }

    fn remember(&self, key: String) {
        let is_known = |state: &State| state.former.front() == Some(&key);
        if !is_known(&self.state.read().unwrap_or_else(PoisonError::into_inner)) {
            self.state
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .remember(key);
        }
    }

    /// The keys that no error may show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let current = match &state.source {
            Source::Fixed(key) => Some(key),
            Source::None | Source::Provider(_) => None,
        };
        current
            .into_iter()
            .chain(&state.former)
            .filter(|key| key.len() > 3)
            .cloned()
            .collect()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

fn header_name(own: bool) -> HeaderName {
    if own {
        HeaderName::from_static("x-api-key")
    } else {
        AUTHORIZATION
    }
}

fn header(key: &str, own: bool) -> Result<Header, Error> {
    if key.trim().is_empty() {
        return Err(Error::Config(
            "api_key is empty: give the server's key, or leave api_key out for a server without one"
                .to_owned(),
        ));
    }
    if key.trim() != key {
        return Err(Error::Config(
            "api_key starts or ends with white space: a line end read from a file?".to_owned(),
        ));
    }
    let text = if own {
        key.to_owned()
    } else {
        format!("apikey {key}")
    };
    let mut value = value("api_key", &text)?;
    value.set_sensitive(true);
    Ok((header_name(own), value))
}

/// Centrifugo compares bytes; what is not visible ASCII does not survive every proxy, and gRPC refuses it.
pub(crate) fn value(option: &str, text: &str) -> Result<HeaderValue, Error> {
    let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match HeaderValue::from_str(text) {
        Ok(value) if visible => Ok(value),
        _ => Err(Error::Config(format!(
            "{option} has characters that a header cannot carry: it takes visible ASCII characters and spaces"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn name(number: usize) -> String {
        format!("key-number-{number}")
    }

    fn header_of(key: &Key) -> String {
        let (_, value) = key.header().unwrap().unwrap();
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn keys_change_in_order_and_each_is_hidden() {
        let key = Key::new(Source::Fixed(name(0)), true).unwrap();
        let set = || (1..=REMEMBERED).for_each(|number| key.set(name(number)).unwrap());
        let read = || {
            let mut last = 0;
            while last < REMEMBERED {
                let used = header_of(&key);
                assert!(key.secrets().contains(&used), "{used} is not hidden");
                let number = (0..=REMEMBERED)
                    .find(|number| name(*number) == used)
                    .unwrap();
                assert!(number >= last, "{number} after {last}");
                last = number;
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(read)));
            scope.spawn(set);
        });
    }

    #[test]
    fn threads_that_are_given_a_new_key_do_not_push_out_others() {
        const THREADS: usize = 4;
        let (calls, start) = (Arc::new(AtomicUsize::new(0)), Barrier::new(THREADS));
        let counter = Arc::clone(&calls);
        let provider = move || name(counter.fetch_add(1, Ordering::SeqCst) / THREADS);
        let key = Key::new(Source::Provider(Arc::new(provider)), true).unwrap();
        let call = || {
            for _ in 0..REMEMBERED {
                start.wait();
                assert!(key.secrets().len() <= REMEMBERED);
                header_of(&key);
            }
        };
        thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(call))));
        let mut secrets = key.secrets();
        secrets.sort();
        assert_eq!(secrets, (0..REMEMBERED).map(name).collect::<Vec<_>>());
    }

    #[test]
    fn keys_that_take_turns_do_not_push_out_others() {
        let calls = AtomicUsize::new(0);
        let provider = move || match calls.fetch_add(1, Ordering::SeqCst) {
            0 => name(0),
            turn => name(1 + turn % 2),
        };
        let key = Key::new(Source::Provider(Arc::new(provider)), true).unwrap();
        (0..3 * REMEMBERED).for_each(|_| drop(header_of(&key)));
        assert!(key.secrets().contains(&name(0)));
    }
}
