//! Sets of keys that rotate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::expiry;
use crate::key::{Key, PublicKey};

/// The time for which a key stays in the set after its last token has expired: the clocks of instances may differ.
const MARGIN: Duration = Duration::from_secs(300);

/// Keys that rotate: one signs, and the public halves of all are served as a JWKS (RFC 7517).
///
/// The set has plain times, and no state: several instances with the same keys and times agree, whenever they were started.
/// Their clocks may differ by less than 5 minutes. A rotation is a change of their configuration:
///
/// 1. Add the new key to every instance, with an [`active_from`](ScheduledKey::active_from) by which all of them have it, at
///    least 10 minutes away: HTTP caches may keep the former set for some minutes.
/// 2. From that time on, the new key signs. The old one stays in the set while tokens that it signed are valid: for the set's
///    longest lifetime, and 5 minutes more.
/// 3. Then it leaves the set by itself, and can be removed from the configuration. Its ID is never used again.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use centrifugo_token::{ConnectionClaims, Expiry, Key, KeySet, ScheduledKey};
///
/// # let old = include_str!("../tests/data/ed25519.pem");
/// # let new = include_str!("../tests/data/p256.pem");
/// let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
/// let keys = KeySet::new(Duration::from_secs(600))
///     .publish(Key::from_pem(old)?)?
///     .publish(ScheduledKey::new(Key::from_pem(new)?).active_from(in_an_hour))?;
///
/// let claims = ConnectionClaims::new("42", Expiry::after(Duration::from_secs(600)));
/// let token = claims.sign(&keys.active()?)?; // by the old key, for an hour
/// let json = keys.jwks(); // serve it at `client.token.jwks_public_endpoint`
/// # assert!(json.contains("EdDSA") && json.contains("ES256"));
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
///
/// Call [`active`](Self::active) for each token: a [`Key`] that is kept does not know when its time is over, and signs tokens that
/// nobody accepts once it has left the set.
///
/// An `active_from` in the past is allowed. The key before leaves the set at once if that time, the longest lifetime and 5 minutes
/// have passed, and its tokens are refused.
///
/// Centrifugo looks for a key that it does not know at once, and remembers keys for an hour: a key that was removed early, since
/// it was stolen, is accepted until then, or until Centrifugo restarts.
#[derive(Clone, Debug)]
#[must_use]
pub struct KeySet {
    longest_lifetime: Duration,
    /// In the order of their `active_from`.
    keys: Vec<Scheduled>,
    /// Keys that are published only.
    others: Vec<PublicKey>,
}

/// A key and its times, for [`KeySet::publish`].
#[derive(Clone, Debug)]
#[must_use = "publish it"]
pub struct ScheduledKey {
    key: Key,
    active_from: SystemTime,
    retire_after: Option<SystemTime>,
}

#[derive(Clone, Debug)]
struct Scheduled {
    key: Key,
    public: PublicKey,
    active_from: SystemTime,
    retire_after: Option<SystemTime>,
}

impl ScheduledKey {
    /// Schedules a key that signs at once.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            active_from: UNIX_EPOCH,
            retire_after: None,
        }
    }

    /// Sets the time from which on the key signs, in the place of the one before.
    pub fn active_from(mut self, time: SystemTime) -> Self {
        self.active_from = time;
        self
    }

    /// Sets the time after which the key neither signs nor is published. By default that is the end of the last token that it
    /// may have signed, and 5 minutes more.
    ///
    /// The key signs no token that ends later: in the last part of its time tokens have to be shorter than the set allows, see
    /// [`KeySet::active`]. Set it at least the longest lifetime and 5 minutes after the next key's `active_from` to avoid that:
    /// nothing is added here for clocks that differ.
    pub fn retire_after(mut self, time: SystemTime) -> Self {
        self.retire_after = Some(time);
        self
    }
}

