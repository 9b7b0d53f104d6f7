//! Capabilities of Centrifugo PRO.

use serde::Serialize;

use crate::error::Error;

/// A permission that a token gives, on Centrifugo PRO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Permission {
    /// To subscribe; in capabilities of connections alone.
    #[serde(rename = "sub")]
    Subscribe,
    /// To publish.
    #[serde(rename = "pub")]
    Publish,
    /// To read the history.
    #[serde(rename = "hst")]
    History,
    /// To read the presence.
    #[serde(rename = "prs")]
    Presence,
}

/// Permissions for some channels: an item of `caps` in a connection token, for Centrifugo PRO.
///
/// ```
/// use centrifugo_token::{Capability, Permission};
///
/// let own = Capability::new(["news"], [Permission::Subscribe, Permission::History]);
/// let chats = Capability::new(["chat:*"], [Permission::Subscribe, Permission::Publish]).wildcard();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use = "add it with ConnectionClaims::capability"]
pub struct Capability {
    channels: Vec<String>,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matching: Option<&'static str>,
    allow: Vec<Permission>,
}

impl Capability {
    /// Creates the capability for channels of these names.
    pub fn new(
        channels: impl IntoIterator<Item = impl Into<String>>,
        allow: impl IntoIterator<Item = Permission>,
    ) -> Self {
        Self {
            channels: channels.into_iter().map(Into::into).collect(),
            matching: None,
            allow: allow.into_iter().collect(),
        }
    }

    /// Takes the channels for patterns in which `*` stands for any text, in Centrifugo's wildcard syntax.
    pub fn wildcard(mut self) -> Self {
        self.matching = Some("wildcard");
        self
    }

    /// Takes the channels for regular expressions of Go.
    pub fn regex(mut self) -> Self {
        self.matching = Some("regex");
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.channels.is_empty() || self.channels.iter().any(String::is_empty) {
            return Err(Error::claim(
                "caps",
                "a capability needs channels, none of them empty",
            ));
        }
        if self.allow.is_empty() {
            return Err(Error::claim("caps", "a capability needs a permission"));
        }
        Ok(())
    }
}
