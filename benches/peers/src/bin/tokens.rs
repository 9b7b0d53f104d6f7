//! Signing and verifying tokens, beside `jsonwebtoken` and Rust `cent` 0.1.0, which all use AWS-LC here.
//!
//! The libraries take turns within each round, so that all are measured under the same conditions.

use std::hint::black_box;
use std::time::{Duration, Instant};

use centrifugo_token::{Algorithm, ConnectionClaims, Expiry, Key, Verifier};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

const SECRET: &str = "a secret of 64 bytes, which is as strong as the longest hash here!";
const LIFETIME: Duration = Duration::from_secs(600);

/// The names of the algorithms, and the files of their keys; HMAC has none.
const ALGORITHMS: [(&str, &str); 10] = [
    ("HS256", ""),
    ("HS384", ""),
    ("HS512", ""),
    ("RS256", "rsa2048.pem"),
    ("RS384", "rsa2048.pem"),
    ("RS512", "rsa2048.pem"),
    ("ES256", "p256.pem"),
    ("ES384", "p384.pem"),
    ("ES512", "p521.pem"),
    ("EdDSA", "ed25519.pem"),
];

/// An operation that is measured, of one library.
type Operation = Box<dyn Fn()>;

fn main() -> Result<(), Failure> {
    let is_short = std::env::args().any(|argument| argument == "--short");
    println!("µs an operation, and the ratio to this crate; medians");
    println!(
        "{:<16} {:>10} {:>20} {:>20}",
        "", "this", "jsonwebtoken", "cent 0.1.0"
    );
    for (algorithm, file) in ALGORITHMS {
        let signing = [
            Some(ours_signs(algorithm, file)?),
            theirs_signs(algorithm, file)?,
            cent_signs(algorithm, file)?,
        ];
        print_row(&format!("{algorithm} sign"), &measure(&signing, is_short));
        let verifying = [
            Some(ours_verifies(algorithm, file)?),
            theirs_verifies(algorithm, file)?,
            None,
        ];
        print_row(
            &format!("{algorithm} verify"),
            &measure(&verifying, is_short),
        );
    }
    Ok(())
}

/// Returns the median time of each operation, in microseconds.
fn measure(operations: &[Option<Operation>; 3], is_short: bool) -> [Option<f64>; 3] {
    let rounds = if is_short { 1 } else { 15 };
    let time = Duration::from_millis(if is_short { 1 } else { 20 });
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        for (operation, times) in operations.iter().zip(&mut times) {
            if let Some(operation) = operation {
                times.push(run(operation, time));
            }
        }
    }
    times.map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    })
}