impl From<Key> for ScheduledKey {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

impl KeySet {
    /// Creates a set without keys, whose tokens live no longer than that. Fractions of a second are dropped, and
    /// [`publish`](Self::publish) refuses a lifetime below 1 s.
    pub fn new(longest_lifetime: Duration) -> Self {
        Self {
            longest_lifetime: Duration::from_secs(longest_lifetime.as_secs()),
            keys: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Adds a key. It is published at once, and signs from its time on.
    ///
    /// A key without an ID gets its thumbprint as the ID.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] for an HMAC secret, an ID or a public half that another key of the set has, a second key that becomes active
    /// at the same time, a key that retires before it is active, and a set whose longest lifetime is below 1 s.
    pub fn publish(mut self, key: impl Into<ScheduledKey>) -> Result<Self, Error> {
        let ScheduledKey {
            key,
            active_from,
            retire_after,
        } = key.into();
        if self.longest_lifetime.is_zero() {
            return Err(Error::key(
                "tokens of this key set cannot live for a second: give KeySet::new a lifetime of 1 s or more",
            ));
        }
        if retire_after.is_some_and(|end| end <= active_from) {
            return Err(Error::key(
                "the key would never sign: its retire_after must be later than its active_from",
            ));
        }
        let key = match key.kid() {
            Some(_) => key,
            None if key.public().is_some() => key.with_thumbprint_kid()?,
            None => key,
        };
        let public = key.public().ok_or_else(|| {
            Error::key("an HMAC secret cannot be in a JWKS, which everybody may read: use an RSA, ECDSA or Ed25519 key")
        })?;
        self.check(&public)?;
        if let Some(other) = self
            .keys
            .iter()
            .find(|other| other.active_from == active_from)
        {
            return Err(Error::key(format!(
                "the keys {:?} and {:?} become active at the same time: set active_from of the newer one",
                other.public.kid().unwrap_or_default(),
                public.kid().unwrap_or_default()
            )));
        }
        self.keys.push(Scheduled {
            key,
            public,
            active_from,
            retire_after,
        });
        self.keys.sort_by_key(|key| key.active_from);
        Ok(self)
    }

    /// Adds several keys, as [`publish`](Self::publish) adds one.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub fn publish_all<K: Into<ScheduledKey>>(
        self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Self, Error> {
        keys.into_iter().try_fold(self, Self::publish)
    }

    /// Adds a public key that is only published: of a [`Signer`](crate::Signer) outside the process, or of another service.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key has no ID, or if another key of the set has the same ID or public half.
    pub fn publish_only(mut self, key: PublicKey) -> Result<Self, Error> {
        self.check(&key)?;
        self.others.push(key);
        Ok(self)
    }

    /// Returns the key that signs now: the newest one that has begun and has not retired.
    ///
    /// It refuses tokens that live longer than the set allows, or that end after the key leaves the set, with [`Error::Claim`] for
    /// `exp`. The time until it leaves is counted from now: do not keep the key, but call this for each token.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if no key is active.
    pub fn active(&self) -> Result<Key, Error> {
        self.active_at(SystemTime::now())
    }

    /// Returns the key that signs at that time.
    ///
    /// # Errors
    ///
    /// As [`active`](Self::active).
    pub fn active_at(&self, time: SystemTime) -> Result<Key, Error> {
        let mut keys = self.keys.iter().enumerate();
        let active =
            keys.rfind(|(index, key)| key.active_from <= time && !self.is_retired(*index, time));
        let (index, active) = active.ok_or_else(|| {
            Error::key(
                "no key of the set is active: publish one whose active_from has passed and whose retire_after has not",
            )
        })?;
        let key = active.key.clone();
        Ok(key.with_longest_lifetime(self.lifetime_at(index, time)))
    }

    /// Returns the JWKS to serve now: `{"keys":[…]}` with the public halves of all keys that are not retired.
    ///
    /// Serve it with the content type `application/json` and `Cache-Control: max-age=300`.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.jwks_at(SystemTime::now())
    }

    /// Returns the JWKS to serve at that time.
    #[must_use]
    pub fn jwks_at(&self, time: SystemTime) -> String {
        let keys: Vec<String> = self.public_at(time).map(PublicKey::to_jwk).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    /// Returns the keys that are published at that time.
    pub(crate) fn public_at(&self, time: SystemTime) -> impl Iterator<Item = &PublicKey> {
        let keys = self.keys.iter().enumerate();
        let published = keys.filter(move |(index, _)| !self.is_retired(*index, time));
        published.map(|(_, key)| &key.public).chain(&self.others)
    }

    /// Returns whether a key has left the set.
    fn is_retired(&self, index: usize, time: SystemTime) -> bool {
        self.end(index).is_some_and(|end| time > end)
    }

    /// Returns the time at which a key leaves the set, if it does. The key after it ends its signing.
    fn end(&self, index: usize) -> Option<SystemTime> {
        let by_default = || {
            let successor = self.keys.get(index + 1)?;
            let last = successor.active_from.checked_add(self.longest_lifetime)?;
            last.checked_add(MARGIN)
        };
        self.keys[index].retire_after.or_else(by_default)
    }

    /// Returns the longest lifetime of a token that a key signs at that time: it ends before the key leaves the set.
    fn lifetime_at(&self, index: usize, time: SystemTime) -> Duration {
        let longest = self.longest_lifetime;
        self.end(index).map_or(longest, |end| {
            longest.min(expiry::whole_seconds_between(time, end))
        })
    }

    /// Checks that a key has an ID, and that no other key has the ID or the public half.
    fn check(&self, key: &PublicKey) -> Result<(), Error> {
        let kid = key.kid().filter(|kid| !kid.is_empty());
        let kid = kid.ok_or_else(|| {
            Error::key("Centrifugo finds the keys of a JWKS by their `kid`, which is missing or empty: use with_kid")
        })?;
        let mut others = self.keys.iter().map(|key| &key.public).chain(&self.others);
        if others.clone().any(|other| other.kid() == Some(kid)) {
            return Err(Error::key(format!(
                "the set has a key with the ID {kid:?} already: Centrifugo remembers keys by their ID, so never use one again"
            )));
        }
        let thumbprint = key.thumbprint();
        if let Some(other) = others.find(|other| other.thumbprint() == thumbprint) {
            return Err(Error::key(format!(
                "the set has this key already, with the ID {:?}: tokens would be valid after that one has retired; make a new key",
                other.kid().unwrap_or_default()
            )));
        }
        Ok(())
    }
}
