//! One credential of a client: fixed, replaced while the client runs, or from a provider.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::credential::Credential;
use super::scheme::{Header, Scheme};
use crate::call::provider::{Fetches, silence};
use crate::call::{Deadline, Provider};
use crate::error::{Attempts, Error};
use crate::platform::Instant;

/// The number of secrets that are hidden in errors: the current one, and former ones of calls in flight.
pub(super) const REMEMBERED: usize = 64;

/// The time before the end of a credential's validity at which it is replaced: a tenth of its lifetime, but at most this.
const LONGEST_MARGIN: Duration = Duration::from_secs(60);

/// The time after which a provider is asked again that has failed while its last credential is still valid, or that has
/// repeated a credential that the server refuses.
const PAUSE: Duration = Duration::from_secs(1);

/// The source of a credential.
#[derive(Clone, Default)]
pub(crate) enum Source {
    /// None, for a server without credentials.
    #[default]
    None,
    Fixed(String),
    Provider(Provider<Credential>),
}

impl Source {
    pub(crate) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns the secret if it is fixed.
    #[cfg(test)]
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed(secret) => Some(secret),
            Self::None | Self::Provider(_) => None,
        }
    }
}

/// A credential of a client, and its former secrets.
pub(super) struct Secret {
    scheme: Scheme,
    state: Arc<RwLock<State>>,
    fetches: Fetches<Header>,
}

#[derive(Default)]
struct State {
    /// `None` if the secret is fixed, or there is none.
    provider: Option<Provider<Credential>>,
    current: Option<Current>,
    /// The secrets that were sent, the newest first.
    known: VecDeque<String>,
}

/// The credential that is sent.
struct Current {
    header: Header,
    /// The time from which on it should be replaced.
    replace_from: Option<Instant>,
    /// The time from which on it is not valid.
    expires: Option<Instant>,
    /// True if the server has refused it.
    is_refused: bool,
    /// The time until which refusals tell nothing new: the provider has just returned a refused credential again.
    known_as_refused_until: Option<Instant>,
}

impl Current {
    fn fixed(header: Header) -> Self {
        Self {
            header,
            replace_from: None,
            expires: None,
            is_refused: false,
            known_as_refused_until: None,
        }
    }

    fn is_valid(&self, now: Instant) -> bool {
        !self.is_refused && self.expires.is_none_or(|expires| now < expires)
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.is_valid(now) && self.replace_from.is_none_or(|from| now < from)
    }
}

impl State {
    /// Remembers each secret once: threads that get a new one at the same time, or secrets that alternate, do not evict
    /// others.
    fn remember(&mut self, secret: String) {
        self.known.retain(|known| *known != secret);
        self.known.push_front(secret);
        self.known.truncate(REMEMBERED);
    }

    /// Returns the header of the credential if it is valid.
    fn valid(&self) -> Option<Header> {
        let current = self.current.as_ref()?;
        current
            .is_valid(Instant::now())
            .then(|| current.header.clone())
    }

    /// Takes a credential of the provider.
    fn take(&mut self, credential: Credential, header: Header) {
        let refused = self.current.take().filter(|current| current.is_refused);
        let is_repeated = refused.is_some_and(|refused| refused.header == header);
        let Credential {
            secret,
            expires,
            made,
        } = credential;
        let replace_from = expires.map(|expires| {
            let lifetime = expires.saturating_duration_since(made);
            let margin = (lifetime / 10).min(LONGEST_MARGIN);
            expires.checked_sub(margin).unwrap_or(expires)
        });
        self.current = Some(Current {
            header,
            replace_from,
            expires,
            is_refused: false,
            known_as_refused_until: is_repeated.then(|| Instant::now() + PAUSE),
        });
        self.remember(secret);
    }

    /// Takes a failure of the provider. If a credential is valid, it stays in use for a while before the provider is
    /// asked again.
    fn fail(&mut self) {
        if let Some(current) = &mut self.current {
            current.replace_from = Some(Instant::now() + PAUSE);
        }
    }

    /// Takes the server's refusal of a credential. Returns whether there is another one, or may be.
    fn refuse(&mut self, refused: &Header) -> bool {
        let has_provider = self.provider.is_some();
        let Some(current) = self.current.as_mut() else {
            return has_provider;
        };
        if current.header != *refused {
            return true;
        }
        let is_news = current
            .known_as_refused_until
            .is_none_or(|until| until <= Instant::now());
        current.is_refused = has_provider && is_news;
        current.is_refused
    }
}

