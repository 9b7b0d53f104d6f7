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

pub(crate) type Header = (HeaderName, HeaderValue);

impl Key {
    pub(crate) fn new(source: Source, own_header: bool) -> Result<Self, Error> {
        let header = match &source {
            Source::Fixed(key) => Some(header(key, own_header)?),
            Source::None | Source::Provider(_) => None,
        };
        let state = State { source, header, former: VecDeque::new() };
        Ok(Self { own_header, state: RwLock::new(state) })
    }

    pub(crate) fn set(&self, key: String) -> Result<(), Error> {
        let header = header(&key, self.own_header)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.header = Some(header);
        let former = std::mem::replace(&mut state.source, Source::Fixed(key));
        if let Source::Fixed(former) = former {
            state.former.push_front(former);
            state.former.truncate(REMEMBERED);
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
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.former.push_front(key);
            state.former.truncate(REMEMBERED);
        }
    }

    /// The keys that no error may show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let current = match &state.source {
            Source::Fixed(key) => Some(key),
            Source::None | Source::Provider(_) => None,
        };
        current.into_iter().chain(&state.former).filter(|key| key.len() > 3).cloned().collect()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

fn header_name(own: bool) -> HeaderName {
    if own { HeaderName::from_static("x-api-key") } else { AUTHORIZATION }
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
    let text = if own { key.to_owned() } else { format!("apikey {key}") };
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