/// Repeats an operation for that time, and returns how long one took, in microseconds.
fn run(operation: &Operation, time: Duration) -> f64 {
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < time {
        operation();
        count += 1;
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

fn print_row(name: &str, times: &[Option<f64>; 3]) {
    let ours = times[0].unwrap_or(f64::NAN);
    let cell = |time: Option<f64>| {
        time.map_or_else(
            || "-".to_owned(),
            |time| format!("{time:.1} ({:.2})", time / ours),
        )
    };
    println!(
        "{name:<16} {ours:>10.1} {:>20} {:>20}",
        cell(times[1]),
        cell(times[2])
    );
}

/// Returns a key in PEM.
fn pem(file: &str) -> Result<Vec<u8>, Failure> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/token/tests/data");
    Ok(std::fs::read(format!("{folder}/{file}"))?)
}

fn our_key(algorithm: &str, file: &str) -> Result<Key, Failure> {
    Ok(match algorithm {
        "HS256" => Key::hs256(SECRET)?,
        "HS384" => Key::hs384(SECRET)?,
        "HS512" => Key::hs512(SECRET)?,
        "RS384" => Key::from_pem(pem(file)?)?.with_algorithm(Algorithm::Rs384)?,
        "RS512" => Key::from_pem(pem(file)?)?.with_algorithm(Algorithm::Rs512)?,
        _ => Key::from_pem(pem(file)?)?,
    })
}

fn our_claims() -> ConnectionClaims {
    ConnectionClaims::new("42", Expiry::after(LIFETIME)).channel("news")
}

fn ours_signs(algorithm: &str, file: &str) -> Result<Operation, Failure> {
    let key = our_key(algorithm, file)?;
    our_claims().sign(&key)?;
    Ok(Box::new(move || drop(black_box(our_claims().sign(&key)))))
}

fn ours_verifies(algorithm: &str, file: &str) -> Result<Operation, Failure> {
    let key = our_key(algorithm, file)?;
    let token = our_claims().sign(&key)?;
    let verifier = Verifier::new(&key);
    verifier.connection(&token)?;
    Ok(Box::new(move || {
        drop(black_box(verifier.connection(&token)))
    }))
}

/// The keys of `jsonwebtoken`, which does not have ES512.
struct Theirs {
    algorithm: jsonwebtoken::Algorithm,
    private: EncodingKey,
    public: DecodingKey,
}

fn theirs(algorithm: &str, file: &str) -> Result<Option<Theirs>, Failure> {
    if algorithm == "ES512" {
        return Ok(None);
    }
    let (private, public) = if file.is_empty() {
        let secret = SECRET.as_bytes();
        (
            EncodingKey::from_secret(secret)?,
            DecodingKey::from_secret(secret)?,
        )
    } else {
        let private = pem(file)?;
        let public = our_key(algorithm, file)?.public().ok_or("no public half")?;
        let public = public.to_pem().into_bytes();
        match &algorithm[..2] {
            "RS" => (
                EncodingKey::from_rsa_pem(&private)?,
                DecodingKey::from_rsa_pem(&public)?,
            ),
            "ES" => (
                EncodingKey::from_ec_pem(&private)?,
                DecodingKey::from_ec_pem(&public)?,
            ),
            _ => (
                EncodingKey::from_ed_pem(&private)?,
                DecodingKey::from_ed_pem(&public)?,
            ),
        }
    };
    Ok(Some(Theirs {
        algorithm: algorithm.parse()?,
        private,
        public,
    }))
}

/// Returns claims like ours, without an ID.
fn their_claims() -> Value {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now = since.as_secs();
    json!({"sub": "42", "exp": now + LIFETIME.as_secs(), "iat": now, "channels": ["news"]})
}

fn theirs_signs(algorithm: &str, file: &str) -> Result<Option<Operation>, Failure> {
    let Some(keys) = theirs(algorithm, file)? else {
        return Ok(None);
    };
    let header = Header::new(keys.algorithm);
    jsonwebtoken::encode(&header, &their_claims(), &keys.private)?;
    Ok(Some(Box::new(move || {
        drop(black_box(jsonwebtoken::encode(
            &header,
            &their_claims(),
            &keys.private,
        )));
    })))
}

fn theirs_verifies(algorithm: &str, file: &str) -> Result<Option<Operation>, Failure> {
    let Some(keys) = theirs(algorithm, file)? else {
        return Ok(None);
    };
    let token = jsonwebtoken::encode(&Header::new(keys.algorithm), &their_claims(), &keys.private)?;
    let validation = Validation::new(keys.algorithm);
    jsonwebtoken::decode::<Value>(&token, &keys.public, &validation)?;
    Ok(Some(Box::new(move || {
        drop(black_box(jsonwebtoken::decode::<Value>(
            &token,
            &keys.public,
            &validation,
        )));
    })))
}

/// Returns the operation of `cent`, which signs with one size of the hash for HMAC and RSA.
fn cent_signs(algorithm: &str, file: &str) -> Result<Option<Operation>, Failure> {
    use cent::token::{ConnectionClaims, Key, connection};
    let key = match algorithm {
        "HS256" => Key::hmac(SECRET)?,
        "RS256" | "ES256" | "ES384" | "ES512" | "EdDSA" => Key::from_pem(pem(file)?)?,
        _ => return Ok(None),
    };
    let claims = || {
        let mut claims = ConnectionClaims::new("42", cent::Expiry::after(LIFETIME));
        claims.channels.push("news".to_owned());
        claims
    };
    connection(&key, &claims())?;
    Ok(Some(Box::new(move || {
        drop(black_box(connection(&key, &claims())))
    })))
}
