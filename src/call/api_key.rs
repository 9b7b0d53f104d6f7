//! The API key: fixed, replaced while the client runs, or from a provider.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::error::Error;
use crate::transport::header_value;

/// The number of replaced keys that are still hidden in errors, for calls in flight.
const REMEMBERED: usize = 8;

pub(crate) type Provider = Arc<dyn Fn() -> String + Send + Sync>;

/// The source of the key.
#[derive(Clone, Default)]
pub(crate) enum ApiKeySource {
    /// No key, for a server without keys.
    #[default]
    None,
    Fixed(String),
    Provider(Provider),
}

impl ApiKeySource {
    pub(crate) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// The header that carries the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `X-API-Key: …`
    XApiKey,
    /// `Authorization: apikey …`
    Authorization,
}

impl KeyHeader {
    pub(crate) fn name(self) -> HeaderName {
        match self {
            Self::XApiKey => HeaderName::from_static("x-api-key"),
            Self::Authorization => AUTHORIZATION,
        }
    }
}

/// The key of a client, and its former keys.
pub(crate) struct ApiKey {
    kind: KeyHeader,
    state: RwLock<State>,
}

struct State {
    source: ApiKeySource,
    /// The header of a fixed key, created once.
    header: Option<Header>,
    /// The keys that were replaced or came from the provider, the newest first.
    former: VecDeque<String>,
}

impl State {
    /// Remembers each key once: threads that get a new key at the same time, or keys that alternate, do not evict
    /// others.
    fn remember(&mut self, key: String) {
        self.former.retain(|former| *former != key);
        self.former.push_front(key);
        self.former.truncate(REMEMBERED);
    }
}

pub(crate) type Header = (HeaderName, HeaderValue);

impl ApiKey {
    pub(crate) fn new(source: ApiKeySource, kind: KeyHeader) -> Result<Self, Error> {
        let header = match &source {
            ApiKeySource::Fixed(key) => Some(header(key, kind)?),
            ApiKeySource::None | ApiKeySource::Provider(_) => None,
        };
        let state = State {
            source,
            header,
            former: VecDeque::new(),
        };
        Ok(Self {
            kind,
            state: RwLock::new(state),
        })
    }

    /// Replaces the key.
    pub(crate) fn set(&self, key: String) -> Result<(), Error> {
        let header = header(&key, self.kind)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.header = Some(header);
        let former = std::mem::replace(&mut state.source, ApiKeySource::Fixed(key));
        if let ApiKeySource::Fixed(former) = former {
            state.remember(former);
        }
        Ok(())
    }

    /// Returns the header for an attempt.
    pub(crate) fn header(&self) -> Result<Option<Header>, Error> {
        let provider = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            match &state.source {
                ApiKeySource::Provider(provider) => Arc::clone(provider),
                ApiKeySource::None | ApiKeySource::Fixed(_) => return Ok(state.header.clone()),
            }
        };
        // The lock is not held here: the user's function may be slow or call the client.
        let key = provider();
        let header = header(&key, self.kind)?;
        self.remember(key);
        Ok(Some(header))
    }

    /// Remembers a key of the provider, so that errors hide it.
    fn remember(&self, key: String) {
        // Usually the key is known, and readers do not wait for one another.
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let is_known = state.former.front() == Some(&key);
        drop(state);
        if !is_known {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.remember(key);
        }
    }

    /// Returns the keys that no error may show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let current = match &state.source {
            ApiKeySource::Fixed(key) => Some(key),
            ApiKeySource::None | ApiKeySource::Provider(_) => None,
        };
        current
            .into_iter()
            .chain(&state.former)
            .filter(|key| key.len() > 3)
            .cloned()
            .collect()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey")
    }
}

/// Checks a key, and returns its header.
fn header(key: &str, kind: KeyHeader) -> Result<Header, Error> {
    if key.trim().is_empty() {
        return Err(Error::Config(
            "api_key is empty: give the server's key, or omit api_key for a server without one"
                .to_owned(),
        ));
    }
    if key.trim() != key {
        return Err(Error::Config(
            "api_key starts or ends with white space: a line end read from a file?".to_owned(),
        ));
    }
    let text = match kind {
        KeyHeader::XApiKey => key.to_owned(),
        KeyHeader::Authorization => format!("apikey {key}"),
    };
    let mut value = header_value("api_key", &text)?;
    value.set_sensitive(true);
    Ok((kind.name(), value))
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

    fn provided(provider: impl Fn() -> String + Send + Sync + 'static) -> ApiKey {
        let source = ApiKeySource::Provider(Arc::new(provider));
        ApiKey::new(source, KeyHeader::XApiKey).unwrap()
    }

    fn header_of(key: &ApiKey) -> String {
        let (_, value) = key.header().unwrap().unwrap();
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn keys_change_in_order_and_each_is_hidden() {
        let key = ApiKey::new(ApiKeySource::Fixed(name(0)), KeyHeader::XApiKey).unwrap();
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
            scope.spawn(|| (1..=REMEMBERED).for_each(|number| key.set(name(number)).unwrap()));
        });
    }

    #[test]
    fn key_from_several_threads_is_remembered_once() {
        const THREADS: usize = 4;
        let calls = AtomicUsize::new(0);
        let start = Barrier::new(THREADS);
        let key = provided(move || name(calls.fetch_add(1, Ordering::SeqCst) / THREADS));
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
    fn alternating_keys_do_not_evict_others() {
        let calls = AtomicUsize::new(0);
        let key = provided(move || match calls.fetch_add(1, Ordering::SeqCst) {
            0 => name(0),
            turn => name(1 + turn % 2),
        });
        (0..3 * REMEMBERED).for_each(|_| drop(header_of(&key)));
        assert!(key.secrets().contains(&name(0)));
    }
}
