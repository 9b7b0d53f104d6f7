//! Sets of keys that rotate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::key::{Key, PublicKey};

/// The time for which a key stays in the set after its last token has expired: the clocks of instances may differ.
const MARGIN: Duration = Duration::from_secs(300);

/// Keys that rotate: one signs, and the public halves of all are served as a JWKS (RFC 7517).
///
/// The set has plain times, and no state: several instances with the same keys and times agree, whenever they were started.
/// A rotation is a change of their configuration:
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
    /// Creates a set without keys, whose tokens live no longer than that.
    pub fn new(longest_lifetime: Duration) -> Self {
        Self {
            longest_lifetime,
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
    /// [`Error::Key`] for an HMAC secret, an ID that another key of the set has, and a second key that becomes active at the
    /// same time.
    pub fn publish(mut self, key: impl Into<ScheduledKey>) -> Result<Self, Error> {
        let ScheduledKey {
            key,
            active_from,
            retire_after,
        } = key.into();
        let key = match key.kid() {
            Some(_) => key,
            None if key.public().is_some() => key.with_thumbprint_kid()?,
            None => key,
        };
        let public = key.public().ok_or_else(|| {
            Error::key("an HMAC secret cannot be in a JWKS, which everybody may read: use an RSA, ECDSA or Ed25519 key")
        })?;
        self.check_kid(&public)?;
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
            key: key.with_longest_lifetime(self.longest_lifetime),
            public,
            active_from,
            retire_after,
        });
        self.keys.sort_by_key(|key| key.active_from);
        Ok(self)
    }

    /// Adds a public key that is only published: of a [`Signer`](crate::Signer) outside the process, or of another service.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key has no ID, or one that another key of the set has.
    pub fn publish_only(mut self, key: PublicKey) -> Result<Self, Error> {
        self.check_kid(&key)?;
        self.others.push(key);
        Ok(self)
    }

    /// Returns the key that signs now. It refuses tokens that live longer than the set allows.
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
        let newest = keys.rfind(|(_, key)| key.active_from <= time);
        // An older key may have retired because this one has begun.
        let active = newest.filter(|(index, _)| !self.is_retired(*index, time));
        let (_, active) = active.ok_or_else(|| {
            Error::key(
                "no key of the set is active: publish one whose active_from has passed and whose retire_after has not",
            )
        })?;
        Ok(active.key.clone())
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

    /// Returns whether a key has left the set. The key after it ends its signing.
    fn is_retired(&self, index: usize, time: SystemTime) -> bool {
        let by_default = || {
            let successor = self.keys.get(index + 1)?;
            let last = successor.active_from.checked_add(self.longest_lifetime)?;
            last.checked_add(MARGIN)
        };
        let end = self.keys[index].retire_after.or_else(by_default);
        end.is_some_and(|end| time > end)
    }

    fn check_kid(&self, key: &PublicKey) -> Result<(), Error> {
        let kid = key.kid().filter(|kid| !kid.is_empty());
        let kid = kid.ok_or_else(|| {
            Error::key("Centrifugo finds the keys of a JWKS by their `kid`, which is missing or empty: use with_kid")
        })?;
        let mut others = self.keys.iter().map(|key| &key.public).chain(&self.others);
        if others.any(|other| other.kid() == Some(kid)) {
            return Err(Error::key(format!(
                "the set has a key with the ID {kid:?} already: Centrifugo remembers keys by their ID, so never use one again"
            )));
        }
        Ok(())
    }
}
