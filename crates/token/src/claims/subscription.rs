//! Subscription tokens.

use std::time::SystemTime;

use centrifugo_api::{IntoPayload, SubscribeOptionOverride};

use super::capability::Permission;
use super::methods::standard_methods;
use super::own::Known;
use super::payload::ClaimPayload;
use super::standard::{KNOWN, StandardClaims, put_text};
use crate::error::Error;
use crate::expiry::Expiry;
use crate::object::Object;

/// The claims that a subscription token alone has.
const OWN: [Known; 6] = [
    ("channel", "the channel stands in SubscriptionUser::channel"),
    ("client", "set it with client"),
    ("data", "set it with data"),
    ("b64data", "set it with data(binary(bytes))"),
    ("override", "set it with override"),
    ("allow", "set it with allow"),
];

/// The claims of a subscription token: it lets a user subscribe to a channel.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_token::{Expiry, Key, SubscriptionClaims};
///
/// let key = Key::hs256("secret")?;
/// let claims = SubscriptionClaims::user("42").channel("$news", Expiry::after(Duration::from_secs(600)));
/// let token = claims.sign(&key)?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
///
/// Mistakes, such as an expiry that has passed, are errors when the token is signed.
#[derive(Clone)]
#[must_use = "sign it"]
pub struct SubscriptionClaims {
    standard: StandardClaims,
    channel: String,
    client: Option<String>,
    info: ClaimPayload,
    data: ClaimPayload,
    options: Option<SubscribeOptionOverride>,
    allow: Vec<Permission>,
}

/// The user of a subscription token, which still needs a [`channel`](Self::channel). The two stand apart so that they cannot be
/// swapped.
#[derive(Clone, Debug)]
#[must_use = "a subscription token needs a channel too"]
pub struct SubscriptionUser(Option<String>);

impl SubscriptionUser {
    /// Creates the claims for a channel (`channel`), in a token that expires then (`exp`).
    ///
    /// The channel is the one that the client names when it subscribes. Any other one makes Centrifugo disconnect the client
    /// with code 3500, and so does another user.
    pub fn channel(self, channel: impl Into<String>, expiry: Expiry) -> SubscriptionClaims {
        SubscriptionClaims {
            standard: StandardClaims::new(self.0, expiry),
            channel: channel.into(),
            client: None,
            info: ClaimPayload::default(),
            data: ClaimPayload::default(),
            options: None,
            allow: Vec::new(),
        }
    }
}

impl SubscriptionClaims {
    /// Begins the claims of a user (`sub`), who must be that of the connection.
    pub fn user(user: impl Into<String>) -> SubscriptionUser {
        SubscriptionUser(Some(user.into()))
    }

    /// Begins the claims of an anonymous user, without `sub`.
    pub fn anonymous() -> SubscriptionUser {
        SubscriptionUser(None)
    }

    /// Sets the connection (`client`) that alone may use the token, by its client ID. The last call counts.
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// Sets what the client gets when it is subscribed (`data`, or `b64data` for [`binary`](centrifugo_api::binary)). The last call
    /// counts.
    pub fn data(mut self, data: impl IntoPayload) -> Self {
        self.data.set(data);
        self
    }

    /// Sets options of the channel's namespace to other values, for this subscription (`override`). The last call counts.
    pub fn r#override(mut self, options: SubscribeOptionOverride) -> Self {
        self.options = Some(options);
        self
    }

    /// Adds permissions in the channel (`allow`), all but [`Permission::Subscribe`], which the token is. Needs Centrifugo PRO,
    /// whose documentation it follows: it could not be tested.
    pub fn allow(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.allow.extend(permissions);
        self
    }

    #[cfg(feature = "endpoints")]
    pub(crate) fn channel_name(&self) -> &str {
        &self.channel
    }

    fn write(&self, object: &mut Object, now: SystemTime) -> Result<(), Error> {
        self.standard.write(object, now)?;
        put_text(object, "channel", &self.channel)?;
        if let Some(client) = &self.client {
            put_text(object, "client", client)?;
        }
        self.info.write(object, "info")?;
        self.data.write(object, "data")?;
        object.put_some("override", &self.options)?;
        if self.allow.contains(&Permission::Subscribe) {
            return Err(Error::claim(
                "allow",
                "the token itself is the permission to subscribe: omit Permission::Subscribe",
            ));
        }
        if !self.allow.is_empty() {
            object.put("allow", &self.allow)?;
        }
        self.standard
            .own
            .write(object, &[&KNOWN[..], &OWN].concat())
    }
}

/// # Claims of both kinds of tokens
impl SubscriptionClaims {
    standard_methods!("subscription", "subscription");
}

/// Shows no payload.
impl std::fmt::Debug for SubscriptionClaims {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SubscriptionClaims")
            .field("user", &self.standard.user)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
