//! The configuration, from the environment.

use std::env;
use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use centrifugo_token::{Key, KeySet, ScheduledKey};

use crate::BoxError;

pub(crate) struct Config {
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// The origin of the page, from which Centrifugo accepts connections.
    pub(crate) origin: String,
    /// The URL of this backend for Centrifugo, which calls it.
    pub(crate) internal_url: String,
    pub(crate) database_url: String,
    /// The URL of Centrifugo for browsers.
    pub(crate) websocket_url: String,
    pub(crate) api_key: String,
    /// The secret by which proxy handlers know Centrifugo.
    pub(crate) proxy_secret: String,
    /// The keys that sign tokens, of which one replaces the other.
    pub(crate) keys: KeySet,
    pub(crate) token_lifetime: Duration,
    /// The time for which an answer goes on without readers: longer than a reload takes.
    pub(crate) readers_may_be_away: Duration,
    /// The folder of the page.
    pub(crate) web: String,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let listen: SocketAddr = parsed("LISTEN", "127.0.0.1:3000")?;
        let here = format!("http://{listen}");
        let token_lifetime = seconds("TOKEN_LIFETIME_SECONDS", "600")?;
        Ok(Self {
            listen,
            origin: optional("ORIGIN").unwrap_or(here.clone()),
            internal_url: optional("INTERNAL_URL").unwrap_or(here),
            database_url: required("DATABASE_URL")?,
            websocket_url: required("WEBSOCKET_URL")?,
            api_key: required("CENTRIFUGO_API_KEY")?,
            proxy_secret: required("PROXY_SECRET")?,
            keys: keys(token_lifetime)?,
            token_lifetime,
            readers_may_be_away: seconds("READERS_MAY_BE_AWAY_SECONDS", "15")?,
            web: optional("WEB").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/web").into()),
        })
    }
}

/// Reads the key that signs, and the next one, which Centrifugo gets to know before it signs.
fn keys(lifetime: Duration) -> Result<KeySet, BoxError> {
    let keys = KeySet::new(lifetime).publish(key("TOKEN_KEY_FILE")?)?;
    if optional("NEXT_TOKEN_KEY_FILE").is_none() {
        return Ok(keys);
    }
    let from = seconds("NEXT_TOKEN_KEY_FROM", "")?;
    let next = ScheduledKey::new(key("NEXT_TOKEN_KEY_FILE")?);
    Ok(keys.publish(next.active_from(UNIX_EPOCH + from))?)
}

fn key(variable: &str) -> Result<Key, BoxError> {
    let path = required(variable)?;
    let pem = std::fs::read(&path).map_err(|error| format!("{variable}: {path}: {error}"))?;
    Ok(Key::from_pem(pem).map_err(|error| format!("{variable}: {path}: {error}"))?)
}

fn optional(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

fn required(variable: &str) -> Result<String, BoxError> {
    let hint = || format!("{variable} is not set: see examples/backend/README.md");
    Ok(optional(variable).ok_or_else(hint)?)
}

fn seconds(variable: &str, default: &str) -> Result<Duration, BoxError> {
    Ok(Duration::from_secs(parsed(variable, default)?))
}

fn parsed<T: FromStr<Err: Display>>(variable: &str, default: &str) -> Result<T, BoxError> {
    let value = optional(variable).unwrap_or(default.to_owned());
    let parsed = value.parse();
    Ok(parsed.map_err(|error| format!("{variable}: {value:?}: {error}"))?)
}
