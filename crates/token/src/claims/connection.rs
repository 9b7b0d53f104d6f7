//! Connection tokens.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::capability::Capability;
use super::methods::standard_methods;
use super::own::Known;
use super::payload::ClaimPayload;
use super::standard::{KNOWN, StandardClaims};
use super::subscription_options::SubscriptionOptions;
use crate::error::Error;
use crate::expiry::Expiry;
use crate::object::Object;

/// The claims that a connection token alone has.
const OWN: [Known; 6] = [
    ("channels", "add them with channel"),
    ("subs", "add them with subscription"),
    ("meta", "set it with meta"),
    ("caps", "add them with capability"),
    ("labels", "add them with label"),
    (
        "channel",
        "only a subscription token has it: use SubscriptionClaims, or channel() for `channels`",
    ),
];

/// The claims of a connection token: it lets a client connect as a user.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_token::{ConnectionClaims, Expiry, Key};
///
/// let key = Key::hs256("secret")?;
/// let claims = ConnectionClaims::new("42", Expiry::after(Duration::from_secs(600)))
///     .channel("news")
///     .info(r#"{"name":"Alice"}"#);
/// let token = claims.sign(&key)?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
///
/// Mistakes, such as an expiry that has passed, are errors when the token is signed.
#[derive(Clone)]
#[must_use = "sign it"]
pub struct ConnectionClaims {
    standard: StandardClaims,
    info: ClaimPayload,
    channels: Vec<String>,
    subscriptions: Vec<(String, SubscriptionOptions)>,
    meta: Option<Result<Box<RawValue>, String>>,
    capabilities: Vec<Capability>,
    labels: Vec<(String, String)>,
}

impl ConnectionClaims {
    /// Creates the claims of a user (`sub`) in a token that expires then (`exp`).
    ///
    /// A client SDK gets a new token before the old one expires, if it has a function for that; otherwise, and if the function
    /// refuses, the connection ends 25 s after the expiry (`client.expired_close_delay`).
    pub fn new(user: impl Into<String>, expiry: Expiry) -> Self {
        Self::of(Some(user.into()), expiry)
    }

    /// Creates the claims of an anonymous user, without `sub`. With `user_id_claim` configured, [`claim`](Self::claim) sets the
    /// user.
    pub fn anonymous(expiry: Expiry) -> Self {
        Self::of(None, expiry)
    }

    fn of(user: Option<String>, expiry: Expiry) -> Self {
        Self {
            standard: StandardClaims::new(user, expiry),
            info: ClaimPayload::default(),
            channels: Vec::new(),
            subscriptions: Vec::new(),
            meta: None,
            capabilities: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Adds a channel that the connection is subscribed to by the server (`channels`). A channel whose namespace is not
    /// configured refuses the connection with error 102.
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channels.push(channel.into());
        self
    }

    /// Adds a channel that the connection is subscribed to by the server, with options (`subs`). Centrifugo ignores `channels`
    /// if there are `subs`: use the one or the other.
    pub fn subscription(
        mut self,
        channel: impl Into<String>,
        options: SubscriptionOptions,
    ) -> Self {
        self.subscriptions.push((channel.into(), options));
        self
    }

    /// Sets data of the connection that other clients never see (`meta`): an object. The proxy requests have it with
    /// `include_connection_meta`. Whoever holds the token can read it. The last call counts.
    pub fn meta(mut self, meta: &impl Serialize) -> Self {
        self.meta = Some(to_raw_value(meta).map_err(|error| error.to_string()));
        self
    }

    /// Adds a capability (`caps`). Needs Centrifugo PRO, whose documentation it follows: it could not be tested.
    pub fn capability(mut self, capability: Capability) -> Self {
        self.capabilities.push(capability);
        self
    }

    /// Adds a label of the connection (`labels`). Needs Centrifugo PRO, whose documentation it follows: it could not be tested.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    fn write(&self, object: &mut Object, now: SystemTime) -> Result<(), Error> {
        self.standard.write(object, now)?;
        self.info.write(object, "info")?;
        self.write_channels(object)?;
        self.write_meta(object)?;
        for capability in &self.capabilities {
            capability.check()?;
        }
        if !self.capabilities.is_empty() {
            object.put("caps", &self.capabilities)?;
        }
        if !self.labels.is_empty() {
            let mut labels = Object::exact();
            for (name, value) in &self.labels {
                let put = labels.put(name, value);
                put.map_err(|_| {
                    Error::claim("labels", format!("the label {name:?} is set twice"))
                })?;
            }
            object.put_json("labels", labels.finish())?;
        }
        self.standard
            .own
            .write(object, &[&KNOWN[..], &OWN].concat())
    }

    fn write_channels(&self, object: &mut Object) -> Result<(), Error> {
        if !self.channels.is_empty() && !self.subscriptions.is_empty() {
            return Err(Error::claim(
                "channels",
                "Centrifugo ignores `channels` if there are `subs`: add every channel with subscription, or every one with channel",
            ));
        }
        if self.channels.iter().any(String::is_empty) {
            return Err(Error::claim("channels", "a channel is empty"));
        }
        if !self.channels.is_empty() {
            object.put("channels", &self.channels)?;
        }
        if self.subscriptions.is_empty() {
            return Ok(());
        }
        let mut subs = Object::exact();
        for (channel, options) in &self.subscriptions {
            if channel.is_empty() {
                return Err(Error::claim("subs", "a channel is empty"));
            }
            let options = options
                .to_json()
                .and_then(|options| subs.put(channel, &options));
            options.map_err(|error| match error {
                Error::Claim { claim, problem } if claim == *channel => {
                    Error::claim("subs", format!("channel {channel:?}: {problem}"))
                }
                Error::Claim { claim, problem } => {
                    Error::claim("subs", format!("channel {channel:?}, `{claim}`: {problem}"))
                }
                other => other,
            })?;
        }
        object.put_json("subs", subs.finish())
    }

    fn write_meta(&self, object: &mut Object) -> Result<(), Error> {
        match &self.meta {
            None => Ok(()),
            Some(Err(error)) => Err(Error::claim(
                "meta",
                format!("it cannot be written as JSON: {error}"),
            )),
            Some(Ok(meta)) if !meta.get().starts_with('{') => Err(Error::claim(
                "meta",
                "it is not an object: give a struct or a map",
            )),
            Some(Ok(meta)) => object.put("meta", meta),
        }
    }
}

/// # Claims of both kinds of tokens
impl ConnectionClaims {
    standard_methods!("connection", "connection");
}

/// Shows no payload.
impl std::fmt::Debug for ConnectionClaims {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ConnectionClaims")
            .field("user", &self.standard.user)
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}
