//! One credential of a client: fixed, replaced while the client runs, or from a provider.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::Mutex;

use super::credential::Credential;
use super::scheme::{Header, Scheme};
use crate::call::{Deadline, Provider};
use crate::error::{Attempts, Error, rounded};
use crate::platform::{self, Instant};

/// The number of secrets that are hidden in errors: the current one, and former ones of calls in flight.
pub(super) const REMEMBERED: usize = 9;

/// The time before the end of a credential's validity at which it is replaced: a tenth of its lifetime, but at most this.
const LONGEST_MARGIN: Duration = Duration::from_secs(60);

/// The longest time that a call spends on replacing a credential that is still valid.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time after which a provider is asked again that has failed while its last credential is still valid, or that has
/// repeated a credential that the server refuses.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a credential comes from.
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
    state: RwLock<State>,
    /// Held while the provider is asked: one call asks, the others wait for what it gets.
    asking: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// `None` if the secret is fixed, or there is none.
    provider: Option<Provider<Credential>>,
    current: Option<Current>,
    /// The secrets that were sent, the newest first.
    known: VecDeque<String>,
    /// The last failure of the provider, and when it failed.
    failure: Option<(Instant, String)>,
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
        self.failure = None;
        self.remember(secret);
    }

    /// Takes a failure of the provider. If a credential is valid, it stays in use for a while before the provider is
    /// asked again.
    fn fail(&mut self, reason: String) {
        let now = Instant::now();
        if let Some(current) = &mut self.current {
            current.replace_from = Some(now + PAUSE);
        }
        self.failure = Some((now, reason));
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
            state: RwLock::new(state),
            asking: Mutex::default(),
        })
    }

    /// Replaces the credential, and the provider if there is one.
    pub(super) fn set(&self, secret: String) -> Result<(), Error> {
        let header = self.scheme.header(&secret)?;
        let mut state = self.write();
        state.current = Some(Current::fixed(header));
        state.provider = None;
        state.remember(secret);
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

    /// Returns the header for an attempt. Asks the provider for a credential if there is none, or the last one should be
    /// replaced.
    pub(super) async fn header(
        &self,
        method: &'static str,
        deadline: Deadline,
    ) -> Result<Option<Header>, Error> {
        let started = Instant::now();
        let valid = self.read().valid();
        let _asking = match self.asking.try_lock() {
            Ok(asking) => asking,
            // Another call replaces it.
            Err(_) if valid.is_some() => return Ok(valid),
            Err(_) => match deadline.timeout(self.asking.lock()).await {
                Ok(asking) => asking,
                Err(_) => return Err(self.error(method, &silence(deadline.given))),
            },
        };
        // What the call has waited for may have got it, or have failed.
        if let Some(header) = self.at_hand() {
            return Ok(header);
        }
        let failed = self.read().failure.clone();
        if let Some((_, reason)) = failed.filter(|(at, _)| *at >= started) {
            return Err(self.error(method, &reason));
        }
        let given = if valid.is_some() {
            PATIENCE.min(deadline.left() / 2)
        } else {
            deadline.left()
        };
        match self.ask(given).await {
            Ok(header) => Ok(header),
            Err(_) if valid.is_some() => Ok(valid),
            Err(reason) => Err(self.error(method, &reason)),
        }
    }

    /// Asks the provider for a credential, and keeps it. Returns its header, or why there is none.
    async fn ask(&self, given: Duration) -> Result<Option<Header>, String> {
        let Some(provider) = self.read().provider.clone() else {
            return Ok(self.at_hand().flatten());
        };
        let fetched = match platform::timeout(given, provider.fetch()).await {
            Ok(fetched) => fetched,
            Err(_) => Err(silence(given)),
        };
        let checked = fetched.and_then(|credential| {
            let header = self.scheme.header(&credential.secret);
            let header = header.map_err(|error| error.to_string())?;
            Ok((credential, header))
        });
        let mut state = self.write();
        if state.provider.is_none() {
            // The credential was replaced meanwhile.
            return Ok(state.valid());
        }
        match checked {
            Ok((credential, header)) => {
                state.take(credential, header.clone());
                Ok(Some(header))
            }
            Err(reason) => {
                state.fail(reason.clone());
                Err(reason)
            }
        }
    }

    /// Takes the server's refusal of a credential. Returns whether there is another one, or may be.
    pub(super) fn refuse(&self, refused: &Header) -> bool {
        self.write().refuse(refused)
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

/// Returns the text about a provider that did not return in time.
fn silence(given: Duration) -> String {
    format!("it returned nothing within {}", rounded(given))
}
