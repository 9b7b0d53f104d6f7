//! The rules by which claims are accepted and read.

use std::time::{SystemTime, UNIX_EPOCH};

use super::claims::ReadClaims;
use super::outcome::{ConnectionToken, SubscriptionToken, TokenSubscription};
use super::refusal::{Refusal, RefusalCode, shown};
use super::{Verifier, parse};

impl Verifier {
    /// Checks the signature, the audience and the issuer.
    pub(super) fn claims(&self, token: &str, now: SystemTime) -> Result<ReadClaims, String> {
        let parsed = parse::token(token)?;
        let claims = ReadClaims::read(&parsed.claims)?;
        self.keys.verify(&parsed.signed(), now)?;
        let audiences = claims.audience()?;
        if let Some(audience) = self
            .audience
            .as_ref()
            .filter(|audience| !audiences.contains(audience))
        {
            let first: Vec<_> = audiences.iter().take(3).map(|own| shown(own)).collect();
            let more = if audiences.len() > 3 { ", …" } else { "" };
            return Err(format!(
                "the claim `aud` is [{}{more}], and does not contain {audience:?}",
                first.join(", ")
            ));
        }
        let issuer = claims.text("iss")?;
        if let Some(expected) = self.issuer.as_ref().filter(|expected| **expected != issuer) {
            return Err(format!(
                "the claim `iss` is {}, and not {expected:?}",
                shown(&issuer)
            ));
        }
        Ok(claims)
    }

    pub(super) fn read_connection(&self, claims: &ReadClaims) -> Result<ConnectionToken, String> {
        let subs = claims.entries("subs")?.into_iter();
        let subs = subs.map(|(channel, options)| Ok((channel, TokenSubscription::read(&options)?)));
        let mut subscriptions: Vec<_> = subs.collect::<Result<_, String>>()?;
        let channels = claims.texts("channels")?;
        if subscriptions.is_empty() {
            let plain = |channel| (channel, TokenSubscription::default());
            subscriptions = channels.into_iter().map(plain).collect();
        }
        // Its content is checked after the times, with another error.
        claims.text("b64info")?;
        Ok(ConnectionToken {
            user: self.user(claims)?,
            expires_at: expires_at(claims)?,
            info: None,
            subscriptions,
            meta: claims.raw("meta").map(ToOwned::to_owned),
            id: claims.text("jti")?,
        })
    }

    pub(super) fn read_subscription(
        &self,
        claims: &ReadClaims,
    ) -> Result<SubscriptionToken, String> {
        Ok(SubscriptionToken {
            user: self.user(claims)?,
            channel: claims.text("channel")?,
            client: claims.text("client")?,
            expires_at: expires_at(claims)?,
            options: TokenSubscription::read(claims)?,
            id: claims.text("jti")?,
        })
    }

    fn user(&self, claims: &ReadClaims) -> Result<String, String> {
        let sub = claims.text("sub")?;
        Ok(match &self.user_id_claim {
            Some(name) => claims.any_text(name),
            None => sub,
        })
    }

    pub(super) fn check_channel(&self, channel: &str) -> Result<(), Refusal> {
        let Some(namespaces) = &self.namespaces else {
            return Ok(());
        };
        let name = channel.strip_prefix('$').unwrap_or(channel);
        let namespace = name.split_once(':').map(|(namespace, _)| namespace);
        let is_known = |namespace: &str| {
            namespace.is_empty() || namespaces.iter().any(|known| known == namespace)
        };
        if namespace.is_none_or(is_known) {
            return Ok(());
        }
        let reason = format!(
            "the namespace of the channel {} is not configured",
            shown(channel)
        );
        Err(Refusal::new(RefusalCode::UnknownChannel, reason))
    }
}

/// Returns the time at which the connection or subscription expires.
fn expires_at(claims: &ReadClaims) -> Result<Option<i64>, String> {
    let exp = claims.time("exp")?;
    if let Some(expire_at) = claims.integer("expire_at")? {
        return Ok(Some(expire_at).filter(|expire_at| *expire_at > 0));
    }
    // Conversions of numbers end at the limits of the type.
    Ok(exp.map(|exp| exp as i64))
}

pub(super) fn check_times(
    claims: &ReadClaims,
    now: SystemTime,
    invalid: RefusalCode,
) -> Result<(), Refusal> {
    let time = |name| {
        claims
            .time(name)
            .map_err(|reason| Refusal::new(invalid, reason))
    };
    let seconds = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    let expired = |reason: String| Err(Refusal::new(RefusalCode::TokenExpired, reason));
    time("iat")?;
    // In Go, a time above the limit of the type is one in the past.
    let overflows = |exp: f64| exp >= i64::MAX as f64;
    if let Some(exp) = time("exp")?.filter(|exp| *exp <= seconds || overflows(*exp)) {
        return expired(if overflows(exp) {
            "the claim `exp` is too large".to_owned()
        } else {
            format!("the token expired {:.0} s ago", seconds - exp)
        });
    }
    if let Some(nbf) = time("nbf")?.filter(|nbf| *nbf >= seconds) {
        return expired(format!(
            "the token is not valid for another {:.0} s",
            nbf - seconds
        ));
    }
    Ok(())
}
