//! The claims that tokens of both kinds have.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::own::{Known, OwnClaims};
use crate::error::Error;
use crate::expiry::{self, Expiry};
use crate::jwt::MAX_LENGTH;
use crate::object::Object;

/// The names and methods of these claims.
pub(super) const KNOWN: [Known; 10] = [
    ("sub", "the user stands in the constructor"),
    (
        "exp",
        "the expiry stands in the constructor: Expiry::after, at or never",
    ),
    ("nbf", "set it with not_before"),
    (
        "iat",
        "it is written by itself; issued_at sets another time",
    ),
    ("jti", "it is written by itself; id sets another one"),
    ("aud", "set it with audience"),
    ("iss", "set it with issuer"),
    ("expire_at", "set it with expire_at or one_time"),
    ("info", "set it with info"),
    ("b64info", "set it with info(binary(bytes))"),
];

/// The claims of RFC 7519, `expire_at`, and those of the user.
#[derive(Clone)]
pub(super) struct StandardClaims {
    /// Empty for anonymous users.
    pub(super) user: String,
    pub(super) is_anonymous: bool,
    expiry: Expiry,
    pub(super) expire_at: Option<Expiry>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) issued_at: Option<SystemTime>,
    pub(super) id: TokenId,
    pub(super) audience: Vec<String>,
    pub(super) issuer: Option<String>,
    pub(super) own: OwnClaims,
    pub(super) max_length: usize,
}

/// The source of `jti`.
#[derive(Clone)]
pub(super) enum TokenId {
    Random,
    Fixed(String),
    Absent,
}

impl StandardClaims {
    /// Creates the claims of a user, or of an anonymous one.
    pub(super) fn new(user: Option<String>, expiry: Expiry) -> Self {
        Self {
            is_anonymous: user.is_none(),
            user: user.unwrap_or_default(),
            expiry,
            expire_at: None,
            not_before: None,
            issued_at: None,
            id: TokenId::Random,
            audience: Vec::new(),
            issuer: None,
            own: OwnClaims::default(),
            max_length: MAX_LENGTH,
        }
    }

    /// Writes all but the user's own claims.
    pub(super) fn write(&self, object: &mut Object, at: SystemTime) -> Result<(), Error> {
        self.write_user(object)?;
        self.write_times(object, at)?;
        match &self.id {
            TokenId::Random => object.put("jti", &Uuid::new_v4().to_string())?,
            TokenId::Fixed(id) => put_text(object, "jti", id)?,
            TokenId::Absent => {}
        }
        put_audience(object, &self.audience)?;
        if let Some(issuer) = &self.issuer {
            put_text(object, "iss", issuer)?;
        }
        Ok(())
    }

    /// Returns the time from signing to expiring, or `None` if the token never expires.
    pub(super) fn lifetime(&self, at: SystemTime) -> Result<Option<Duration>, Error> {
        let exp = self.expiry.seconds("exp", at)?;
        let now = expiry::seconds("iat", at)?;
        Ok(exp.map(|exp| Duration::from_secs(exp.saturating_sub(now))))
    }

    fn write_user(&self, object: &mut Object) -> Result<(), Error> {
        if self.is_anonymous {
            return Ok(());
        }
        if self.user.is_empty() {
            return Err(Error::claim(
                "sub",
                "the user is empty, which would make the token one of an anonymous user: if that is meant, use anonymous",
            ));
        }
        object.put("sub", &self.user)
    }

    fn write_times(&self, object: &mut Object, at: SystemTime) -> Result<(), Error> {
        let now = expiry::seconds("iat", at)?;
        let exp = self.expiry.seconds("exp", at)?;
        object.put_some("exp", &exp)?;
        let issued = self
            .issued_at
            .map_or(Ok(now), |time| expiry::seconds("iat", time))?;
        if issued > now {
            return Err(Error::claim(
                "iat",
                format!("it is {} s in the future", issued - now),
            ));
        }
        object.put("iat", &issued)?;
        if let Some(time) = self.not_before {
            let nbf = expiry::seconds("nbf", time)?;
            if exp.is_some_and(|exp| nbf >= exp) {
                return Err(Error::claim(
                    "nbf",
                    "the token would not be valid before it expires: `nbf` must be before `exp`",
                ));
            }
            object.put("nbf", &nbf)?;
        }
        if let Some(expire_at) = self.expire_at {
            let expire_at = expire_at.seconds("expire_at", at)?;
            object.put("expire_at", &expire_at.unwrap_or(0))?;
        }
        Ok(())
    }
}

/// Writes a text that must not be empty.
pub(crate) fn put_text(object: &mut Object, claim: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::claim(claim, "it is empty"));
    }
    object.put(claim, text)
}

/// Writes `aud`: one text, or a list of several.
pub(crate) fn put_audience(object: &mut Object, audience: &[String]) -> Result<(), Error> {
    if audience.iter().any(String::is_empty) {
        return Err(Error::claim("aud", "it is empty"));
    }
    match audience {
        [] => Ok(()),
        [audience] => object.put("aud", audience),
        audience => object.put("aud", audience),
    }
}
