//! The keys of tokens: the sections `client.token` and `client.subscription_token`.

use std::time::{Duration, UNIX_EPOCH};

use centrifugo_token::{Error, Key, PublicKey, Verifier};

use super::Problem;
use super::section::Section;
use crate::tokens::Tokens;

/// The options that need more than a configuration, or regular expressions of Go.
const UNSUPPORTED: [&str; 3] = ["jwks_public_endpoint", "audience_regex", "issuer_regex"];

/// Reads the keys of tokens.
pub(super) fn read(root: &Section<'_>) -> Result<Tokens, Problem> {
    let client = root.section("client")?;
    let connection = client.section("token")?;
    let mut tokens = Tokens {
        connection: verifier(&connection)?,
        subscription: None,
        unsupported: unsupported(&connection)?,
    };
    let subscription = client.section("subscription_token")?;
    if subscription.flag("enabled")? {
        tokens.subscription = verifier(&subscription)?;
        tokens.unsupported = tokens.unsupported.or(unsupported(&subscription)?);
    }
    Ok(tokens)
}

/// Returns the name of an option that the server does not support, if one is set.
fn unsupported(section: &Section<'_>) -> Result<Option<String>, Problem> {
    for option in UNSUPPORTED {
        if section.non_empty_text(option)?.is_some() {
            return Ok(Some(section.name(option)));
        }
    }
    Ok(None)
}

/// Reads the keys and rules of a section; `None` without a key.
fn verifier(section: &Section<'_>) -> Result<Option<Verifier>, Problem> {
    let mut verifier = None;
    if let Some(secret) = section.non_empty_text("hmac_secret_key")? {
        let key =
            Key::hs256(secret).map_err(|error| problem(section, "hmac_secret_key", &error))?;
        verifier = Some(Verifier::new(&key));
    }
    for option in ["rsa_public_key", "ecdsa_public_key", "ed25519_public_key"] {
        let Some(pem) = section.non_empty_text(option)? else {
            continue;
        };
        let key = PublicKey::from_pem(pem).map_err(|error| problem(section, option, &error))?;
        verifier = Some(match verifier {
            None => Verifier::with_public_key(key),
            Some(verifier) => verifier
                .public_key(key)
                .map_err(|error| problem(section, option, &error))?,
        });
    }
    let Some(mut verifier) = verifier else {
        return Ok(None);
    };
    if let Some(secret) = section.non_empty_text("hmac_previous_secret_key")? {
        let until = section.number("hmac_previous_secret_key_valid_until")?;
        let until = u64::try_from(until).ok().filter(|until| *until > 0);
        let until = until.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        let with_previous = verifier.previous_secret(secret, until);
        verifier =
            with_previous.map_err(|error| problem(section, "hmac_previous_secret_key", &error))?;
    }
    if let Some(audience) = section.non_empty_text("audience")? {
        verifier = verifier.audience(audience);
    }
    if let Some(issuer) = section.non_empty_text("issuer")? {
        verifier = verifier.issuer(issuer);
    }
    if let Some(claim) = section.non_empty_text("user_id_claim")? {
        verifier = verifier.user_id_claim(claim);
    }
    Ok(Some(verifier))
}

fn problem(section: &Section<'_>, option: &str, error: &Error) -> Problem {
    format!("{}: {error}", section.name(option))
}
