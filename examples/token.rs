//! Signs tokens with keys that rotate: a client connects, refreshes its connection, and expires.
//!
//! `cargo run --example token` lets three hours pass on an embedded server, and prints which key signs
//! and what happens to Alice. Then it prints the configuration that a real server needs.

mod support;

use std::time::{Duration, SystemTime};

use centrifugo_api_testing::Server;
use centrifugo_token::{ConnectionClaims, Expiry, Key, KeySet};
use centrifugo_token::{ScheduledKey, TokenConfiguration, Verifier};
use support::{Report, print_events};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Report> {
    // All instances of a backend have the same keys and times. The JWKS has the new key before it
    // signs, and the old key until its last token has expired. `openssl genpkey -algorithm ed25519`
    // makes a key.
    let old = Key::from_pem(include_str!("support/2026-01.pem"))?.with_kid("2026-01");
    let new = Key::from_pem(include_str!("support/2026-07.pem"))?.with_kid("2026-07");
    let new = ScheduledKey::new(new).active_from(SystemTime::now() + HOUR / 2);
    let keys = KeySet::new(HOUR).publish(old)?.publish(new)?;
    let verifier = Verifier::with_key_set(&keys);
    let server = Server::builder().tokens(verifier).start()?;

    let first = token(&keys, server.now())?;
    let mut alice = server.connect_with_token(&first)?;
    println!("  {} is connected", alice.user());

    // The SDK of the client asks for another token before the first one expires.
    server.advance(HOUR * 9 / 10);
    alice.refresh(&token(&keys, server.now())?)?;
    println!("  alice has refreshed the connection");
    drop(server.connect_with_token(&first)?);
    println!("  a token of the old key is still valid");

    server.advance(2 * HOUR);
    print_events("alice", || alice.try_next());
    token(&keys, server.now())?;

    let configuration = TokenConfiguration::new().jwks_endpoint("https://example.com/jwks")?;
    println!("\nThe configuration of a real server:\n");
    println!("{}", configuration.to_yaml());
    Ok(())
}

/// Returns a token for Alice. A real backend calls `keys.active()` and `claims.sign(&key)`.
fn token(keys: &KeySet, now: SystemTime) -> Result<String, centrifugo_token::Error> {
    let key = keys.active_at(now)?;
    let id = key.kid().unwrap_or_default();
    let published = keys.jwks_at(now).matches("\"kid\"").count();
    println!("The key {id} signs a token. Keys in the JWKS: {published}.");
    let claims = ConnectionClaims::new("alice", Expiry::after(HOUR)).channel("news");
    claims.sign_at(&key, now)
}
