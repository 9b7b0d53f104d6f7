//! The configuration that Centrifugo needs to accept the tokens.

mod text;

use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::algorithm::Family;
use crate::error::Error;
use crate::expiry;
use crate::key::{Key, PublicKey};
use crate::object::Object;
use text::{block, check_url, quoted, secret_text};

/// The section `client.token` of the configuration of Centrifugo v6, for the keys at hand.
///
/// ```
/// use centrifugo_token::{Key, TokenConfiguration};
///
/// # let pem = include_str!("../../tests/data/p256.pem");
/// let configuration = TokenConfiguration::new().key(&Key::from_pem(pem)?)?.audience("centrifugo")?;
/// println!("{}", configuration.to_yaml()); // or to_json, to_environment
/// # assert!(configuration.to_yaml().starts_with("client:\n  token:\n    ecdsa_public_key: |\n      -----BEGIN"));
/// # Ok::<(), centrifugo_token::Error>(())
/// ```
///
/// An HMAC secret stands in the printed configuration, since Centrifugo needs it; `Debug` does not show it.
#[derive(Clone, Default)]
#[must_use = "print it"]
pub struct TokenConfiguration {
    options: Vec<(&'static str, Value)>,
    subscriptions: Option<Box<Self>>,
}

#[derive(Clone)]
enum Value {
    Text(Zeroizing<String>),
    /// A public key in PEM, which has lines.
    Pem(String),
    Number(u64),
    Flag(bool),
}

/// The name of the option with a JWKS, besides which Centrifugo ignores keys.
const JWKS: &str = "jwks_public_endpoint";

impl TokenConfiguration {
    /// Creates a section without options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an HMAC secret, or the public half of a key: `hmac_secret_key`, `rsa_public_key`, `ecdsa_public_key`, or, since
    /// Centrifugo 6.10.2, `ed25519_public_key`. Older releases take an Ed25519 key from a JWKS only.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if there is a key of this kind already, or a JWKS, or if an HMAC secret is not a text.
    pub fn key(self, key: &Key) -> Result<Self, Error> {
        match (key.public(), key.secret()) {
            (Some(public), _) => self.public_key(&public),
            (None, secret) => {
                let secret = secret_text(secret.unwrap_or_default())?;
                self.with_key("hmac_secret_key", Value::Text(secret))
            }
        }
    }

    /// Adds a public key, such as that of a [`Signer`](crate::Signer) outside the process.
    ///
    /// # Errors
    ///
    /// As [`key`](Self::key).
    pub fn public_key(self, key: &PublicKey) -> Result<Self, Error> {
        let option = match key.family() {
            Family::Rsa => "rsa_public_key",
            Family::Ed25519 => "ed25519_public_key",
            _ => "ecdsa_public_key",
        };
        self.with_key(option, Value::Pem(key.to_pem()))
    }

    /// Adds the HMAC secret that was used before (`hmac_previous_secret_key`), and until when it is accepted (`_valid_until`);
    /// `None` is no end.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the secret is not a text, if [`Key::hs256`] would refuse it, or if there is a previous one or a JWKS
    /// already; [`Error::Claim`] if the time is before 1970.
    pub fn previous_secret(
        self,
        secret: impl AsRef<[u8]>,
        valid_until: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let secret = secret_text(secret.as_ref())?;
        let with_secret = self.with_key("hmac_previous_secret_key", Value::Text(secret))?;
        let option = "hmac_previous_secret_key_valid_until";
        match valid_until {
            None => Ok(with_secret),
            Some(time) => {
                let seconds = expiry::seconds(option, time)?;
                Ok(with_secret.with(option, Value::Number(seconds)))
            }
        }
    }

    /// Sets the URL from which Centrifugo fetches a JWKS (`jwks_public_endpoint`), such as that of a
    /// [`KeySet`](crate::KeySet).
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the URL does not begin with `http://` or `https://`, has no host or has white space or control
    /// characters, or if there are keys, which Centrifugo would ignore.
    pub fn jwks_endpoint(self, url: impl Into<String>) -> Result<Self, Error> {
        let url = url.into();
        check_url(&url)?;
        if self
            .options
            .iter()
            .any(|(option, _)| option.contains("_key"))
        {
            return Err(ignored());
        }
        self.check_new(JWKS)?;
        Ok(self.with(JWKS, Value::Text(Zeroizing::new(url))))
    }

    /// Sets the audience that tokens must have (`audience`).
    ///
    /// # Errors
    ///
    /// [`Error::Claim`] if it has a zero byte, which no variable of the environment can have.
    pub fn audience(self, audience: impl Into<String>) -> Result<Self, Error> {
        self.with_text("audience", audience)
    }

    /// Sets the issuer that tokens must have (`issuer`).
    ///
    /// # Errors
    ///
    /// As [`audience`](Self::audience).
    pub fn issuer(self, issuer: impl Into<String>) -> Result<Self, Error> {
        self.with_text("issuer", issuer)
    }

