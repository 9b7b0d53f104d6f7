//! Rotates keys without a moment in which a token is refused.
//!
//! The keys and their times come from the configuration, the same on every instance. Here the example plays the days of a
//! rotation through; a real service calls [`KeySet::active`] and [`KeySet::jwks`], which take the time of now.

use std::error::Error;
use std::time::{Duration, SystemTime};

use centrifugo_token::{ConnectionClaims, Expiry, Key, KeySet, ScheduledKey, Verifier};

/// Keys for this example alone. Make yours with `openssl genpkey -algorithm ed25519`, and keep them out of the code.
const OLD: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
const NEW: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEzNCJso/5barO0QiotWWRfYyUVjUb5PsuDScH4BpvT7
-----END PRIVATE KEY-----
";

/// The lifetime of tokens: the old key is published for that long after the new one has begun.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Returns the set that every instance builds from its configuration.
fn keys(new_from: SystemTime) -> Result<KeySet, centrifugo_token::Error> {
    let old = Key::from_pem(OLD)?.with_kid("2026-01");
    let new = Key::from_pem(NEW)?.with_kid("2026-07");
    KeySet::new(LIFETIME)
        .publish(old)?
        .publish(ScheduledKey::new(new).active_from(new_from))
}

fn main() -> Result<(), Box<dyn Error>> {
    let deployed = SystemTime::now();
    let switch = deployed + Duration::from_secs(600);
    let keys = keys(switch)?;
    let verifier = Verifier::with_key_set(&keys);
    let claims = ConnectionClaims::new("42", Expiry::after(LIFETIME));

    let last_of_old = claims.sign_at(&keys.active_at(deployed)?, deployed)?;
    let moments = [
        ("deployed", deployed),
        ("switched", switch),
        (
            "last token of the old key",
            deployed + LIFETIME - Duration::from_secs(1),
        ),
        (
            "old key retired",
            switch + LIFETIME + Duration::from_secs(301),
        ),
    ];
    for (moment, time) in moments {
        let key = keys.active_at(time)?;
        let token = claims.sign_at(&key, time)?;
        verifier.connection_at(&token, time)?;
        let published = keys.jwks_at(time).matches("\"kid\"").count();
        let old = verifier.connection_at(&last_of_old, time);
        println!(
            "{moment}: {} signs, {published} keys are published, the old token is {}",
            key.kid().unwrap_or_default(),
            if old.is_ok() { "valid" } else { "over" }
        );
    }
    Ok(())
}