impl Secret {
    /// Creates the credential of a source.
    pub(super) fn new(source: Source, scheme: Scheme) -> Result<Self, Error> {
        let mut state = State::default();
        match source {
            Source::None => {}
            Source::Fixed(secret) => {
                state.current = Some(Current::fixed(scheme.header(&secret)?));
                state.remember(secret);
            }
            Source::Provider(provider) => state.provider = Some(provider),
        }
        Ok(Self {
            scheme,
            state: Arc::new(RwLock::new(state)),
            fetches: Fetches::default(),
        })
    }

    /// Replaces the credential, and the provider if there is one.
    pub(super) fn set(&self, secret: String) -> Result<(), Error> {
        let header = self.scheme.header(&secret)?;
        let mut state = self.write();
        state.current = Some(Current::fixed(header.clone()));
        state.provider = None;
        state.remember(secret);
        drop(state);
        // Calls that wait for the provider take this one.
        self.fetches.end_with(&header);
        Ok(())
    }

    /// Returns the header for an attempt if no provider need be asked; the inner `None` if there is no credential.
    pub(super) fn at_hand(&self) -> Option<Option<Header>> {
        let state = self.read();
        match (&state.current, &state.provider) {
            (current, None) => Some(current.as_ref().map(|current| current.header.clone())),
            (Some(current), Some(_)) if current.is_fresh(Instant::now()) => {
                Some(Some(current.header.clone()))
            }
            _ => None,
        }
    }

    /// Returns the header for an attempt. Lets the provider be asked if there is no credential, or the last one should be
    /// replaced, which no call waits for.
    pub(super) async fn header(
        &self,
        method: &'static str,
        deadline: Deadline,
    ) -> Result<Option<Header>, Error> {
        let Some(provider) = self.read().provider.clone() else {
            // A fixed one has just taken the provider's place.
            return Ok(self.at_hand().flatten());
        };
        let valid = self.read().valid();
        let scheme = self.scheme;
        let state = Arc::clone(&self.state);
        let fetch = || async move {
            let fetched = provider.fetch().await;
            take(&state, scheme, fetched)
        };
        let joined = self.fetches.join(|| self.at_hand().flatten(), fetch);
        let Some(joined) = joined.filter(|_| valid.is_none()) else {
            return Ok(valid);
        };
        match deadline.timeout(joined.outcome()).await {
            Ok(Ok(header)) => Ok(Some(header)),
            Ok(Err(reason)) => Err(self.error(method, &reason)),
            Err(_) => Err(self.error(method, &silence(deadline.given))),
        }
    }

    /// Takes the server's refusal of a credential. Returns whether there is another one, or may be.
    pub(super) fn refuse(&self, refused: &Header) -> bool {
        self.write().refuse(refused)
    }

    pub(super) fn is_some(&self) -> bool {
        let state = self.read();
        state.provider.is_some() || state.current.is_some()
    }

    /// Returns the secrets that no error may show.
    pub(super) fn secrets(&self) -> Vec<String> {
        let state = self.read();
        let known = state.known.iter();
        known.filter(|secret| secret.len() > 3).cloned().collect()
    }

    /// Returns the error of a call without a credential.
    fn error(&self, method: &'static str, reason: &str) -> Error {
        Error::Credentials {
            method,
            reason: format!("the provider of {}: {reason}", self.scheme.option()),
            attempts: Attempts::default(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the credential that a provider returned. Returns its header, or why there is none.
fn take(
    state: &RwLock<State>,
    scheme: Scheme,
    fetched: Result<Credential, String>,
) -> Result<Header, String> {
    let checked = fetched.and_then(|credential| {
        let header = scheme.header(&credential.secret);
        let header = header.map_err(|error| error.to_string())?;
        Ok((credential, header))
    });
    let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
    match (checked, state.valid()) {
        // It was replaced by a fixed one meanwhile.
        (_, Some(fixed)) if state.provider.is_none() => Ok(fixed),
        (Ok((credential, header)), _) => {
            state.take(credential, header.clone());
            Ok(header)
        }
        (Err(reason), _) => {
            state.fail();
            Err(reason)
        }
    }
}