    /// Sets the claim that names the user, instead of `sub` (`user_id_claim`).
    ///
    /// # Errors
    ///
    /// [`Error::Claim`] if the name has something else than ASCII letters and underscores: Centrifugo would not start.
    pub fn user_id_claim(self, claim: impl Into<String>) -> Result<Self, Error> {
        let claim = claim.into();
        let is_valid = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        if claim.is_empty() || !claim.bytes().all(is_valid) {
            return Err(Error::claim(
                "user_id_claim",
                "its name may have ASCII letters and underscores alone: Centrifugo would not start with it",
            ));
        }
        self.with_text("user_id_claim", claim)
    }

    /// Sets a section of their own for subscription tokens (`client.subscription_token`). Without it, they have the same keys
    /// as connection tokens.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the section has one for subscription tokens itself.
    pub fn subscription_tokens(mut self, configuration: Self) -> Result<Self, Error> {
        if configuration.subscriptions.is_some() {
            return Err(Error::key(
                "the section for subscription tokens cannot have such a section itself: add it to the outer one",
            ));
        }
        let enabled = configuration.with("enabled", Value::Flag(true));
        self.subscriptions = Some(Box::new(enabled));
        Ok(self)
    }

    /// Returns the configuration as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // No option is there twice, and each has a value: nothing can fail.
        self.json().unwrap_or_default()
    }

    fn json(&self) -> Result<String, Error> {
        let mut client = Object::new();
        for (name, section) in self.sections() {
            let mut object = Object::new();
            for (option, value) in &section.options {
                match value {
                    Value::Text(text) => object.put(option, text.as_str())?,
                    Value::Pem(pem) => object.put(option, pem)?,
                    Value::Number(number) => object.put(option, number)?,
                    Value::Flag(flag) => object.put(option, flag)?,
                }
            }
            client.put_json(name, object.finish())?;
        }
        let mut root = Object::new();
        root.put_json("client", client.finish())?;
        Ok(root.finish())
    }

    /// Returns the configuration as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut yaml = "client:\n".to_owned();
        for (name, section) in self.sections() {
            yaml.push_str(&format!("  {name}:\n"));
            for (option, value) in &section.options {
                let value = match value {
                    Value::Text(text) => quoted(text),
                    Value::Pem(pem) => block(pem),
                    Value::Number(number) => number.to_string(),
                    Value::Flag(flag) => flag.to_string(),
                };
                yaml.push_str(&format!("    {option}: {value}\n"));
            }
        }
        yaml
    }

    /// Returns the configuration as variables of Centrifugo's environment, such as `CENTRIFUGO_CLIENT_TOKEN_AUDIENCE`.
    ///
    /// The values of public keys have several lines.
    #[must_use]
    pub fn to_environment(&self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for (name, section) in self.sections() {
            for (option, value) in &section.options {
                let variable = format!("CENTRIFUGO_CLIENT_{name}_{option}").to_uppercase();
                let value = match value {
                    Value::Text(text) => text.to_string(),
                    Value::Pem(pem) => pem.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Flag(flag) => flag.to_string(),
                };
                variables.push((variable, value));
            }
        }
        variables
    }

    fn sections(&self) -> impl Iterator<Item = (&'static str, &Self)> {
        let own = (!self.options.is_empty()).then_some(("token", self));
        let subscriptions = self.subscriptions.as_deref();
        let subscriptions = subscriptions.map(|section| ("subscription_token", section));
        own.into_iter().chain(subscriptions)
    }

    fn with_key(self, option: &'static str, key: Value) -> Result<Self, Error> {
        if self.options.iter().any(|(other, _)| *other == JWKS) {
            return Err(ignored());
        }
        self.check_new(option)?;
        Ok(self.with(option, key))
    }

    fn check_new(&self, option: &str) -> Result<(), Error> {
        if self.options.iter().any(|(other, _)| *other == option) {
            return Err(Error::key(format!(
                "`{option}` is set already, and Centrifugo takes one: serve several keys as a JWKS"
            )));
        }
        Ok(())
    }

    fn with_text(self, option: &'static str, text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.contains('\0') {
            return Err(Error::claim(
                option,
                "it has a zero byte, which no variable of the environment can have: leave that out",
            ));
        }
        Ok(self.with(option, Value::Text(Zeroizing::new(text))))
    }

    /// Sets an option, in the place of its former value.
    fn with(mut self, option: &'static str, value: Value) -> Self {
        self.options.retain(|(other, _)| *other != option);
        self.options.push((option, value));
        self
    }
}

/// Shows the names of the options alone.
impl fmt::Debug for TokenConfiguration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.options.iter().map(|(option, _)| option).collect();
        let mut shown = formatter.debug_struct("TokenConfiguration");
        shown
            .field("options", &names)
            .field("subscriptions", &self.subscriptions)
            .finish()
    }
}

fn ignored() -> Error {
    Error::key("Centrifugo ignores other keys once it has a JWKS: leave out the one or the other")
}
